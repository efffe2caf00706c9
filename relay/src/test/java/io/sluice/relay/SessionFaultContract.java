// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.relay.Call.Kind;
import io.sluice.relay.Termination.Cause;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * A session is held as it should be, and then once more for each of its calls and each fault that is legal for it (R4):
 * what arrives is a beginning of what was sent, and all of it when the log says that the session has ended well; a
 * session that cannot go on ends at once, under the right cause; those before and after it do not notice; and nothing
 * is left behind (pitfalls 6, 7, 21, 22, 24, 35, 36, 54, 55 and 70).
 *
 * <p>The calls come in the same order each time, so that the name of the fault and the call's number, which every
 * failure tells, are enough to repeat it.
 */
abstract class SessionFaultContract {
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final long STEP_NANOS = 1_000_000;

    abstract Kernel newKernel();

    /** Whether what was sent has arrived when the call has answered. */
    abstract boolean arrivesAtOnce();

    /** For Unix sockets. */
    abstract Path directory();

    /** What is open now. */
    abstract List<?> descriptors(Kernel kernel);

    /** After the kernel was closed. */
    abstract void assertNoPageIsLeft(Kernel kernel);

    @TestFactory
    Stream<DynamicTest> everyCallMayMeetEveryFault() {
        return RecordedSession.all().stream()
                .flatMap(session -> Arrays.stream(Fault.values())
                        .map(fault -> DynamicTest.dynamicTest(
                                session.name() + ", " + fault, () -> withEach(session, fault))));
    }

    private void withEach(RecordedSession session, Fault fault) throws Exception {
        List<Call> calls = hold(session, Fault.NONE, 0);
        for (int i = 0; i < calls.size(); i++) {
            if (fault.mayMeet(calls.get(i))) {
                hold(session, fault, i + 1);
            }
        }
        assertNoThreadIsLeft();
    }

    /** Holds the session with one fault. Answers the calls that were made. */
    private List<Call> hold(RecordedSession session, Fault fault, long number) throws Exception {
        Kernel kernel = newKernel();
        List<?> before = descriptors(kernel);
        List<Call> calls;
        try (Conversation all = new Conversation(kernel, arrivesAtOnce(), directory())) {
            all.start(session.routes(all));
            Pair other = all.begin();
            session.opening().go(all, other);
            other.client.say(3);
            all.hear();

            all.loop.plan(number, fault, all::resetFarOf);
            Pair pair = all.begin();
            session.opening().go(all, pair);
            session.talk().go(all, pair);
            SessionLog log = all.ended();
            all.loop.planNone();
            calls = all.loop.planned();
            Call met = all.loop.met();
            try {
                judge(session, pair, fault, met, all.lost(), log);
                all.resume(other);
                endsWell(all, other);
                Pair later = all.begin();
                session.opening().go(all, later);
                endsWell(all, later);
            } catch (AssertionError e) {
                throw new AssertionError(
                        session.name() + ", " + fault + " at call " + number + ", which was " + met + ": "
                                + e.getMessage() + "\n" + log,
                        e);
            }
        }
        assertThat(descriptorsAfterAWhile(kernel, before))
                .as("descriptors after %s, %s at call %s", session.name(), fault, number)
                .isEqualTo(before);
        kernel.close();
        assertNoPageIsLeft(kernel);
        return calls;
    }

    private static void endsWell(Conversation all, Pair pair) {
        pair.client.say(20);
        pair.server.say(30);
        pair.client.end();
        pair.server.end();
        all.hear();
        SessionLog log = all.ended();
        assertThat(pair.allIsHeard()).as("a session before or after hears all").isTrue();
        pair.assertNothingIsWrong();
        assertThat(log).isNotNull();
        assertThat(log.termination()).hasToString("--");
    }

    // Verdicts.

    private static void judge(
            RecordedSession session,
            Pair pair,
            Fault fault,
            @Nullable Call met,
            @Nullable Far lost,
            @Nullable SessionLog log) {
        pair.assertNothingIsWrong();
        if (met != null && met.kind() == Kind.PEER_NAME) {
            assertThat(pair.client.isOver()).as("the client is told").isTrue();
            return; // nobody, so far: no session has begun
        }
        assertThat(log).as("the session's log").isNotNull();
        assertThat(pair.isOver()).as("everybody has been told").isTrue();
        Cause cause = log.termination().cause();
        assertThat(cause).isNotEqualTo(Cause.INTERNAL);
        assertCountsAreTrue(pair, log);
        if (lost != null) {
            boolean inTheEnd = cause == session.cause()
                    && (lost.equals(pair.client) ? pair.serverHasHeardAll() : pair.clientHasHeardAll());
            if (!inTheEnd) {
                assertThat(cause).isEqualTo(lost.equals(pair.client) ? Cause.CLIENT : Cause.SERVER);
            }
        } else if (met == null || !mayEndIt(met, fault) || (fault.endsTheConnection() && cause == session.cause())) {
            assertThat(cause).isEqualTo(session.cause());
        } else if (session.hasSpare() && cause == Cause.NORMAL) {
            assertThat(pair.allIsHeard()).as("the spare backend served all").isTrue();
        } else if (met.kind() == Kind.SOCKET && fault.isShortage() && cause == session.cause()) {
            assertThat(log.tries()).as("the spare descriptor was used").isPositive();
        } else {
            assertThat(cause).isEqualTo(fault.isShortage() ? Cause.RESOURCE : Cause.SERVER);
            assertThat(log.detail()).contains(Errno.name(fault.errno()));
        }
        if (!log.listener().startsWith("unix:")) { // where nothing but what was not read makes a reset
            assertEndsAreTrue(pair.server, pair.client, pair.clientHasHeardAll());
            assertEndsAreTrue(pair.client, pair.server, pair.serverHasHeardAll());
        }
        if (cause == Cause.NORMAL && !pair.client.isGone() && !pair.server.isGone()) {
            assertThat(pair.allIsHeard()).as("all that was said has been heard").isTrue();
        }
    }

    /** Whether a session has to end by the fault; else it goes on in another way, or as if nothing had been. */
    private static boolean mayEndIt(Call met, Fault fault) {
        if (fault.isForTheMoment() || fault == Fault.RESET) {
            return false;
        }
        return switch (met.kind()) {
            case PIPE, PIPE_SIZE, ACCEPT, OWN_NAME, OPTION, WAIT, LOOK -> false;
            case SPLICE_IN, SPLICE_OUT -> fault != Fault.FORBIDDEN && fault != Fault.MISSING && fault != Fault.REFUSED;
            default -> true;
        };
    }

    /** A cut must not look like an end. A backend that was given up before the first byte is not concerned. */
    private static void assertEndsAreTrue(Far speaker, Far listener, boolean allIsHeard) {
        if (listener.heardEnd() && listener.heardBytes() > 0) {
            assertThat(speaker.hasEnded())
                    .as("whoever hears an end was told it")
                    .isTrue();
            assertThat(allIsHeard).as("whoever hears an end has heard all").isTrue();
        }
    }

    private static void assertCountsAreTrue(Pair pair, SessionLog log) {
        assertThat(log.bytesUp()).as("bytes told of to the backend").isGreaterThanOrEqualTo(pair.server.heardBytes());
        assertThat(log.bytesDown()).as("bytes told of to the client").isGreaterThanOrEqualTo(pair.client.heardBytes());
        if (log.termination().cause() == Cause.NORMAL) {
            if (!pair.server.isGone()) {
                assertThat(log.bytesUp()).isEqualTo(pair.server.heardBytes());
            }
            if (!pair.client.isGone()) {
                assertThat(log.bytesDown()).isEqualTo(pair.client.heardBytes());
            }
        }
        assertThat(log.bytesByPath().values().stream()
                        .mapToLong(Long::longValue)
                        .sum())
                .as("bytes by any path")
                .isEqualTo(log.bytesUp() + log.bytesDown());
    }

    // What is left.

    private List<?> descriptorsAfterAWhile(Kernel kernel, List<?> expected) {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        List<?> left = descriptors(kernel);
        while (!left.equals(expected) && System.nanoTime() - deadline < 0) {
            LockSupport.parkNanos(STEP_NANOS);
            left = descriptors(kernel);
        }
        return left;
    }

    private static void assertNoThreadIsLeft() {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        List<String> left = ourThreads();
        while (!left.isEmpty() && System.nanoTime() - deadline < 0) {
            LockSupport.parkNanos(STEP_NANOS);
            left = ourThreads();
        }
        assertThat(left).as("threads that are left").isEmpty();
    }

    private static List<String> ourThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> name.startsWith("sluice-"))
                .toList();
    }
}
