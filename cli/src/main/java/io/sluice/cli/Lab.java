// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import io.sluice.conformance.Answer;
import io.sluice.conformance.Expected;
import io.sluice.conformance.Stage;
import io.sluice.conformance.Stand;
import io.sluice.conformance.Step;
import io.sluice.conformance.Steps;
import io.sluice.conformance.SyntaxException;
import io.sluice.kernel.Snapshot;
import java.io.IOException;
import java.io.PrintStream;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** One session in the lab: steps of the scenario language one by one, and a look at the pipes after each. */
final class Lab {
    /** How long a call may sleep while somebody waits for its answer; the longest step of the language waits 3 s. */
    private static final long PATIENCE_MILLIS = 5000;

    private static final long INTERRUPT_AGAIN_MILLIS = 10;
    private static final long SETTLE_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    /** A thread that has just been woken looks asleep until it gets a processor: so many looks must agree. */
    private static final int SLEEPING_LOOKS = 10;

    private static final long END_NANOS = TimeUnit.SECONDS.toNanos(3);

    private final Stands stands;
    private final PrintStream out;
    private Stand stand;
    private Stage stage;
    private int line;
    private int faults;

    Lab(Stands stands, PrintStream out) {
        this.stands = stands;
        this.out = out;
        stand = stands.get();
        stage = new Stage(stand);
    }

    /**
     * Runs to the last line, or to {@code quit}. Answers how many lines are not in the language, could not be done, or
     * were answered in another way than they say.
     */
    int run(LabLines lines) throws IOException {
        try {
            for (String text = lines.next(); text != null && !isEnd(text); text = lines.next()) {
                line++;
                obey(text);
            }
        } finally {
            end();
        }
        return faults;
    }

    private static boolean isEnd(String text) {
        return text.strip().equals("quit") || text.strip().equals("exit");
    }

    private void obey(String text) {
        String words = Steps.withoutComment(text);
        switch (words) {
            case "" -> {}
            case "help" -> out.print(Help.of("steps"));
            case "look" -> look();
            case "reset" -> {
                end();
                stand = stands.get();
                stage = new Stage(stand);
                look();
            }
            default -> perform(words);
        }
    }

    private void perform(String words) {
        Step step;
        try {
            step = Steps.parse("line " + line, words);
        } catch (SyntaxException e) {
            fault(e.getMessage() + " (help lists what there is)");
            return;
        }
        Optional<String> unable = stand.unable(step.verb());
        if (unable.isPresent()) {
            out.println("this kernel cannot: " + unable.get());
            return;
        }
        answer(step);
        look();
    }

    /** In a thread of its own, because the call may sleep and nobody else could wake it. */
    private void answer(Step step) {
        CompletableFuture<Answer> coming = new CompletableFuture<>();
        Stand.Caller caller = stand.start("lab", () -> {
            try {
                coming.complete(step.operation().on(stage));
            } catch (RuntimeException | Error e) {
                coming.completeExceptionally(e);
            }
        });
        if (!caller.join(PATIENCE_MILLIS)) {
            out.println("it has slept for " + PATIENCE_MILLIS / 1000
                    + " s and is interrupted; to let it sleep, write: start t: " + step.text());
            long deadline = System.nanoTime() + END_NANOS;
            do {
                caller.interrupt();
            } while (!caller.join(INTERRUPT_AGAIN_MILLIS) && System.nanoTime() < deadline);
        }
        if (coming.isCompletedExceptionally()) {
            fault(coming.exceptionNow().getMessage());
        } else if (coming.isDone()) {
            tell(coming.join(), step.expected());
        } else {
            fault("it does not answer");
        }
    }

    private void tell(Answer answer, @Nullable Expected expected) {
        if (expected != null && !expected.holds(answer)) {
            fault(answer + "   (expected " + expected + ")");
        } else {
            out.println(answer);
        }
    }

    private void fault(@Nullable String what) {
        faults++;
        out.println(what);
    }

    /**
     * What the threads do, once those that were just woken or begun have got as far as they come. One that was woken
     * seems to sleep on until it gets a processor, so who sleeps is looked at several times.
     */
    private String settled() {
        long deadline = System.nanoTime() + SETTLE_NANOS;
        String threads = stage.threads();
        int equal = 0;
        while ((threads.contains(": running") || (threads.contains(": asleep") && equal < SLEEPING_LOOKS))
                && System.nanoTime() < deadline) {
            LockSupport.parkNanos(LOOK_NANOS);
            String now = stage.threads();
            equal = now.equals(threads) ? equal + 1 : 0;
            threads = now;
        }
        return threads;
    }

    private void look() {
        String threads = settled();
        out.println(stage.state().indent(2).stripTrailing());
        stand.kernel()
                .feature(Snapshot.class)
                .ifPresent(snapshot -> out.println("  pages in use: " + snapshot.pagesInUse()));
        if (!threads.isEmpty()) {
            out.println(threads.indent(2).stripTrailing());
        }
    }

    private void end() {
        try {
            stage.close();
        } catch (IllegalStateException e) {
            fault(e.getMessage());
        } finally {
            stand.close();
        }
    }
}
