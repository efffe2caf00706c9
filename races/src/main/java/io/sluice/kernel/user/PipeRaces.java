// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_WRONLY;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** Pipes: writes come whole, two pipes never wait for each other's locks, nobody sleeps through a wake-up. */
public class PipeRaces {
    private static final Resources RESOURCES =
            new Resources(UserKernel.Profile.LINUX, new PagePool(1 << 16, false), 1 << 20, 0, Long.MAX_VALUE);
    private static final MemorySegment TWO = Arena.global().allocateFrom(ValueLayout.JAVA_BYTE, new byte[] {'a', 'b'});
    private static final MemorySegment PAGE = Arena.global().allocate(Page.SIZE);

    private PipeRaces() {}

    /** A pipe of one slot with both ends, closed by the arbiter. */
    private static final class Line {
        final Pipe pipe = new Pipe(RESOURCES);
        final OpenFile in;
        final OpenFile out;

        Line(int mode) {
            pipe.resize(Page.SIZE);
            pipe.lock();
            pipe.openEndLocked(true, true);
            pipe.unlock();
            out = new PipeEnd(pipe, O_RDONLY | mode);
            in = new PipeEnd(pipe, O_WRONLY | mode);
        }

        int write(MemorySegment bytes) {
            return (int) pipe.write(new Iov().of(bytes), in);
        }

        /** The bytes that were read, or -errno. */
        int read() {
            MemorySegment room = MemorySegment.ofArray(new byte[4]);
            return (int) pipe.read(new Iov().of(room), out.nonblocking());
        }

        int close() {
            int left = (int) pipe.fionread();
            in.release();
            out.release();
            return left;
        }
    }

    /** A read beside a write sees all of it or nothing. */
    @JCStressTest
    @Outcome(id = "2, 2, 0", expect = ACCEPTABLE, desc = "after the write")
    @Outcome(id = "2, -11, 2", expect = ACCEPTABLE, desc = "before the write: EAGAIN")
    @State
    public static class WriteAndRead {
        private final Line line = new Line(O_NONBLOCK);

        @Actor
        public void write(III_Result r) {
            r.r1 = line.write(TWO);
        }

        @Actor
        public void read(III_Result r) {
            r.r2 = line.read();
        }

        @Arbiter
        public void after(III_Result r) {
            r.r3 = line.close();
        }
    }

    /** Two writes share the slot, neither is torn nor lost. */
    @JCStressTest
    @Outcome(id = "2, 2, 4", expect = ACCEPTABLE, desc = "both are there")
    @Outcome(
            id = {"2, -11, 2", "-11, 2, 2"},
            expect = FORBIDDEN,
            desc = "small writes are atomic together with their try to merge")
    @State
    public static class TwoWrites {
        private final Line line = new Line(O_NONBLOCK);

        public TwoWrites() {
            line.write(TWO);
            line.read();
        }

        @Actor
        public void one(III_Result r) {
            r.r1 = line.write(TWO);
        }

        @Actor
        public void other(III_Result r) {
            r.r2 = line.write(TWO);
        }

        @Arbiter
        public void after(III_Result r) {
            r.r3 = line.close();
        }
    }

    /** Splices in both directions between two pipes: locks in one order, and every byte is somewhere. */
    @JCStressTest
    @Outcome(
            id = {"2, 2, 4", "2, -11, 4", "-11, 2, 4", "-11, -11, 4"},
            expect = ACCEPTABLE,
            desc = "four bytes stay")
    @State
    public static class SpliceBothWays {
        private final Line left = new Line(O_NONBLOCK);
        private final Line right = new Line(O_NONBLOCK);

        public SpliceBothWays() {
            left.pipe.resize(2 * Page.SIZE);
            right.pipe.resize(2 * Page.SIZE);
            left.write(TWO);
            right.write(TWO);
        }

        @Actor
        public void there(III_Result r) {
            r.r1 = (int) Splice.splice(left.out, null, right.in, null, 2, 0);
        }

        @Actor
        public void back(III_Result r) {
            r.r2 = (int) Splice.splice(right.out, null, left.in, null, 2, 0);
        }

        @Arbiter
        public void after(III_Result r) {
            r.r3 = left.close() + right.close();
        }
    }

    /** A sleeping reader is woken by what is written, whenever it fell asleep. */
    @JCStressTest
    @Outcome(id = "2, 2", expect = ACCEPTABLE, desc = "the reader got it")
    @State
    public static class SleepingReader {
        private final Line line = new Line(0);

        @Actor
        public void write(II_Result r) {
            r.r1 = line.write(TWO);
        }

        @Actor
        public void read(II_Result r) {
            r.r2 = line.read();
        }

        @Arbiter
        public void after() {
            line.close();
        }
    }

    /** A writer that sleeps for room is woken by who makes some. */
    @JCStressTest
    @Outcome(id = "4096, 4096", expect = ACCEPTABLE, desc = "the writer got in")
    @State
    public static class SleepingWriter {
        private final Line line = new Line(0);

        public SleepingWriter() {
            line.write(PAGE);
        }

        @Actor
        public void write(II_Result r) {
            r.r1 = line.write(PAGE);
        }

        @Actor
        public void read(II_Result r) {
            MemorySegment room = MemorySegment.ofArray(new byte[Page.SIZE]);
            r.r2 = (int) line.pipe.read(new Iov().of(room), false);
        }

        @Arbiter
        public void after() {
            line.close();
        }
    }

    /** A reader that sleeps while the last writer leaves sees the end. */
    @JCStressTest
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "the end")
    @State
    public static class SleepingReaderAtTheEnd {
        private final Line line = new Line(0);

        @Actor
        public void close() {
            line.in.release();
        }

        @Actor
        public void read(I_Result r) {
            r.r1 = line.read();
        }

        @Arbiter
        public void after() {
            line.out.release();
        }
    }
}
