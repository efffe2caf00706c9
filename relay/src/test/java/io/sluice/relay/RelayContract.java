// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.ErrnoException;
import io.sluice.SocketEnd;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Flags;
import io.sluice.kernel.TransferPath;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What goes through a relay, and how a session ends. */
abstract class RelayContract extends RelayFixture {
    @Test
    void bringsWhatEachSaysToTheOther() throws Exception {
        try (SocketEnd client =
                client(relay(route().to(Backend.at(echo().address())).build()))) {
            say(client, "one");
            assertThat(hear(client, 3)).isEqualTo("one");
            say(client, "two");
            assertThat(hear(client, 3)).isEqualTo("two");
            client.shutdownOutput();
            assertThat(hasEnded(client)).isTrue();
        }
        SessionLog log = log();
        assertThat(log.termination()).hasToString("--");
        assertThat(log.bytesUp()).isEqualTo(6);
        assertThat(log.bytesDown()).isEqualTo(6);
        assertThat(log.bytesByPath()).containsOnlyKeys(TransferPath.COPY);
    }

    @Test
    void aClientThatHasSaidAllStillHearsTheAnswer() throws Exception {
        Relay relay = relay(route().to(Backend.at(server(connection -> {
                            assertThat(hasEnded(connection)).isTrue();
                            say(connection, "late");
                        })
                        .address()))
                .build());
        SocketEnd client = client(relay);
        client.shutdownOutput();
        assertThat(hear(client, 10)).isEqualTo("late");
        assertThat(log().termination()).hasToString("--");
    }

    @Test
    void aBackendThatHasSaidAllStillHearsTheClient() throws Exception {
        CompletableFuture<String> heard = new CompletableFuture<>();
        Relay relay = relay(route().to(Backend.at(server(connection -> {
                            connection.shutdownOutput();
                            heard.complete(hear(connection, 10));
                        })
                        .address()))
                .build());
        SocketEnd client = client(relay);
        assertThat(hasEnded(client)).isTrue();
        say(client, "more");
        client.shutdownOutput();
        assertThat(heard.get()).isEqualTo("more");
        assertThat(log().termination()).hasToString("--");
    }

    @Test
    void bulkIsSplicedAndEveryByteIsThere() throws Exception {
        byte[] data = new byte[8 << 20];
        new Random(7).nextBytes(data);
        SocketEnd client = client(relay(route().to(Backend.at(echo().address())).build()));
        Thread speaker = Thread.ofPlatform().start(() -> {
            try {
                say(client, data);
                client.shutdownOutput();
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        ByteBuffer heard = ByteBuffer.allocateDirect(data.length + 1);
        int got = 0;
        while (got >= 0) {
            got = client.read(heard);
        }
        speaker.join();
        assertThat(heard.flip()).isEqualTo(ByteBuffer.wrap(data));
        SessionLog log = log();
        assertThat(log.bytesUp()).isEqualTo(data.length);
        assertThat(log.bytesDown()).isEqualTo(data.length);
        assertThat(log.bytesByPath().get(TransferPath.SPLICE)).isGreaterThan(data.length);
    }

    @Test
    void aPathThatIsForcedIsTheOnlyOne() throws Exception {
        for (PathChoice choice : new PathChoice[] {PathChoice.COPY, PathChoice.SPLICE}) {
            Relay relay =
                    relay(route().to(Backend.at(echo().address())).path(choice).build());
            SocketEnd client = client(relay);
            say(client, "some");
            assertThat(hear(client, 4)).isEqualTo("some");
            client.close();
            assertThat(log().bytesByPath()).containsOnlyKeys(TransferPath.valueOf(choice.name()));
        }
    }

    @Test
    void aResetOfTheClientReachesTheBackendAsOne() throws Exception {
        CompletableFuture<Integer> errno = new CompletableFuture<>();
        Relay relay = relay(route().to(Backend.at(server(connection -> {
                            say(connection, "hi");
                            try {
                                hear(connection, 10);
                                errno.complete(0);
                            } catch (ErrnoException e) {
                                errno.complete(e.errno());
                            }
                        })
                        .address()))
                .build());
        SocketEnd client = client(relay);
        assertThat(hear(client, 2)).isEqualTo("hi");
        client.reset();
        assertThat(errno.get()).isEqualTo(Errno.ECONNRESET);
        assertThat(log().termination()).hasToString("CD");
    }

    @Test
    void aResetOfTheBackendReachesTheClientAsOne() throws Exception {
        Relay relay = relay(route().to(Backend.at(server(connection -> {
                            hear(connection, 1);
                            connection.reset();
                        })
                        .address()))
                .build());
        SocketEnd client = client(relay);
        say(client, "x");
        assertThatThrownBy(() -> hear(client, 1))
                .isInstanceOfSatisfying(
                        ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ECONNRESET));
        assertThat(log().termination()).hasToString("SD");
    }

    /**
     * A write to the client was told of the reset, the read after it found an end, and the backend was told of that: an
     * upload that was cut looked complete. It takes a write between the reset and the read, here for a limit of speed.
     */
    @Test
    void aResetThatAWriteIsToldOfReachesTheBackendAsOne() throws Exception {
        CompletableFuture<Void> reset = new CompletableFuture<>();
        CompletableFuture<Integer> errno = new CompletableFuture<>();
        Relay relay = relay(route().to(Backend.at(server(connection -> {
                            say(connection, "hi");
                            hear(connection, 1);
                            reset.join();
                            try {
                                say(connection, "?");
                                hear(connection, 20_000);
                                errno.complete(0);
                            } catch (ErrnoException e) {
                                errno.complete(e.errno());
                            }
                        })
                        .address()))
                .limits(new Limits(0, 0, 0, 10_000, 0))
                .build());
        SocketEnd client = client(relay);
        assertThat(hear(client, 2)).isEqualTo("hi");
        say(client, new byte[8_000]);
        client.reset();
        reset.complete(null);
        assertThat(errno.get(20, TimeUnit.SECONDS)).isEqualTo(Errno.ECONNRESET);
        assertThat(log().termination().cause()).isEqualTo(Termination.Cause.CLIENT);
    }

    @Test
    void keepAliveIsForBothConnections() throws Exception {
        Relay relay = relay(route().to(Backend.at(echo().address()))
                .keepAlive(new KeepAlive(Duration.ofSeconds(30), Duration.ofSeconds(10), 3, null))
                .build());
        SocketEnd client = client(relay);
        say(client, "x");
        assertThat(hear(client, 1)).isEqualTo("x");
        assertThat(IntStream.range(0, 1024).filter(this::isKeptAlive).count()).isEqualTo(2);
    }

    private boolean isKeptAlive(int fd) {
        int[] on = new int[1];
        return kernel.getsockopt(fd, Flags.SOL_SOCKET, Flags.SO_KEEPALIVE, on) >= 0 && on[0] == 1;
    }

    /** A server that closes while something is unread sends its answer and then a reset. */
    @Test
    void whatABackendHasSaidBeforeItsResetStillArrives() throws Exception {
        byte[] words = new byte[100_000];
        Relay relay = relay(route().to(Backend.at(server(connection -> {
                            hear(connection, 1);
                            say(connection, words);
                            connection.reset();
                        })
                        .address()))
                .build());
        SocketEnd client = client(relay);
        say(client, "x");
        assertThat(hear(client, words.length)).hasSize(words.length);
        assertThatThrownBy(() -> hear(client, 1)).isInstanceOf(ErrnoException.class);
        assertThat(log().bytesDown()).isEqualTo(words.length);
    }

    @Test
    void aBackendThatRefusesIsPassedOver() throws Exception {
        Address nobody = gone();
        Relay relay = relay(route().to(Backend.at(nobody))
                .to(Backend.at(named("second").address()))
                .build());
        int tries = 0;
        for (int i = 0; i < 4; i++) {
            try (SocketEnd client = client(relay)) {
                assertThat(hear(client, 6)).isEqualTo("second");
            }
            SessionLog log = log();
            assertThat(log.backend()).isNotEqualTo(nobody.toString());
            tries += log.tries();
        }
        assertThat(tries).as("each is first in its turn").isEqualTo(6);
    }

    @Test
    void withNoBackendToReachTheClientIsResetAndTheLogSaysWhy() throws Exception {
        Relay relay = relay(route().to(Backend.at(gone())).build());
        assertThatThrownBy(() -> hear(client(relay), 1)).isInstanceOf(IOException.class);
        SessionLog log = log();
        assertThat(log.termination()).hasToString("SC");
        assertThat(log.detail()).contains("ECONNREFUSED");
    }

    /** An address where nobody listens. */
    private Address gone() throws Exception {
        Server server = echo();
        server.close();
        return server.address();
    }
}
