// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.user.UserKernel;
import io.sluice.kernel.wrap.ForwardingKernel;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.ZII_Result;

/** The guard of a descriptor's number: closed once, by the last to leave, never under a use (pitfall 73). */
public class DescriptorRaces {
    private static final Kernel INNER = UserKernel.builder().build();

    private DescriptorRaces() {}

    /** Counts what is closed instead of closing it. */
    private static final class Closes extends ForwardingKernel {
        final AtomicInteger count = new AtomicInteger();

        Closes() {
            super(INNER);
        }

        @Override
        protected long around(String name, LongSupplier call, @Nullable Object... arguments) {
            count.incrementAndGet();
            return 0;
        }
    }

    /** A use begins while the descriptor is closed. */
    @JCStressTest
    @Outcome(id = "true, 0, 1", expect = ACCEPTABLE, desc = "used while open, then closed")
    @Outcome(id = "false, 0, 1", expect = ACCEPTABLE, desc = "closed before")
    @State
    public static class EnterAndClose {
        private final Closes kernel = new Closes();
        private final Descriptor descriptor = new Descriptor(kernel, 3);

        @Actor
        public void use(ZII_Result r) {
            r.r1 = descriptor.enter();
            if (r.r1) {
                r.r2 = kernel.count.get();
                descriptor.leave();
            }
        }

        @Actor
        public void close() {
            descriptor.close();
        }

        @Arbiter
        public void after(ZII_Result r) {
            r.r3 = kernel.count.get();
        }
    }

    /** Two close it. */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "one did, and the number was closed once")
    @State
    public static class TwoCloses {
        private final Closes kernel = new Closes();
        private final Descriptor descriptor = new Descriptor(kernel, 3);
        private final AtomicInteger closers = new AtomicInteger();

        private void closed() {
            if (descriptor.close()) {
                closers.incrementAndGet();
            }
        }

        @Actor
        public void one() {
            closed();
        }

        @Actor
        public void other() {
            closed();
        }

        @Arbiter
        public void after(II_Result r) {
            r.r1 = closers.get();
            r.r2 = kernel.count.get();
        }
    }
}
