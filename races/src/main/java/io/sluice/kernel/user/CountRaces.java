// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/** References to memory: freed once and by the last, and never used after. */
public class CountRaces {
    private CountRaces() {}

    /** Memory that counts how often it was freed. */
    private static final class Counted extends Memory {
        final AtomicInteger frees = new AtomicInteger();

        Counted(int references) {
            super(references);
        }

        @Override
        MemorySegment bytes() {
            return MemorySegment.NULL;
        }

        @Override
        void free() {
            frees.incrementAndGet();
        }
    }

    /** Two holders let go at once. */
    @JCStressTest
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "freed once, nothing left")
    @State
    public static class TwoReleases {
        private final Counted memory = new Counted(2);

        @Actor
        public void one() {
            memory.release(0);
        }

        @Actor
        public void other() {
            memory.release(0);
        }

        @Arbiter
        public void after(II_Result r) {
            r.r1 = memory.frees.get();
            r.r2 = memory.references();
        }
    }

    /** One holder passes a reference on while the other lets go. */
    @JCStressTest
    @Outcome(id = "0, 1, 1", expect = ACCEPTABLE, desc = "not freed while held, then freed once")
    @State
    public static class RetainAndRelease {
        private final Counted memory = new Counted(2);

        @Actor
        public void passesOn(III_Result r) {
            memory.retain(0);
            memory.release(0);
            r.r1 = memory.frees.get();
        }

        @Actor
        public void letsGo() {
            memory.release(0);
        }

        @Arbiter
        public void after(III_Result r) {
            r.r2 = memory.references();
            memory.release(0);
            r.r3 = memory.frees.get();
        }
    }

    /** Two mistaken releases and a right one: exactly the mistakes are found. */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "one was right, one threw")
    @State
    public static class OneReleaseTooMany {
        private final Counted memory = new Counted(1);
        private final AtomicInteger thrown = new AtomicInteger();

        private void release() {
            try {
                memory.release(0);
            } catch (IllegalStateException tooOften) {
                thrown.incrementAndGet();
            }
        }

        @Actor
        public void one() {
            release();
        }

        @Actor
        public void other() {
            release();
        }

        @Arbiter
        public void after(II_Result r) {
            r.r1 = memory.frees.get();
            r.r2 = thrown.get();
        }
    }

    /** Pages are taken and come back on two sides: the stack without a lock never hands one out twice. */
    @JCStressTest
    @Outcome(id = "true, true", expect = ACCEPTABLE, desc = "both had pages of their own")
    @State
    public static class TakeAndTakeBack {
        private static final PagePool POOL = new PagePool(64, false);

        @Actor
        public void one(ZZ_Result r) {
            r.r1 = hasItsOwn((byte) 1);
        }

        @Actor
        public void other(ZZ_Result r) {
            r.r2 = hasItsOwn((byte) 2);
        }

        /** Back in another order than they came, so that a head is seen again over another page. */
        private static boolean hasItsOwn(byte mark) {
            Page first = taken();
            Page second = taken();
            Page third = taken();
            boolean own = first != second && second != third && first != third;
            mark(first, mark);
            mark(second, mark);
            second.release(0);
            own &= marked(first, mark);
            third.release(0);
            first.release(0);
            return own;
        }

        private static Page taken() {
            Page page = POOL.take();
            if (page == null) {
                throw new IllegalStateException("the pool is empty with at most 6 pages out");
            }
            return page;
        }

        private static void mark(Page page, byte mark) {
            page.bytes().set(ValueLayout.JAVA_BYTE, 0, mark);
        }

        private static boolean marked(Page page, byte mark) {
            return page.bytes().get(ValueLayout.JAVA_BYTE, 0) == mark && page.references() == 1;
        }
    }
}
