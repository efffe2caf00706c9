// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_WRONLY;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.user.UserKernel.Profile;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Pipes with nothing around them, for what a call does to a pipe alone; at the close no lock may be held, no page be in
 * use.
 */
final class Plumbing implements AutoCloseable {
    final Resources resources;
    private final List<Pipe> pipes = new ArrayList<>();

    Plumbing() {
        this(1000);
    }

    Plumbing(long pages) {
        this(pages, 1 << 20, 0);
    }

    Plumbing(long pages, int pipeMaxSizeBytes, long pipeUserPagesSoft) {
        PagePool pool = new PagePool(pages, true);
        resources = new Resources(Profile.LINUX, pool, pipeMaxSizeBytes, pipeUserPagesSoft, Long.MAX_VALUE);
    }

    /** A pipe with both ends and room for 16 pages. */
    Pipe pipe() {
        Pipe pipe = Pipe.withBothEnds(resources);
        pipes.add(pipe);
        return pipe;
    }

    /** The only end of a kind is closed. */
    void closeEnd(Pipe pipe, boolean reads) {
        pipe.closeEnd(reads, !reads);
    }

    /** Puts texts into a pipe, each in a slot of its own. */
    void put(Pipe pipe, String... slots) {
        pipe.lock();
        for (String text : slots) {
            pipe.ring.add(new Lent(Machine.bytes(text), null), 0, text.length(), 0);
        }
        pipe.unlock();
    }

    /** write(2) through an end that may not sleep, with other status flags too. */
    static long write(Pipe pipe, String text, int statusFlags) {
        OpenFile end = new PipeEnd(pipe, O_WRONLY | O_NONBLOCK | statusFlags);
        return pipe.write(new Iov().of(Machine.bytes(text)), end);
    }

    /** Takes the oldest bytes out. */
    void take(Pipe pipe, int count) {
        assertThat(pipe.read(new Iov().of(MemorySegment.ofArray(new byte[count])), true))
                .isEqualTo(count);
    }

    /** What is in the slots of a pipe. */
    List<String> text(Pipe pipe) {
        pipe.lock();
        try {
            List<String> slots = new ArrayList<>();
            for (int i = 0; i < pipe.ring.size(); i++) {
                MemorySegment bytes = pipe.ring.memory(i).bytes().asSlice(pipe.ring.start(i), pipe.ring.length(i));
                slots.add(new String(bytes.toArray(JAVA_BYTE), US_ASCII));
            }
            return slots;
        } finally {
            pipe.unlock();
        }
    }

    /** What is told from now on to those who watch the reading side. */
    List<Integer> heardByReaders(Pipe pipe) {
        List<Integer> heard = new ArrayList<>();
        pipe.watch(heard::add, true, false);
        return heard;
    }

    /** What is told from now on to those who watch the writing side. */
    List<Integer> heardByWriters(Pipe pipe) {
        List<Integer> heard = new ArrayList<>();
        pipe.watch(heard::add, false, true);
        return heard;
    }

    @Override
    public void close() {
        for (Pipe pipe : pipes) {
            assertThat(pipe.locked()).as("lock of pipe %s", pipe.sequence()).isFalse();
            pipe.closeEnd(pipe.readEndsLocked() > 0, pipe.writeEndsLocked() > 0);
        }
        assertThat(resources.objects()).isEmpty();
        assertThat(resources.pages.inUse()).isZero();
        resources.pages.close();
    }
}
