// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;

import io.sluice.kernel.Stat;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.IZ_Result;
import org.openjdk.jcstress.infra.results.ZII_Result;

/** Open descriptions and the table of descriptors: nobody gets a file after its last release. */
public class DescriptionRaces {
    private DescriptionRaces() {}

    private static final class Described extends OpenFile {
        final AtomicInteger closes = new AtomicInteger();

        Described() {
            super(0);
        }

        @Override
        void stat(Stat stat) {
            throw new UnsupportedOperationException("nobody asks");
        }

        @Override
        void closed() {
            closes.incrementAndGet();
        }
    }

    /** Whether a file that was got is open for as long as it is held; nothing got is fine too. */
    private static boolean openWhileHeld(@Nullable OpenFile got) {
        if (got == null) {
            return true;
        }
        boolean open = ((Described) got).closes.get() == 0;
        got.release();
        return open;
    }

    /** A call begins while the last descriptor is closed. */
    @JCStressTest
    @Outcome(id = "1, true", expect = ACCEPTABLE, desc = "closed once, and not under the call")
    @State
    public static class AcquireAndRelease {
        private final Described file = new Described();

        @Actor
        public void call(IZ_Result r) {
            r.r2 = openWhileHeld(file.acquire() ? file : null);
        }

        @Actor
        public void close() {
            file.release();
        }

        @Arbiter
        public void after(IZ_Result r) {
            r.r1 = file.closes.get();
        }
    }

    /** A call looks a number up while it is closed and given to another file. */
    @JCStressTest
    @Outcome(id = "true, 1, 0", expect = ACCEPTABLE, desc = "the old file closed once, the new one open")
    @State
    public static class LookUpAndReuse {
        private final DescriptorTable table = new DescriptorTable(4);
        private final Described old = new Described();
        private final Described young = new Described();

        public LookUpAndReuse() {
            table.install(old, false);
        }

        @Actor
        public void call(ZII_Result r) {
            boolean first = openWhileHeld(table.acquire(0));
            boolean second = openWhileHeld(table.acquire(0));
            r.r1 = first && second;
        }

        @Actor
        public void reuse() {
            OpenFile removed = table.remove(0);
            if (removed != null) {
                removed.release();
            }
            table.install(young, false);
        }

        @Arbiter
        public void after(ZII_Result r) {
            r.r2 = old.closes.get();
            r.r3 = young.closes.get();
        }
    }

    /** Two calls close one number: one of them does. */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "one got the file, and it closed once")
    @State
    public static class TwoCloses {
        private final DescriptorTable table = new DescriptorTable(4);
        private final Described file = new Described();
        private final AtomicInteger got = new AtomicInteger();

        public TwoCloses() {
            table.install(file, false);
        }

        private void close() {
            OpenFile removed = table.remove(0);
            if (removed != null) {
                got.incrementAndGet();
                removed.release();
            }
        }

        @Actor
        public void one() {
            close();
        }

        @Actor
        public void other() {
            close();
        }

        @Arbiter
        public void after(II_Result r) {
            r.r1 = got.get();
            r.r2 = file.closes.get();
        }
    }

    /** Two files are installed at once, one of them where the table has to grow. */
    @JCStressTest
    @Outcome(
            id = {"64, 65", "65, 64"},
            expect = ACCEPTABLE,
            desc = "two numbers, the lowest, and both files are found")
    @State
    public static class InstallAndGrow {
        private static final int FULL = 64;
        private final DescriptorTable table = new DescriptorTable(1024);

        public InstallAndGrow() {
            for (int i = 0; i < FULL; i++) {
                table.install(new Described(), false);
            }
        }

        private int installed() {
            Described file = new Described();
            int fd = (int) table.install(file, false);
            return table.acquire(fd) == file ? fd : -1;
        }

        @Actor
        public void one(II_Result r) {
            r.r1 = installed();
        }

        @Actor
        public void other(II_Result r) {
            r.r2 = installed();
        }
    }
}
