// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.ErrnoException;
import io.sluice.SocketEnd;
import io.sluice.WhenFull;
import io.sluice.kernel.Errno;
import io.sluice.relay.Mirror.Loss;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What a mirror gets, and that no mirror disturbs the session. */
abstract class MirrorContract extends RelayFixture {
    /** More than all sockets and pipes on the way hold together. */
    private static final int BULK_BYTES = 24 << 20;

    /**
     * As many of the largest as there are for all mirrors together, where the kernel grants what it does by default.
     */
    private static final int MORE_THAN_PIPES = 40;

    private final BlockingQueue<byte[]> heard = new LinkedBlockingQueue<>();

    /** A mirror that keeps what it hears of each session, to its end. */
    private Server mirror() throws IOException {
        return server(connection -> heard.add(all(connection)));
    }

    private static byte[] all(SocketEnd connection) throws IOException {
        ByteArrayOutputStream words = new ByteArrayOutputStream();
        ByteBuffer buffer = ByteBuffer.allocateDirect(256 << 10);
        byte[] some = new byte[256 << 10];
        for (int got = connection.read(buffer); got >= 0; got = connection.read(buffer.clear())) {
            buffer.flip().get(some, 0, got);
            words.write(some, 0, got);
        }
        return words.toByteArray();
    }

    private byte[] heard() throws InterruptedException {
        byte[] words = heard.poll(20, TimeUnit.SECONDS);
        assertThat(words).as("the mirror has heard a session to its end").isNotNull();
        return words;
    }

    private static Mirror of(Mirror.Of whose, Address address) {
        return new Mirror(Backend.at(address), whose, Sample.ALL, Mirror.DEFAULT_BUFFER_BYTES, WhenFull.DETACH);
    }

    private static Mirror buffered(long bytes, WhenFull whenFull, Address address) {
        return new Mirror(Backend.at(address), Mirror.Of.REQUESTS, Sample.ALL, bytes, whenFull);
    }

    private Relay relay(Server backend, Mirror... mirrors) throws Exception {
        Route.Builder route = route().to(Backend.at(backend.address()));
        for (Mirror each : mirrors) {
            route.mirror(each);
        }
        return relay(route.build());
    }

    private static byte[] bulk() {
        byte[] data = new byte[BULK_BYTES];
        new Random(6).nextBytes(data);
        return data;
    }

    /** Says all to an echo, and hears whether it comes back. */
    private static void converse(SocketEnd client, byte[] data) throws Exception {
        Thread speaker = Thread.ofPlatform().start(() -> {
            try {
                say(client, data);
                client.shutdownOutput();
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        assertThat(all(client)).isEqualTo(data);
        speaker.join();
    }

    private RelayStatus.MirrorStatus status(Relay relay) {
        return relay.status().routes().getFirst().mirrors().getFirst();
    }

    // What it gets.

    @Test
    void getsWhatTheClientSaysAndItsEnd() throws Exception {
        Relay relay = relay(echo(), Mirror.to(mirror().address()));
        try (SocketEnd client = client(relay)) {
            say(client, "one");
            assertThat(hear(client, 3)).isEqualTo("one");
            say(client, "two");
            assertThat(hear(client, 3)).isEqualTo("two");
            client.shutdownOutput();
            assertThat(hasEnded(client)).isTrue();
        }
        assertThat(heard()).asString().isEqualTo("onetwo");
        SessionLog.Mirrored mirrored = log().mirrors().getFirst();
        assertThat(mirrored.bytes() + mirrored.waitingBytes()).isEqualTo(6);
        assertThat(mirrored.loss()).isNull();
    }

    @Test
    void getsBulkByteForByte() throws Exception {
        byte[] data = bulk();
        Relay relay = relay(
                echo(),
                buffered(BULK_BYTES, WhenFull.BLOCK, mirror().address()),
                of(
                        Mirror.Of.RESPONSES,
                        server(connection -> hear(connection, 1)).address()));
        converse(client(relay), data);
        assertThat(heard()).isEqualTo(data);
        SessionLog log = log();
        assertThat(log.bytesUp()).isEqualTo(data.length);
        assertThat(log.bytesDown()).isEqualTo(data.length);
    }

    @Test
    void ofResponsesGetsWhatTheBackendAnswers() throws Exception {
        Relay relay = relay(
                server(connection -> {
                    assertThat(hear(connection, 3)).isEqualTo("ask");
                    say(connection, "answer");
                }),
                of(Mirror.Of.RESPONSES, mirror().address()));
        SocketEnd client = client(relay);
        say(client, "ask");
        assertThat(hear(client, 10)).isEqualTo("answer");
        assertThat(heard()).asString().isEqualTo("answer");
    }

    @Test
    void severalGetTheSame() throws Exception {
        Server one = mirror();
        Server other = mirror();
        converse(client(relay(echo(), Mirror.to(one.address()), Mirror.to(other.address()))), new byte[5000]);
        assertThat(heard()).hasSize(5000);
        assertThat(heard()).hasSize(5000);
    }

    @Test
    void whatItAnswersIsDropped() throws Exception {
        CompletableFuture<Void> answered = new CompletableFuture<>();
        Relay relay = relay(
                echo(),
                Mirror.to(server(connection -> {
                            say(connection, new byte[4 << 20]);
                            answered.complete(null);
                            heard.add(all(connection));
                        })
                        .address()));
        SocketEnd client = client(relay);
        say(client, "x");
        answered.get(20, TimeUnit.SECONDS);
        client.shutdownOutput();
        assertThat(hear(client, 10)).isEqualTo("x");
        assertThat(heard()).asString().isEqualTo("x");
    }

    @Test
    void isToldWhoTheClientIsWhereItWantsTo() throws Exception {
        Backend target = new Backend("shadow", mirror().address(), 1, false, ProxyProtocol.V1);
        Relay relay = relay(
                echo(),
                new Mirror(target, Mirror.Of.REQUESTS, Sample.ALL, Mirror.DEFAULT_BUFFER_BYTES, WhenFull.DETACH));
        converse(client(relay), "hi".getBytes(UTF_8));
        assertThat(heard())
                .asString()
                .startsWith("PROXY TCP4 127.0.0.1 127.0.0.1 ")
                .endsWith("\r\nhi");
    }

    @Test
    void aResetOfTheClientReachesItAsOne() throws Exception {
        CompletableFuture<Integer> errno = new CompletableFuture<>();
        Relay relay = relay(
                server(connection -> {
                    say(connection, "hi");
                    hear(connection, 10);
                }),
                Mirror.to(server(connection -> {
                            assertThat(hear(connection, 4)).isEqualTo("what");
                            errno.complete(errnoOf(connection));
                        })
                        .address()));
        SocketEnd client = client(relay);
        say(client, "what");
        assertThat(hear(client, 2)).isEqualTo("hi");
        client.reset();
        assertThat(errno.get(20, TimeUnit.SECONDS)).isEqualTo(Errno.ECONNRESET);
    }

    @Test
    void takesWhatIsLeftAfterTheSession() throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        byte[] data = new byte[6 << 20];
        new Random(2).nextBytes(data);
        Relay relay = relay(
                echo(),
                buffered(
                        BULK_BYTES,
                        WhenFull.DETACH,
                        server(connection -> {
                                    await(over);
                                    heard.add(all(connection));
                                })
                                .address()));
        SocketEnd client = client(relay);
        converse(client, data);
        client.close();
        assertThat(log().termination()).hasToString("--");
        over.countDown();
        assertThat(heard()).isEqualTo(data);
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void isOfWholeSessionsInItsSample() throws Exception {
        Mirror half = new Mirror(
                Backend.at(mirror().address()),
                Mirror.Of.REQUESTS,
                Sample.parse("1/2"),
                Mirror.DEFAULT_BUFFER_BYTES,
                WhenFull.DETACH);
        Relay relay = relay(echo(), half);
        for (int i = 0; i < 4; i++) {
            try (SocketEnd client = client(relay)) {
                converse(client, ("session " + i).getBytes(UTF_8));
            }
        }
        assertThat(new String(heard(), UTF_8) + new String(heard(), UTF_8)).containsPattern("session [02]session [02]");
        assertThat(status(relay).mirrored()).isEqualTo(2);
    }

    // That it disturbs nobody.

    @Test
    void thatIsNotThereIsLostAndTheSessionGoesOn() throws Exception {
        Server gone = echo();
        gone.close();
        Relay relay = relay(echo(), Mirror.to(gone.address()));
        try (SocketEnd client = client(relay)) {
            converse(client, bulk());
        }
        SessionLog.Mirrored mirrored = log().mirrors().getFirst();
        assertThat(mirrored.loss()).isEqualTo(Loss.UNREACHABLE);
        assertThat(mirrored.missedBytes()).isEqualTo(BULK_BYTES);
        assertThat(status(relay).missedBytes()).isEqualTo(BULK_BYTES);
        assertThat(status(relay).lost()).containsEntry(Loss.UNREACHABLE, 1L);
    }

    @Test
    void thatNeverReadsIsDetachedAndTheSessionGoesOn() throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        CompletableFuture<Integer> errno = new CompletableFuture<>();
        Relay relay = relay(
                echo(),
                Mirror.to(server(connection -> {
                            await(over);
                            errno.complete(errnoOf(connection));
                        })
                        .address()));
        try (SocketEnd client = client(relay)) {
            converse(client, bulk());
        }
        SessionLog.Mirrored mirrored = log().mirrors().getFirst();
        assertThat(mirrored.loss()).isEqualTo(Loss.FULL);
        assertThat(mirrored.bytes() + mirrored.missedBytes()).isEqualTo(BULK_BYTES);
        assertThat(mirrored.waitingBytes()).isZero();
        over.countDown();
        assertThat(errno.get(20, TimeUnit.SECONDS))
                .as("half a stream does not look like a whole one")
                .isEqualTo(Errno.ECONNRESET);
        assertThat(status(relay).missedBytes()).isEqualTo(mirrored.missedBytes());
        assertThat(status(relay).lagBytes()).isZero();
        assertThat(status(relay).sessions()).isZero();
    }

    @Test
    void thatResetsIsLostAndTheSessionGoesOn() throws Exception {
        CompletableFuture<Void> reset = new CompletableFuture<>();
        Relay relay = relay(
                echo(),
                Mirror.to(server(connection -> {
                            hear(connection, 1);
                            connection.reset();
                            reset.complete(null);
                        })
                        .address()));
        try (SocketEnd client = client(relay)) {
            say(client, "x");
            assertThat(hear(client, 1)).isEqualTo("x");
            reset.get(20, TimeUnit.SECONDS);
            converse(client, bulk());
        }
        SessionLog.Mirrored mirrored = log().mirrors().getFirst();
        assertThat(mirrored.loss()).isEqualTo(Loss.RESET);
        assertThat(mirrored.bytes() + mirrored.missedBytes()).isEqualTo(BULK_BYTES + 1);
    }

    @Test
    void thatIsWaitedForGetsAllHoweverSlowItIs() throws Exception {
        CountDownLatch slow = new CountDownLatch(1);
        byte[] data = bulk();
        Relay relay = relay(
                echo(),
                buffered(
                        1,
                        WhenFull.BLOCK,
                        server(connection -> {
                                    await(slow);
                                    heard.add(all(connection));
                                })
                                .address()));
        SocketEnd client = client(relay);
        CompletableFuture<Void> conversation = CompletableFuture.runAsync(() -> {
            try {
                converse(client, data);
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
        while (status(relay).lagBytes() == 0) {
            Thread.onSpinWait();
        }
        slow.countDown();
        conversation.get(60, TimeUnit.SECONDS);
        assertThat(heard()).isEqualTo(data);
        assertThat(status(relay).missedBytes()).isZero();
    }

    @Test
    void thatIsCutWithTheRelayIsSaidSo() throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        CompletableFuture<Integer> errno = new CompletableFuture<>();
        Relay relay = relay(
                echo(),
                buffered(
                        BULK_BYTES,
                        WhenFull.DETACH,
                        server(connection -> {
                                    await(over);
                                    errno.complete(errnoOf(connection));
                                })
                                .address()));
        try (SocketEnd client = client(relay)) {
            converse(client, new byte[8 << 20]);
        }
        log();
        assertThat(status(relay).sessions()).isOne();
        relay.close();
        over.countDown();
        assertThat(status(relay).lost()).containsEntry(Loss.CUT, 1L);
        assertThat(errno.get(20, TimeUnit.SECONDS)).isEqualTo(Errno.ECONNRESET);
    }

    @Test
    void thatHasCaughtUpWithAnIdleSessionHoldsNoPipe() throws Exception {
        requireNoPipesHeld(false);
    }

    @Test
    void thatHasAllOfASessionHoldsNoPipe() throws Exception {
        requireNoPipesHeld(true);
    }

    /** Each of many sessions has a mirror that lags behind, catches up, and then stays. */
    private void requireNoPipesHeld(boolean ends) throws Exception {
        byte[] data = new byte[5 << 20];
        Semaphore mayRead = new Semaphore(0);
        CountDownLatch over = new CountDownLatch(1);
        Relay relay = relay(
                server(connection -> {
                    hear(connection, data.length);
                    say(connection, "x");
                    await(over);
                }),
                buffered(
                        BULK_BYTES,
                        WhenFull.DETACH,
                        server(connection -> {
                                    mayRead.acquireUninterruptibly();
                                    hear(connection, data.length);
                                    await(over);
                                })
                                .address()));
        for (int i = 0; i < MORE_THAN_PIPES; i++) {
            SocketEnd client = client(relay);
            say(client, data);
            if (ends) {
                client.shutdownOutput();
            }
            assertThat(hear(client, 1)).isEqualTo("x");
            mayRead.release();
            while (status(relay).lagBytes() > 0) {
                Thread.onSpinWait();
            }
        }
        assertThat(status(relay).lost().values()).containsOnly(0L);
        over.countDown();
    }

    @Test
    void thatCannotEvenBeCalledHasMissedWhatCameFirst() throws Exception {
        Address nowhere = Address.parse("unix:/nowhere/at/all");
        Backend target = new Backend("shadow", nowhere, 1, false, ProxyProtocol.V1);
        Relay relay = relay(
                echo(),
                new Mirror(target, Mirror.Of.REQUESTS, Sample.ALL, Mirror.DEFAULT_BUFFER_BYTES, WhenFull.DETACH));
        converse(client(relay), "hi".getBytes(UTF_8));
        SessionLog log = log();
        String header = "PROXY TCP4 127.0.0.1 127.0.0.1 ";
        assertThat(log.mirrors().getFirst().missedBytes()).isGreaterThan(header.length() + 2);
        assertThat(status(relay).missedBytes())
                .isEqualTo(log.mirrors().getFirst().missedBytes());
    }

    /** What reading to the end comes to: 0, or an error. */
    private static int errnoOf(SocketEnd connection) throws IOException {
        try {
            all(connection);
            return 0;
        } catch (ErrnoException e) {
            return e.errno();
        }
    }
}
