// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The taps of one direction. What has been drained is duplicated once into each; one that is not ready by the next
 * drain is waited for. Belongs to the direction's thread.
 */
final class Branches {
    private final List<Tap> all = new ArrayList<>();
    private @Nullable Tap full;

    /** False when there is no pipe for it, as it can tell. */
    boolean add(Tap tap) {
        all.add(tap);
        return tap.open();
    }

    boolean isEmpty() {
        return all.isEmpty();
    }

    /** Gives it no more bytes. */
    void remove(Tap tap) {
        all.remove(tap);
        tap.close();
    }

    /** Makes room in all; false when one is full and must be waited for. */
    boolean ready() {
        for (Tap tap : all) {
            if (!tap.ready()) {
                full = tap;
                return false;
            }
        }
        return true;
    }

    /** What {@link #ready} found to be full. */
    Tap full() {
        Tap found = full;
        if (found == null) {
            throw new IllegalStateException("no branch is full");
        }
        return found;
    }

    /**
     * The most that the source's pipe may hold: no more than the smallest stage, or a tee could be short; 0 when the
     * next piece is to be copied.
     */
    int stageBytes() {
        int bytes = Integer.MAX_VALUE;
        for (Tap tap : all) {
            bytes = Math.min(bytes, tap.stageBytes());
        }
        return bytes;
    }

    /** The most that is to be copied at a time: what fits in every stage. */
    int copyBytes() {
        int bytes = Integer.MAX_VALUE;
        for (Tap tap : all) {
            int stage = tap.stageBytes();
            bytes = stage == 0 ? bytes : Math.min(bytes, stage);
        }
        return bytes;
    }

    /** Duplicates what {@code from} holds into every stage, without a copy. */
    void tee(PooledPipe from) {
        for (Tap tap : all) {
            tap.tee(from);
        }
    }

    /** Copies bytes that are in memory into every stage. */
    void write(MemorySegment bytes) {
        for (Tap tap : all) {
            tap.write(bytes);
        }
    }

    void rest() {
        all.forEach(Tap::rest);
    }

    void close() {
        all.forEach(Tap::close);
    }
}
