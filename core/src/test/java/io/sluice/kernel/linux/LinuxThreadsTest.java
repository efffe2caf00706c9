// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.linux;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.EBADF;
import static io.sluice.kernel.Errno.EINTR;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.ENOENT;
import static io.sluice.kernel.Errno.ESPIPE;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.POLLIN;
import static io.sluice.kernel.Flags.SEEK_CUR;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;

/** Many threads on one kernel: each gets the answer of its own call. */
final class LinuxThreadsTest extends OnLinux {
    private static final int THREADS = 64;
    private static final int ROUNDS = 400;

    @Test
    void platformThreadsNeverSeeAnothersAnswer() throws Exception {
        callFrom(Executors.newFixedThreadPool(THREADS));
    }

    @Test
    void virtualThreadsNeverSeeAnothersAnswer() throws Exception {
        callFrom(Executors.newVirtualThreadPerTaskExecutor());
    }

    private void callFrom(ExecutorService threads) throws Exception {
        var tasks = new ArrayList<Callable<Void>>();
        for (int i = 0; i < THREADS; i++) {
            tasks.add(new Caller(i));
        }
        try (threads) {
            for (Future<Void> task : threads.invokeAll(tasks)) {
                task.get();
            }
        }
    }

    /** Makes calls of different outcome in an order of its own, and yields between them to move among carriers. */
    private final class Caller implements Callable<Void> {
        private final int id;
        private final int[] pipe = pipe(O_NONBLOCK);
        private final MemorySegment mine = arena.allocate(JAVA_INT);
        private final MemorySegment back = arena.allocate(JAVA_INT);

        Caller(int id) {
            this.id = id;
        }

        @Override
        @SuppressWarnings("ThreadPriorityCheck") // a yield moves a virtual thread to another carrier
        public Void call() {
            for (int round = 0; round < ROUNDS; round++) {
                switch ((id + round) % 7) {
                    case 0 -> answers(-EBADF, () -> kernel.splice(-1, null, -1, null, 1, 0));
                    case 1 -> answers(-EINVAL, () -> kernel.tee(pipe[0], pipe[1], 1, 0));
                    case 2 -> answers(-EAGAIN, () -> kernel.read(pipe[0], back));
                    case 3 -> answers(-ESPIPE, () -> kernel.lseek(pipe[0], 0, SEEK_CUR));
                    case 4 -> answers(-ENOENT, () -> kernel.open("/no/such/file/" + id, O_RDONLY, 0));
                    case 5 -> answers(-EAGAIN, () -> kernel.vmsplice(pipe[0], List.of(back), 2));
                    default -> {
                        mine.set(JAVA_INT, 0, id * ROUNDS + round);
                        answers(4, () -> kernel.writev(pipe[1], List.of(mine)));
                        answers(4, () -> kernel.fionread(pipe[0]));
                        answers(POLLIN, () -> kernel.poll(pipe[0], POLLIN, 0));
                        answers(4, () -> kernel.readv(pipe[0], List.of(back)));
                        assertThat(back.get(JAVA_INT, 0)).isEqualTo(id * ROUNDS + round);
                    }
                }
                Thread.yield();
            }
            return null;
        }

        private void answers(long expected, LongSupplier call) {
            assertThat(call.getAsLong()).isEqualTo(expected);
        }
    }

    @Test
    void aSignalEndsASleepingCall() throws Exception {
        int[] pipe = pipe(0);
        int target = opened(kernel.memfdCreate("target", 0));
        var thread = new CompletableFuture<Integer>();
        var result = new CompletableFuture<Long>();
        Thread.ofPlatform().start(() -> {
            thread.complete(Signals.currentThread());
            result.complete(kernel.splice(pipe[0], null, target, null, 10, 0));
        });
        awaitCall(thread.get(), Numbers.SPLICE);
        Signals.interrupt(thread.get());
        assertThat(result.get(PATIENCE_MILLIS, TimeUnit.MILLISECONDS)).isEqualTo(-EINTR); // [O01]
    }

    @Test
    void theKernelLinksFewHandles() {
        int[] pipe = pipe(O_NONBLOCK);
        ok(kernel.write(pipe[1], text("x")));
        ok(kernel.writev(pipe[1], List.of(text("x"))));
        ok(kernel.splice(pipe[0], null, pipe(O_NONBLOCK)[1], null, 1, 0));
        ok(kernel.capabilities().pageSizeBytes());
        // Three shapes of syscall and getpagesize; three more that only tests of this class's neighbours need.
        assertThat(LinuxKernel.linkedHandles()).isBetween(4, 7);
    }
}
