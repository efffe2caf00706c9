// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;

/** A system call under way in a thread of its own; ended with its {@link Rig} at the latest. */
final class Pending {
    private static final long TIME_LIMIT_MILLIS = 3000;
    private static final long STEP_MILLIS = 5;

    /** How many looks in a row must find the thread asleep: a moment's sleep may be the JVM's own. */
    private static final int LOOKS = 5;

    private final CompletableFuture<Long> result = new CompletableFuture<>();
    private final Stand.Caller caller;

    Pending(Stand stand, LongSupplier call) {
        caller = stand.start("pending call", () -> {
            try {
                result.complete(call.getAsLong());
            } catch (RuntimeException | Error e) {
                result.completeExceptionally(e);
            }
        });
    }

    /** Waits until the call sleeps; fails when it answers instead. */
    Pending mustSleep() {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(TIME_LIMIT_MILLIS);
        for (int asleep = 0; asleep < LOOKS; asleep = caller.asleep() ? asleep + 1 : 0) {
            assertThat(result).as("a call that should sleep").isNotDone();
            assertThat(System.nanoTime()).as("time to fall asleep").isLessThan(deadline);
            Call.pause(STEP_MILLIS);
        }
        assertThat(result).as("a call that should sleep").isNotDone();
        return this;
    }

    /** What the call answers, waited for. */
    long answer() {
        try {
            return result.get(TIME_LIMIT_MILLIS, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new AssertionError("the call has not answered within " + TIME_LIMIT_MILLIS + " ms", e);
        } catch (Exception e) {
            throw new AssertionError("the call failed", e);
        }
    }

    /** Interrupts the call until its thread has ended. */
    void end() {
        while (!caller.join(STEP_MILLIS)) {
            caller.interrupt();
        }
    }
}
