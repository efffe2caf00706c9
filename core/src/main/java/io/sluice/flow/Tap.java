// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import java.lang.foreign.MemorySegment;

/**
 * What gets a duplicate of all that a {@link Direction} takes from its source. Called by the direction's thread alone,
 * and never made to wait: what cannot take more either is not ready, and its direction waits, or goes without.
 *
 * <p>For each piece {@link #ready} is asked first; once it has answered true, {@link #tee} or {@link #write} follows.
 */
public interface Tap extends AutoCloseable {
    /** Joins a direction; false when it cannot, for want of a pipe. */
    boolean open();

    /** Makes room for one more piece; false when there is none and its direction is to wait for {@link #hasRoom}. */
    boolean ready();

    /** Whether {@link #ready} is worth asking again. Safe for any thread. */
    boolean hasRoom();

    /**
     * The capacity of the pipe it duplicates into, in bytes: the source's pipe has no more, or a tee could be short.
     * {@link Integer#MAX_VALUE} when it will not duplicate the next piece, 0 when that has to be copied to it.
     */
    int stageBytes();

    /** Duplicates what {@code from} holds, without a copy and without taking it out. */
    void tee(PooledPipe from);

    /** Copies bytes that are in memory. */
    void write(MemorySegment bytes);

    /** The direction waits, nobody knows how long: what is empty may be given back until {@link #ready}. */
    void rest();

    /** Leaves the direction, whose thread has no more business here. */
    @Override
    void close();
}
