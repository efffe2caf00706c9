// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.kernel.Flags.MFD_CLOEXEC;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.user.UserKernels;
import io.sluice.testing.NoLeaks;
import io.sluice.testing.Pending;
import java.lang.foreign.Arena;
import org.junit.jupiter.api.Test;

/** The moment at which a branch ends. */
@NoLeaks
final class BranchEndTest {
    private static final int PIPE_BYTES = 1 << 16;
    private static final int BYTES = 1000;

    /**
     * The last bytes, and with them the end, came between the branch's look at its queue and its look at whether more
     * would come: they were dropped, and the branch called complete. No system call lies between the two looks, so the
     * branch is caught there: while this thread holds the lock that both need, its stack tells at which it stands.
     */
    @Test
    void theLastBytesArriveEvenWhenTheyComeJustAfterTheBranchHasFoundNothing() {
        try (Kernel kernel = UserKernels.inMemory();
                PipePool pool = new PipePool(kernel)) {
            Descriptor sink = new Descriptor(kernel, (int) kernel.memfdCreate("sink", MFD_CLOEXEC));
            Branch branch = new Branch(kernel, pool, Endpoint.of(kernel, sink), PIPE_BYTES, PIPE_BYTES, false);
            assertThat(branch.open()).isTrue();
            assertThat(kernel.write(branch.stage().writeFd, Arena.ofAuto().allocate(BYTES)))
                    .isEqualTo(BYTES);
            branch.stage().heldBytes = BYTES;

            try (Pending<Branch.Step> serving = Pending.start(() -> {
                Branch.Step step;
                do {
                    step = branch.step();
                } while (step != Branch.Step.ENDED);
                return step;
            })) {
                while (!finishedAfterTheLook(branch, serving.thread())) {
                    Thread.onSpinWait();
                }
                assertThat(serving.value()).isEqualTo(Branch.Step.ENDED);
            }
            assertThat(branch.complete()).isTrue();
            assertThat(branch.tally().bytes()).isEqualTo(BYTES);
            branch.close();
            sink.close();
        }
    }

    /** Whether the branch stood between its looks when the lock was got, and has been given its last bytes there. */
    private static boolean finishedAfterTheLook(Branch branch, Thread serving) {
        synchronized (branch) {
            while (serving.isAlive() && serving.getState() != Thread.State.BLOCKED) {
                Thread.onSpinWait();
            }
            if (!serving.isAlive()) {
                throw new AssertionError("the branch's thread has ended before its branch");
            }
            StackTraceElement[] stack = serving.getStackTrace();
            if (stack.length == 0 || !stack[0].getMethodName().equals("restState")) {
                return false;
            }
            branch.finish();
            return true;
        }
    }
}
