// SPDX-License-Identifier: Apache-2.0
package io.sluice.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * Something under way in a thread of its own, of which it can be known that it waits. Closing it interrupts what has
 * not ended and waits for the thread.
 *
 * @param <T> what comes of it
 */
public final class Pending<T> implements AutoCloseable {
    private static final long PATIENCE_SECONDS = 20;

    /** How many looks in a row must find it parked: a moment's rest may be the JVM's own. */
    private static final int LOOKS = 20;

    private static final long STEP_NANOS = 100_000;

    /** What runs a test body: a platform thread or a virtual one. */
    public enum Kind {
        PLATFORM,
        VIRTUAL;

        private Thread unstarted(Runnable body) {
            return this == PLATFORM
                    ? Thread.ofPlatform().name("pending").unstarted(body)
                    : Thread.ofVirtual().name("pending").unstarted(body);
        }
    }

    private final CompletableFuture<T> result = new CompletableFuture<>();
    private final Thread thread;

    private Pending(Kind kind, Callable<T> body) {
        thread = kind.unstarted(() -> {
            try {
                result.complete(body.call());
            } catch (Throwable t) {
                result.completeExceptionally(t);
            }
        });
    }

    /** Starts {@code body} in a new platform thread. */
    public static <T> Pending<T> start(Callable<T> body) {
        return start(Kind.PLATFORM, body);
    }

    /** Starts {@code body} in a new thread. */
    public static <T> Pending<T> start(Kind kind, Callable<T> body) {
        Pending<T> pending = new Pending<>(kind, body);
        pending.thread.start();
        return pending;
    }

    /** The thread that runs it. */
    public Thread thread() {
        return thread;
    }

    /** Returns when the thread is parked, or asleep in epoll_wait; fails when it ends instead. */
    public Pending<T> mustWait() {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        int parked = 0;
        while (parked < LOOKS) {
            if (result.isDone()) {
                fail("it should wait and has ended: " + result);
            }
            assertThat(System.nanoTime())
                    .as("time to begin to wait; it is %s", thread.getState())
                    .isLessThan(deadline);
            parked = isAsleep(thread) ? parked + 1 : 0;
            LockSupport.parkNanos(STEP_NANOS);
        }
        return this;
    }

    /** Whether it is parked, or in epoll_wait, where the leader of a poller sleeps and is running to the JVM. */
    public static boolean isAsleep(Thread thread) {
        return switch (thread.getState()) {
            case WAITING, TIMED_WAITING -> true;
            default ->
                Stream.of(thread.getStackTrace())
                        .anyMatch(frame -> frame.getMethodName().equals("epollWait"));
        };
    }

    /** Interrupts the thread. */
    public void interrupt() {
        thread.interrupt();
    }

    /** What came of it, waited for; fails when that was an exception. */
    public T value() {
        return ended(() -> result.get(PATIENCE_SECONDS, TimeUnit.SECONDS));
    }

    /** The exception that it ended with, waited for. */
    public Throwable failure() {
        return ended(() -> {
            try {
                return fail("it should fail and has answered " + result.get(PATIENCE_SECONDS, TimeUnit.SECONDS));
            } catch (ExecutionException e) {
                return e.getCause();
            }
        });
    }

    /** Whether it has ended. */
    public boolean isDone() {
        return result.isDone();
    }

    private <R> R ended(Callable<R> waiting) {
        try {
            return waiting.call();
        } catch (ExecutionException e) {
            throw new AssertionError("it failed", e.getCause());
        } catch (TimeoutException e) {
            AssertionError stuck = new AssertionError("it has not ended within " + PATIENCE_SECONDS + " s", e);
            stuck.addSuppressed(new AssertionError("its thread is at " + List.of(thread.getStackTrace())));
            throw stuck;
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        thread.interrupt();
        boolean ended = ended(() -> thread.join(Duration.ofSeconds(PATIENCE_SECONDS)));
        assertThat(ended).as("the thread has ended").isTrue();
    }
}
