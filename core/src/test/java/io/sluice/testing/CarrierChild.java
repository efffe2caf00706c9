// SPDX-License-Identifier: Apache-2.0
package io.sluice.testing;

import io.sluice.FileEnd;
import io.sluice.Pipe;
import io.sluice.Sluice;
import io.sluice.TransferResult;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A program with one carrier, to be started so: a thousand virtual threads wait, a third in a transfer for its source,
 * a third in a transfer for its sink, a third in a read; then one more runs.
 */
public final class CarrierChild {
    private static final int WAITING = 1000;
    private static final long STEP_NANOS = 1_000_000;

    private CarrierChild() {}

    /** Prints one line when all went well. */
    public static void main(String[] arguments) throws Exception {
        try (Sluice sluice = Sluice.open();
                FileEnd zero = sluice.open(Path.of("/dev/zero"));
                FileEnd nowhere = sluice.open(Path.of("/dev/null"), StandardOpenOption.WRITE)) {
            List<Pipe> pipes = new ArrayList<>();
            List<CompletableFuture<Long>> results = new ArrayList<>();
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < WAITING; i++) {
                Pipe pipe = sluice.pipe(4096);
                pipes.add(pipe);
                int way = i % 3;
                CompletableFuture<Long> result = new CompletableFuture<>();
                results.add(result);
                threads.add(Thread.startVirtualThread(() -> complete(result, sluice, pipe, zero, nowhere, way)));
            }
            for (Thread thread : threads) {
                while (thread.getState() != Thread.State.WAITING) {
                    if (!thread.isAlive()) {
                        throw new IllegalStateException("it should wait and has ended");
                    }
                    LockSupport.parkNanos(STEP_NANOS);
                }
            }
            CompletableFuture<String> other = new CompletableFuture<>();
            Thread.startVirtualThread(() -> other.complete("another virtual thread runs while " + WAITING + " wait"));
            String line = other.get(10, TimeUnit.SECONDS);
            for (int i = 0; i < WAITING; i++) {
                release(pipes.get(i), i % 3);
            }
            for (int i = 0; i < WAITING; i++) {
                results.get(i).get(20, TimeUnit.SECONDS);
                pipes.get(i).close();
            }
            System.out.println(line);
        }
    }

    private static void complete(
            CompletableFuture<Long> result, Sluice sluice, Pipe pipe, FileEnd zero, FileEnd nowhere, int way) {
        try {
            result.complete(wait(sluice, pipe, zero, nowhere, way));
        } catch (IOException | RuntimeException e) {
            result.completeExceptionally(e);
        }
    }

    private static long wait(Sluice sluice, Pipe pipe, FileEnd zero, FileEnd nowhere, int way) throws IOException {
        return switch (way) {
            case 0 -> sluice.transfer(pipe.reader()).to(nowhere).run().bytes();
            case 1 -> {
                TransferResult moved = sluice.transfer(zero)
                        .to(pipe.writer())
                        .pipeSize(4096)
                        .limit(8192)
                        .run();
                yield moved.bytes();
            }
            default -> pipe.reader().read(Arena.ofAuto().allocate(10));
        };
    }

    private static void release(Pipe pipe, int way) throws IOException {
        if (way == 1) {
            pipe.reader().close();
        } else {
            pipe.writer().close();
        }
    }
}
