// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static io.sluice.kernel.Flags.POLLERR;
import static io.sluice.kernel.Flags.POLLHUP;
import static io.sluice.kernel.Flags.POLLIN;
import static io.sluice.kernel.Flags.POLLOUT;
import static io.sluice.kernel.Flags.POLLRDHUP;
import static io.sluice.kernel.Flags.SOCK_CLOEXEC;
import static io.sluice.kernel.Flags.SOCK_NONBLOCK;
import static io.sluice.kernel.Flags.SOL_SOCKET;
import static io.sluice.kernel.Flags.SO_RCVBUF;
import static io.sluice.kernel.Flags.SO_SNDBUF;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.flow.PipePool;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Snapshot;
import io.sluice.kernel.user.UserKernel;
import io.sluice.relay.Termination.Cause;
import io.sluice.relay.record.Deck;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Everything that a client and a backend can do within a few steps, in every order, each by itself and all at once.
 * When the loop has come to rest after that: what was taken has been delivered or is in hand; nothing is waited for
 * that is there already, which would be a hang; a direction that has nothing in hand holds no pipe. And each session
 * ends exactly once (pitfalls 1, 4, 6, 7, 8, 9, 19, 20, 23, 63 and 64).
 */
class SessionLawTest {
    private static final int LITTLE = 1000;

    /** More than all buffers on the way and a pipe can hold. */
    private static final int MUCH = 150_000;

    private static final int SOCKET_BUFFER_BYTES = 8192;

    /** What one of the two does. */
    private enum Deed {
        SAY_LITTLE,
        SAY_MUCH,
        HEAR,
        END,
        RESET,
        /** Which is a reset as well when something is unread. */
        CLOSE
    }

    /** One step of a history. */
    private record Step(boolean ofClient, Deed deed) {
        @Override
        public String toString() {
            return (ofClient ? "client " : "backend ") + deed;
        }
    }

    private static final List<Step> STEPS_THERE_ARE = Stream.of(true, false)
            .flatMap(ofClient -> Arrays.stream(Deed.values()).map(deed -> new Step(ofClient, deed)))
            .toList();

    @TestFactory
    Stream<DynamicTest> holdsInEveryShortHistory() {
        return Stream.of(
                DynamicTest.dynamicTest("4 steps", () -> explore(PathChoice.AUTO, 4, 1900)),
                DynamicTest.dynamicTest("3 steps, copied", () -> explore(PathChoice.COPY, 3, 400)),
                DynamicTest.dynamicTest("3 steps, spliced", () -> explore(PathChoice.SPLICE, 3, 400)));
    }

    private static void explore(PathChoice path, int mostSteps, int leastHistories) throws Exception {
        try (Stage stage = new Stage(path)) {
            int held = 0;
            List<List<Step>> histories = List.of(List.of());
            for (int steps = 1; steps <= mostSteps; steps++) { // the shortest that fails is found first
                histories = histories.stream()
                        .flatMap(SessionLawTest::longerByOne)
                        .filter(history -> holds(stage, history))
                        .toList();
                held += histories.size();
            }
            assertThat(held).as("histories").isGreaterThan(leastHistories);
        }
    }

    private static Stream<List<Step>> longerByOne(List<Step> history) {
        return STEPS_THERE_ARE.stream().filter(step -> !repeats(history, step)).map(step -> {
            List<Step> longer = new ArrayList<>(history);
            longer.add(step);
            return List.copyOf(longer);
        });
    }

    /** Two in a row that differ from one in size alone. */
    private static boolean repeats(List<Step> history, Step next) {
        return !history.isEmpty() && history.getLast().equals(next);
    }

    private static boolean holds(Stage stage, List<Step> history) {
        boolean differs = holds(stage, history, false);
        if (differs) {
            holds(stage, history, true);
        }
        return differs;
    }

    private static boolean holds(Stage stage, List<Step> history, boolean atOnce) {
        try {
            return stage.play(history, atOnce);
        } catch (AssertionError e) {
            throw new AssertionError((atOnce ? "at once: " : "one by one: ") + history + ": " + e.getMessage(), e);
        }
    }

    /** One loop, in which one session after the other lives. */
    private static final class Stage implements AutoCloseable, Session.Host {
        private final Kernel kernel = UserKernel.builder().build();
        private final LockStep steps = new LockStep(kernel);
        private final PipePool pool = new PipePool(steps);
        private final EventLoop loop = new EventLoop(steps, pool, "law");
        private final MemorySegment scratch = Arena.ofAuto().allocate(4096);
        private final int entrance = Far.listener(kernel, Far.anyPort());
        private final int backend = Far.listener(kernel, Far.anyPort());
        private final LinkedBlockingQueue<SessionLog> logs = new LinkedBlockingQueue<>();
        private final LiveRoute route;

        Stage(PathChoice path) throws IOException {
            SocketAddress there = Far.name(kernel, backend);
            Backend only = Backend.at(new Address.Tcp("127.0.0.1", ((InetSocketAddress) there).getPort()));
            LiveBackend live = new LiveBackend(only);
            live.resolved(List.of(there));
            route = new LiveRoute(RelayFixture.route().to(only).path(path).build(), List.of(live), List.of());
            loop.start();
            steps.hold();
        }

        @Override
        public LiveRoute route(@Nullable String serverName) {
            return route;
        }

        @Override
        public Duration helloTimeout() {
            return Timeouts.DEFAULT.hello();
        }

        @Override
        public @Nullable LiveBackend choose(LiveRoute of, SocketAddress source, Set<LiveBackend> tried) {
            return tried.isEmpty() ? of.backends().getFirst() : null;
        }

        @Override
        public @Nullable Deck deck(LiveRoute in, SocketAddress source) {
            return null;
        }

        @Override
        public Worker worker() {
            throw new UnsupportedOperationException("only mirrors ask for it, and there are none");
        }

        @Override
        public void ended(Session session, SessionLog log) {
            logs.add(log);
        }

        @Override
        public void close() {
            steps.release();
            loop.close();
            kernel.close(entrance);
            kernel.close(backend);
            Snapshot left = kernel.feature(Snapshot.class).orElseThrow();
            assertThat(left.descriptors()).isEmpty();
            kernel.close();
            assertThat(left.pagesInUse()).isZero();
        }

        /**
         * Lets one session have its history, and brings it to its end.
         *
         * @param atOnce whether the loop looks only when all of it has happened
         * @return false when the last step changes nothing, and so nothing that follows is new
         */
        boolean play(List<Step> history, boolean atOnce) {
            Pair pair = new Pair(kernel);
            pair.client.connect(Far.name(kernel, entrance));
            int up = (int) kernel.accept4(entrance, SOCK_NONBLOCK | SOCK_CLOEXEC);
            Greeting greeting = new Greeting(steps, scratch, false, false);
            Session session = new Session(loop, this, greeting, up, Far.name(kernel, pair.client.fd()), "here");
            loop.execute(session::start);
            steps.rest();
            assertThat(pair.server.accept(backend)).isTrue();
            int down = steps.connected();
            for (int socket : new int[] {pair.client.fd(), up, down, pair.server.fd()}) {
                kernel.setsockopt(socket, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER_BYTES);
                kernel.setsockopt(socket, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER_BYTES);
            }
            boolean differs = true;
            for (int i = 0; (differs || atOnce) && i < history.size(); i++) {
                differs = take(history.get(i), pair, atOnce);
                if (!atOnce || i == history.size() - 1) {
                    steps.rest();
                    assertLaw(pair, up, down);
                }
            }
            bringToItsEnd(pair);
            return differs;
        }

        private boolean take(Step step, Pair pair, boolean atOnce) {
            Far who = step.ofClient ? pair.client : pair.server;
            boolean mute = who.isGone() || who.ends() || who.errno() != 0;
            switch (step.deed) {
                case SAY_LITTLE, SAY_MUCH -> {
                    if (mute || who.hasMore()) {
                        return false;
                    }
                    who.say(step.deed == Deed.SAY_LITTLE ? LITTLE : MUCH);
                    while (who.send() && !atOnce) {
                        steps.rest();
                    }
                }
                case HEAR -> {
                    return who.receive();
                }
                case END -> {
                    if (mute || who.hasMore()) {
                        return false;
                    }
                    who.end();
                    who.send();
                }
                case RESET, CLOSE -> {
                    if (who.isGone()) {
                        return false;
                    }
                    if (step.deed == Deed.RESET) {
                        who.reset();
                    } else {
                        who.close();
                    }
                }
            }
            return true;
        }

        private void assertLaw(Pair pair, int up, int down) {
            assertThat(logs.size()).as("times that it has ended").isLessThanOrEqualTo(1);
            if (!logs.isEmpty()) {
                assertThat(steps.isWatched(up) || steps.isWatched(down))
                        .as("a session that is over has left its sockets")
                        .isFalse();
                assertThat(pool.borrowedPipes()).isZero();
                return;
            }
            int inHand = assertLaw(pair.client, up, down, pair.server) + assertLaw(pair.server, down, up, pair.client);
            assertThat(pool.borrowedPipes()).as("pipes that are lent").isLessThanOrEqualTo(inHand);
        }

        /**
         * Of one direction: from {@code source} to {@code sink}, sockets of the relay. Answers 1 if bytes are in hand.
         */
        private int assertLaw(Far speaker, int source, int sink, Far listener) {
            String direction = source == steps.connected() ? "down: " : "up: ";
            long taken = steps.taken(source);
            long delivered = steps.delivered(sink);
            assertThat(taken).as(direction + "taken").isEqualTo(speaker.sentBytes() - kernel.fionread(source));
            if (!listener.isGone()) {
                assertThat(delivered)
                        .as(direction + "delivered")
                        .isEqualTo(listener.heardBytes() + kernel.fionread(listener.fd()));
            }
            long pending = taken - delivered;
            assertThat(pending).as(direction + "in hand").isNotNegative();
            long readable = kernel.poll(source, POLLIN | POLLRDHUP, 0);
            if (steps.hasFailed(sink)) {
                // Nothing can be brought on, and the session lasts only as the other direction does.
                assertThat(steps.hasEnded(sink))
                        .as(direction + "a cut that looks like an end")
                        .isFalse();
            } else if (pending > 0) {
                assertThat(kernel.poll(sink, POLLOUT, 0))
                        .as(direction + "%s bytes in hand, and what the sink is ready for", pending)
                        .isZero();
            } else if (steps.hasEnded(sink)) {
                assertThat(readable & POLLERR)
                        .as(direction + "it has ended, and the speaker's connection is lost")
                        .isZero();
            } else {
                assertThat(readable & (POLLIN | POLLRDHUP | POLLHUP | POLLERR))
                        .as(direction + "nothing in hand, and what the source has")
                        .isZero();
            }
            return pending > 0 ? 1 : 0;
        }

        /** A cut must not look like an end. */
        private static void assertEndIsTrue(Far speaker, Far listener) {
            if (speaker.wasReset() && !speaker.hasEnded()) {
                assertThat(listener.heardEnd()).as("an end that was none").isFalse();
            }
        }

        private void bringToItsEnd(Pair pair) {
            pair.client.end();
            pair.server.end();
            steps.rest();
            while (pair.move()) {
                steps.rest();
            }
            steps.rest();
            assertThat(logs).as("times that it has ended").hasSize(1);
            SessionLog log = logs.remove();
            pair.assertNothingIsWrong();
            assertThat(log.termination().cause()).isNotEqualTo(Cause.INTERNAL);
            boolean nobodyHasGone = !pair.client.isGone() && !pair.server.isGone();
            if (nobodyHasGone) {
                assertThat(log.termination()).hasToString("--");
                assertThat(pair.allIsHeard())
                        .as("all that was said has been heard")
                        .isTrue();
                assertThat(log.bytesUp()).isEqualTo(pair.server.heardBytes());
                assertThat(log.bytesDown()).isEqualTo(pair.client.heardBytes());
            }
            assertThat(pair.isOver()).as("everybody has been told").isTrue();
            assertEndIsTrue(pair.client, pair.server);
            assertEndIsTrue(pair.server, pair.client);
            pair.close();
            assertThat(pool.borrowedPipes()).isZero();
        }
    }
}
