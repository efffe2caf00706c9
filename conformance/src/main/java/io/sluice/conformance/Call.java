// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** An operation that runs in a thread of its own, until it answers. */
final class Call {
    /** How often a thread is looked at, or signalled again, while it is waited for. */
    private static final long STEP_MILLIS = 5;

    private final String name;
    private final Stage stage;
    private final Step.Operation operation;
    private final CompletableFuture<Answer> answer = new CompletableFuture<>();
    private Stand.@Nullable Caller caller;

    Call(String name, Stage stage, Step.Operation operation) {
        this.name = name;
        this.stage = stage;
        this.operation = operation;
    }

    void start() {
        caller = stage.stand.start("call " + name, () -> {
            try {
                answer.complete(operation.on(stage));
            } catch (RuntimeException | Error e) {
                answer.completeExceptionally(e);
            }
        });
    }

    /** In a few words, for people. */
    String state() {
        if (answer.isCompletedExceptionally()) {
            return "done, failed: " + answer.exceptionNow().getMessage();
        }
        return finished() ? "done -> " + answer.join() : running().asleep() ? "asleep" : "running";
    }

    boolean finished() {
        return answer.isDone();
    }

    /** The answer, waited for. */
    Answer answer(long timeoutMillis) {
        try {
            return answer.get(timeoutMillis, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new StepFailure(name + " has not finished within " + timeoutMillis + " ms");
        } catch (ExecutionException e) {
            throw new CompletionException(e.getCause());
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted while waiting for " + name, e);
        }
    }

    /** Fails unless the thread sleeps, now or as soon as it has got as far as its call. */
    void mustSleep(long graceMillis) {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(graceMillis);
        while (!running().asleep()) {
            if (finished()) {
                throw new StepFailure(name + " is not asleep: it answered " + answer(0));
            }
            if (System.nanoTime() > deadline) {
                throw new StepFailure(name + " is neither asleep nor finished");
            }
            pause(STEP_MILLIS);
        }
    }

    void interrupt() {
        running().interrupt();
    }

    /** Interrupts the call until it has answered: one signal may come before the call sleeps. */
    void end(long deadlineNanos) {
        Stand.Caller thread = running();
        while (!finished()) {
            if (System.nanoTime() > deadlineNanos) {
                throw new IllegalStateException("thread " + name + " cannot be ended");
            }
            thread.interrupt();
            pause(STEP_MILLIS);
        }
        if (!thread.join(Math.max(1, TimeUnit.NANOSECONDS.toMillis(deadlineNanos - System.nanoTime())))) {
            throw new IllegalStateException("thread " + name + " is still there");
        }
    }

    private Stand.Caller running() {
        if (caller == null) {
            throw new IllegalStateException(name + " was not started");
        }
        return caller;
    }

    static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted during a pause", e);
        }
    }
}
