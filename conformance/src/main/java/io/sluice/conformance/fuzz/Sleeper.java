// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance.fuzz;

import io.sluice.conformance.Answer;
import io.sluice.conformance.Stage;
import io.sluice.conformance.Stand;
import io.sluice.conformance.Step;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** One call that runs in a thread on each kernel, since it may sleep there; it must sleep on both or on none. */
final class Sleeper {
    static final long LOOK_NANOS = 20_000;

    private final String name;
    private final String line;
    private final Side linux;
    private final Side user;
    private final long patienceNanos;
    private boolean finished;
    private boolean saidAsleep;

    Sleeper(String name, String line, Step step, Stage linux, Stage user, long patienceNanos) {
        this.patienceNanos = patienceNanos;
        this.name = name;
        this.line = line;
        this.linux = new Side(name, step, linux);
        this.user = new Side(name, step, user);
    }

    private static final class Side {
        final CompletableFuture<Answer> answer = new CompletableFuture<>();
        final Stand.Caller thread;

        Side(String name, Step step, Stage stage) {
            thread = stage.stand().start("fuzz " + name, () -> {
                try {
                    answer.complete(step.operation().on(stage));
                } catch (RuntimeException | Error e) {
                    answer.completeExceptionally(e);
                }
            });
        }

        String state() {
            return answer.isDone() ? answer.join().toString() : thread.asleep() ? "asleep" : "running";
        }
    }

    String name() {
        return name;
    }

    boolean finished() {
        return finished;
    }

    /** Whether the call names an end of that object. */
    boolean isOn(String object, Twin twin) {
        return List.of(line.split("[ @]", -1)).stream().map(twin::objectOf).anyMatch(object::equals);
    }

    /** Whether both calls name ends of one object. */
    boolean sharesObjectWith(Sleeper other, Twin twin) {
        List<String> mine = List.of(line.split("[ @]", -1));
        return List.of(other.line.split("[ @]", -1)).stream()
                .map(twin::objectOf)
                .anyMatch(object -> mine.stream().map(twin::objectOf).anyMatch(object::equals)
                        && Character.isUpperCase(object.charAt(0))
                        && object.length() == 1);
    }

    /** Waits until both have answered or both sleep. Answers how they differ, null when they do not. */
    @Nullable
    String settle(List<String> transcript) {
        if (finished) {
            return null;
        }
        long deadline = System.nanoTime() + patienceNanos;
        int stillAsleep = 0;
        while (System.nanoTime() < deadline) {
            if (linux.answer.isDone() && user.answer.isDone()) {
                finished = true;
                transcript.add("done " + name + " -> " + linux.answer.join());
                return Twin.compare(name + ": " + line, linux.answer.join(), user.answer.join());
            }
            boolean bothSleep =
                    !linux.answer.isDone() && !user.answer.isDone() && linux.thread.asleep() && user.thread.asleep();
            stillAsleep = bothSleep ? stillAsleep + 1 : 0;
            if (stillAsleep == 2) {
                if (!saidAsleep) {
                    transcript.add("asleep " + name);
                    saidAsleep = true;
                }
                return null;
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
        return name + ": " + line + "\n    Linux: " + linux.state() + "\n    user:  " + user.state();
    }

    /** Interrupts both until they have answered. */
    @Nullable
    String interrupt(List<String> transcript) {
        long deadline = System.nanoTime() + patienceNanos;
        for (Side side : List.of(linux, user)) {
            while (!side.answer.isDone() && System.nanoTime() < deadline) {
                side.thread.interrupt();
                LockSupport.parkNanos(LOOK_NANOS);
            }
        }
        return settle(transcript);
    }

    /** Gets both out of the way after a difference. */
    void abandon() {
        linux.thread.interrupt();
        user.thread.interrupt();
    }
}
