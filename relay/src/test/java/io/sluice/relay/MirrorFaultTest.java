// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static io.sluice.kernel.Flags.EPOLL_CTL_ADD;
import static io.sluice.kernel.Flags.EPOLL_CTL_MOD;
import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.ErrnoException;
import io.sluice.SocketEnd;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Snapshot;
import io.sluice.kernel.user.UserKernel;
import io.sluice.kernel.wrap.ForwardingKernel;
import io.sluice.relay.Mirror.Loss;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * A mirrored session, once for each call that is made for its mirror and each fault that is legal for it (R4): the
 * session itself does not notice, the mirror gets all or is told that it does not, what it misses is counted, and
 * nothing is left behind.
 */
final class MirrorFaultTest {
    /** What a call is made for, with the errors that it may meet. */
    enum Purpose {
        SOCKET(Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM, Errno.ENOBUFS),
        CONNECT(Errno.ECONNREFUSED, Errno.ENETUNREACH, Errno.EADDRNOTAVAIL),
        WATCH(Errno.ENOMEM, Errno.ENOSPC),
        OPTION(Errno.ENOMEM),
        DROP(Errno.EINTR, Errno.EAGAIN, Errno.ECONNRESET, Errno.ETIMEDOUT),
        OUT(
                Errno.EINTR,
                Errno.EAGAIN,
                Errno.EPIPE,
                Errno.ECONNRESET,
                Errno.ENOMEM,
                Errno.EINVAL,
                Errno.ENOSYS,
                Errno.EPERM),
        TEE(Errno.EINTR, Errno.EAGAIN, Errno.ENOMEM),
        STAGE(Errno.EINTR, Errno.EAGAIN, Errno.ENOMEM),
        QUEUE(Errno.EINTR, Errno.ENOMEM),
        PIPE(Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM),
        PIPE_SIZE(Errno.EPERM, Errno.ENOMEM);

        @SuppressWarnings("ImmutableEnumChecker") // nobody writes to it
        private final int[] errors;

        Purpose(int... errors) {
            this.errors = errors;
        }
    }

    private static final byte[] WORDS = new byte[400_000];

    static {
        new Random(11).nextBytes(WORDS);
    }

    @TestFactory
    Stream<DynamicTest> noFaultOfAMirrorDisturbsASession() {
        return Arrays.stream(Purpose.values())
                .flatMap(purpose -> Arrays.stream(purpose.errors)
                        .mapToObj(errno -> DynamicTest.dynamicTest(
                                purpose + " " + Errno.name(errno), () -> withEach(purpose, errno))));
    }

    private static void withEach(Purpose purpose, int errno) throws Exception {
        int number = 0;
        boolean met;
        do {
            number++;
            try {
                met = hold(purpose, errno, number);
            } catch (AssertionError | Exception e) {
                throw new AssertionError(Errno.name(errno) + " at " + purpose + " " + number + ": " + e, e);
            }
        } while (met);
        if (purpose != Purpose.QUEUE) {
            assertThat(number).as("calls that have met the fault").isGreaterThan(1);
        }
    }

    /** Holds the session with one fault; false when there was no such call. */
    private static boolean hold(Purpose purpose, int errno, int number) throws Exception {
        Faulty kernel = new Faulty(UserKernel.builder().build(), purpose, errno, number);
        Talk talk = new Talk(kernel);
        talk.open();
        try {
            talk.go();
        } finally {
            talk.close();
        }
        assertThat(kernel.left).as("descriptors that are left").isEmpty();
        return kernel.met;
    }

    /** One session between a client and an echo, with a mirror. */
    private static final class Talk extends RelayFixture {
        private final Faulty faulty;

        Talk(Faulty faulty) {
            this.faulty = faulty;
        }

        @Override
        protected Kernel newKernel() {
            return faulty;
        }

        void go() throws Exception {
            CompletableFuture<byte[]> heard = new CompletableFuture<>();
            CompletableFuture<Boolean> wasCut = new CompletableFuture<>();
            Server shadow = server(connection -> {
                ByteArrayOutputStream words = new ByteArrayOutputStream();
                boolean cut = false;
                try {
                    say(connection, "dropped");
                    readAll(connection, words);
                } catch (ErrnoException e) {
                    cut = true;
                }
                heard.complete(words.toByteArray());
                wasCut.complete(cut);
            });
            faulty.mirrorIsAt(((InetSocketAddress) shadow.listener.localAddress()).getPort());
            Relay relay = relay(route().to(Backend.at(echo().address()))
                    .mirror(Mirror.to(shadow.address()))
                    .build());
            SocketEnd client = client(relay);
            say(client, Arrays.copyOf(WORDS, 5));
            assertThat(hear(client, 5)).hasSize(5);
            Thread speaker = Thread.ofPlatform().start(() -> {
                try {
                    say(client, Arrays.copyOfRange(WORDS, 5, WORDS.length));
                    client.shutdownOutput();
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
            ByteArrayOutputStream echo = new ByteArrayOutputStream();
            readAll(client, echo);
            speaker.join();
            client.close();
            assertThat(echo.size()).as("bytes that came back").isEqualTo(WORDS.length - 5);
            SessionLog log = log();
            assertThat(log.termination()).hasToString("--");
            assertThat(log.bytesUp()).isEqualTo(WORDS.length);
            while (relay.status().routes().getFirst().mirrors().getFirst().sessions() > 0) {
                Thread.onSpinWait();
            }
            judge(relay, shadow, heard, wasCut);
        }

        private static void readAll(SocketEnd from, ByteArrayOutputStream into) throws IOException {
            ByteBuffer buffer = ByteBuffer.allocateDirect(64 << 10);
            byte[] some = new byte[64 << 10];
            for (int got = from.read(buffer); got >= 0; got = from.read(buffer.clear())) {
                buffer.flip().get(some, 0, got);
                into.write(some, 0, got);
            }
        }

        private void judge(
                Relay relay, Server shadow, CompletableFuture<byte[]> heard, CompletableFuture<Boolean> wasCut)
                throws Exception {
            RelayStatus.MirrorStatus status =
                    relay.status().routes().getFirst().mirrors().getFirst();
            long losses =
                    status.lost().values().stream().mapToLong(Long::longValue).sum();
            assertThat(status.bytes() + status.missedBytes()).isEqualTo(WORDS.length);
            assertThat(status.lagBytes()).isZero();
            assertThat(losses).isEqualTo(status.missedBytes() > 0 || losses > 0 ? 1 : 0);
            if (status.lost().getOrDefault(Loss.UNREACHABLE, 0L) > 0 && shadow.connections.isEmpty()) {
                assertThat(status.bytes()).isZero();
                return;
            }
            byte[] words = heard.get(20, TimeUnit.SECONDS);
            assertThat(words).isEqualTo(Arrays.copyOf(WORDS, words.length));
            if (losses == 0) {
                assertThat(words).hasSize(WORDS.length);
            }
            assertThat(wasCut.get() || words.length == WORDS.length)
                    .as("half a stream does not look like a whole one")
                    .isTrue();
        }
    }

    /** Has one call that is made for the mirror fail. */
    private static final class Faulty extends ForwardingKernel {
        private final Purpose purpose;
        private final int errno;
        private final int number;
        private final Set<Integer> pipes = ConcurrentHashMap.newKeySet();
        private final Map<Integer, List<Object>> interests = new ConcurrentHashMap<>();

        // The loop's.
        private final Set<Integer> sockets = new HashSet<>();
        private int seen;
        private int socketsMade;
        private int mirror = -1;

        private volatile int port;
        private volatile boolean met;
        private volatile List<?> left = List.of();

        Faulty(Kernel inner, Purpose purpose, int errno, int number) {
            super(inner);
            this.purpose = purpose;
            this.errno = errno;
            this.number = number;
        }

        void mirrorIsAt(int newPort) {
            port = newPort;
        }

        @Override
        protected long around(String name, LongSupplier call, @Nullable Object... arguments) {
            if (!Thread.currentThread().getName().startsWith("sluice-relay-") || port == 0) {
                return call.getAsLong();
            }
            Purpose what = purpose(name, arguments);
            if (what == purpose && ++seen == number) {
                met = true;
                if (errno == Errno.EAGAIN && mirror >= 0) {
                    again();
                }
                return -errno;
            }
            long answer = call.getAsLong();
            note(name, arguments, answer);
            return answer;
        }

        private @Nullable Purpose purpose(String name, @Nullable Object... arguments) {
            return switch (name) {
                case "socket" -> ++socketsMade == 2 ? Purpose.SOCKET : null; // the first is the backend's
                case "connect" -> isMirror(arguments[1]) ? Purpose.CONNECT : null;
                case "epoll_ctl" ->
                    integer(arguments[1]) == EPOLL_CTL_ADD && isMirrorSocket(arguments[2]) ? Purpose.WATCH : null;
                case "setsockopt" -> isMirrorSocket(arguments[0]) ? Purpose.OPTION : null;
                case "recv" -> isMirrorSocket(arguments[0]) ? Purpose.DROP : null;
                case "send" -> isMirrorSocket(arguments[0]) ? Purpose.OUT : null;
                case "splice" ->
                    isMirrorSocket(arguments[2])
                            ? Purpose.OUT
                            : pipes.contains(integer(arguments[0])) && pipes.contains(integer(arguments[2]))
                                    ? Purpose.QUEUE
                                    : null;
                case "tee" -> Purpose.TEE;
                case "write" -> pipes.contains(integer(arguments[0])) ? Purpose.STAGE : null;
                case "pipe2" -> Purpose.PIPE;
                case "fcntl" -> integer(arguments[1]) == F_SETPIPE_SZ ? Purpose.PIPE_SIZE : null;
                default -> null;
            };
        }

        private static int integer(@Nullable Object argument) {
            return argument instanceof Integer number ? number : -1;
        }

        private boolean isMirror(@Nullable Object address) {
            return address instanceof InetSocketAddress inet && inet.getPort() == port;
        }

        private boolean isMirrorSocket(@Nullable Object fd) {
            return mirror >= 0 && integer(fd) == mirror;
        }

        private void note(String name, @Nullable Object[] arguments, long answer) {
            if (answer < 0 && answer != -Errno.EINPROGRESS) {
                return;
            }
            switch (name) {
                case "socket" -> {
                    sockets.add((int) answer);
                    if (socketsMade == 2) {
                        mirror = (int) answer;
                    }
                }
                case "pipe2" -> Arrays.stream((int[]) arguments[0]).forEach(pipes::add);
                case "close" -> {
                    pipes.remove(integer(arguments[0]));
                    if (integer(arguments[0]) == mirror) {
                        mirror = -1;
                    }
                }
                case "epoll_ctl" -> {
                    if (integer(arguments[1]) == EPOLL_CTL_ADD) {
                        interests.put(integer(arguments[2]), Arrays.asList(arguments));
                    }
                }
                default -> {}
            }
        }

        /** What was not there a moment ago has come: the edge that a kernel reports then. */
        private void again() {
            List<Object> interest = interests.get(mirror);
            if (interest != null) {
                inner.epollCtl(
                        (int) interest.get(0), EPOLL_CTL_MOD, mirror, (int) interest.get(3), (long) interest.get(4));
            }
        }

        @Override
        public void close() {
            Snapshot snapshot = inner.feature(Snapshot.class).orElseThrow();
            left = snapshot.descriptors();
            inner.close();
            assertThat(snapshot.pagesInUse()).as("pages that are left").isZero();
        }
    }
}
