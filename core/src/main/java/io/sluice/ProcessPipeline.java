// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.flow.Poller;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Processes joined by pipes of ours, each one's standard output with the next one's standard input, as a shell's
 * {@code a | b | c}. Between two stages the bytes never come near this process. To tee or measure what passes there,
 * make two pipelines and a transfer from the {@link #out} of one to the {@link #in} of the other: that moves them by
 * splice.
 *
 * <pre>{@code
 * try (ProcessPipeline words = sluice.pipeline(List.of(
 *         new ProcessBuilder("sort"), new ProcessBuilder("uniq", "-c").redirectOutput(result)))) {
 *     sluice.transfer(file).to(words.in()).run();
 *     words.in().close();
 *     words.waitFor();
 * }
 * }</pre>
 *
 * Safe for any thread. The processes' standard errors are where their builders send them; one left as a pipe is read
 * from its {@link Process}.
 */
public final class ProcessPipeline implements AutoCloseable {
    private final @Nullable PipeWriter in;
    private final @Nullable PipeReader out;
    private final List<Process> processes;

    private ProcessPipeline(@Nullable PipeWriter in, @Nullable PipeReader out, List<Process> processes) {
        this.in = in;
        this.out = out;
        this.processes = List.copyOf(processes);
    }

    static ProcessPipeline start(Sluice sluice, List<ProcessBuilder> builders) throws IOException {
        requireJoinable(builders);
        PipeWriter first = null;
        PipeReader joint = null; // what the next process reads
        List<Process> started = new ArrayList<>();
        boolean complete = false;
        try {
            if (isPipe(builders.getFirst().redirectInput())) {
                Pipe pipe = sluice.pipe();
                first = pipe.writer();
                joint = pipe.reader();
            }
            for (ProcessBuilder builder : builders) {
                PipeReader input = joint;
                PipeWriter output = null;
                if (isPipe(builder.redirectOutput())) {
                    Pipe pipe = sluice.pipe();
                    joint = pipe.reader();
                    output = pipe.writer();
                } else {
                    joint = null;
                }
                started.add(startBetween(input, builder, output));
            }
            complete = true;
            return new ProcessPipeline(first, joint, started);
        } finally {
            if (!complete) {
                close(first);
                close(joint);
                started.forEach(Process::destroyForcibly);
            }
        }
    }

    private static void requireJoinable(List<ProcessBuilder> builders) {
        if (builders.isEmpty()) {
            throw new IllegalArgumentException("a pipeline of no process");
        }
        for (int i = 0; i < builders.size(); i++) {
            ProcessBuilder builder = builders.get(i);
            boolean joined = (i == 0 || isPipe(builder.redirectInput()))
                    && (i == builders.size() - 1 || isPipe(builder.redirectOutput()));
            if (!joined) {
                throw new IllegalArgumentException("only a pipeline's first input and last output can be redirected: "
                        + builder.command() + " reads " + builder.redirectInput() + " and writes "
                        + builder.redirectOutput());
            }
        }
    }

    private static boolean isPipe(Redirect redirect) {
        return redirect.type() == Redirect.Type.PIPE;
    }

    /** Starts one process; closes our copies of its ends in any case, and leaves the builder as it was. */
    private static Process startBetween(@Nullable PipeReader input, ProcessBuilder builder, @Nullable PipeWriter output)
            throws IOException {
        Redirect givenInput = builder.redirectInput();
        Redirect givenOutput = builder.redirectOutput();
        try {
            if (input != null) {
                builder.redirectInput(input.redirect());
            }
            if (output != null) {
                builder.redirectOutput(output.redirect());
            }
            return builder.start();
        } finally {
            builder.redirectInput(givenInput);
            builder.redirectOutput(givenOutput);
            close(input);
            close(output);
        }
    }

    private static void close(@Nullable End end) throws IOException {
        if (end != null) {
            end.close();
        }
    }

    /**
     * What the first process reads; close it to let that process see the end of its input.
     *
     * @throws IllegalStateException when the first builder sent its input elsewhere
     */
    public PipeWriter in() {
        if (in == null) {
            throw new IllegalStateException("the first process of the pipeline reads what its builder said");
        }
        return in;
    }

    /**
     * What the last process writes.
     *
     * @throws IllegalStateException when the last builder sent its output elsewhere
     */
    public PipeReader out() {
        if (out == null) {
            throw new IllegalStateException("the last process of the pipeline writes where its builder said");
        }
        return out;
    }

    /** The processes, in the order of the pipeline. */
    public List<Process> processes() {
        return processes;
    }

    /**
     * Waits until all processes have ended. They hardly do while {@link #in} is open or while {@link #out} is full.
     *
     * @return their exit statuses, in the order of the pipeline
     * @throws InterruptedException when the thread is interrupted; the processes go on
     */
    public List<Integer> waitFor() throws InterruptedException {
        List<Integer> statuses = new ArrayList<>(processes.size());
        for (Process process : processes) {
            statuses.add(process.waitFor());
        }
        return List.copyOf(statuses);
    }

    /** Waits so long at most; whether all processes have ended. */
    public boolean waitFor(Duration within) throws InterruptedException {
        long deadline = Sluice.deadlineAfter(within);
        for (Process process : processes) {
            long left = deadline == Poller.FOREVER ? Poller.FOREVER : deadline - System.nanoTime();
            if (!process.waitFor(Duration.ofNanos(left))) {
                return false;
            }
        }
        return true;
    }

    /** Kills the processes that have not ended, as {@link Process#destroyForcibly} does; waits for none. */
    public void destroyForcibly() {
        processes.forEach(Process::destroyForcibly);
    }

    /**
     * Closes {@link #in} and {@link #out} and waits until all processes have ended, as they do when they have read
     * everything or cannot write any more. One that goes on regardless holds this up; an interrupt of the waiting
     * thread kills the processes, and so does {@link #destroyForcibly}.
     *
     * @throws TransferInterruptedException when the thread is interrupted
     */
    @Override
    public void close() throws IOException {
        close(in);
        close(out);
        try {
            waitFor();
        } catch (InterruptedException e) {
            destroyForcibly();
            throw new TransferInterruptedException(0);
        }
    }
}
