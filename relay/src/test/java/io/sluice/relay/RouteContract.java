// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.ErrnoException;
import io.sluice.SocketEnd;
import io.sluice.kernel.Errno;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Who gets in, to which backend, and for how long. */
abstract class RouteContract extends RelayFixture {
    private static final Duration SOON = Duration.ofMillis(50);
    private static final Duration NEVER = Duration.ofHours(1);

    private static Timeouts timeouts(Duration hello, Duration queue, Duration idle, Duration halfClosed) {
        return new Timeouts(hello, queue, NEVER, idle, halfClosed, null);
    }

    private void mustBeReset(SocketEnd client) {
        assertThatThrownBy(() -> hear(client, 1)).isInstanceOf(IOException.class);
    }

    /** The reset may come as early as while it connects. */
    private void nextMustBeReset(Relay relay) {
        assertThatThrownBy(() -> hear(client(relay), 1)).isInstanceOf(IOException.class);
    }

    // Backends.

    @Test
    void backendsTakeTurnsByTheirWeight() throws Exception {
        Relay relay = relay(route().to(weighing("a", 2)).to(weighing("b", 1)).build());
        assertThat(answers(relay, 6)).containsExactly("a", "b", "a", "a", "b", "a");
    }

    @Test
    void aBackupServesOnlyWhenNobodyElseCan() throws Exception {
        Server first = named("a");
        Relay relay = relay(route().to(Backend.at(first.address()))
                .to(new Backend("spare", named("b").address(), 1, true, ProxyProtocol.NONE))
                .build());
        assertThat(answers(relay, 2)).containsExactly("a", "a");
        first.close();
        assertThat(answers(relay, 1)).containsExactly("b");
    }

    @Test
    void theOneWithTheFewestSessionsIsNext() throws Exception {
        Relay relay = relay(route().to(Backend.at(held("a").address()))
                .to(Backend.at(held("b").address()))
                .balance(Balance.LEAST_CONNECTIONS)
                .build());
        SocketEnd one = client(relay);
        String first = hear(one, 1);
        SocketEnd two = client(relay);
        assertThat(hear(two, 1)).isNotEqualTo(first);
        one.close();
        log();
        assertThat(hear(client(relay), 1)).isEqualTo(first);
    }

    @Test
    void aSourceStaysWithItsBackend() throws Exception {
        Relay relay = relay(route().to(weighing("a", 1))
                .to(weighing("b", 1))
                .to(weighing("c", 1))
                .balance(Balance.SOURCE_HASH)
                .build());
        assertThat(answers(relay, 5)).hasSize(5).containsOnly(answers(relay, 1).getFirst());
    }

    private Backend weighing(String name, int weight) throws Exception {
        return new Backend(name, named(name).address(), weight, false, ProxyProtocol.NONE);
    }

    /** Says its name and then waits for the client to go. */
    private Server held(String name) throws IOException {
        return server(connection -> {
            say(connection, name);
            assertThat(hasEnded(connection)).isTrue();
        });
    }

    private List<String> answers(Relay relay, int count) throws Exception {
        List<String> answers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            try (SocketEnd client = client(relay)) {
                answers.add(hear(client, 1));
            }
        }
        return answers;
    }

    // Health.

    @Test
    void aBackendThatFailsItsChecksGetsNoSessionsUntilItIsBack() throws Exception {
        CompletableFuture<Void> down = new CompletableFuture<>();
        CompletableFuture<Void> up = new CompletableFuture<>();
        Server sick = server(connection -> {
            boolean healthy = !down.isDone() || up.isDone();
            if (hear(connection, 4).equals("ping")) {
                say(connection, healthy ? "pong" : "ouch");
            } else {
                say(connection, "a");
            }
        });
        Health health = new Health(Duration.ofMillis(10), NEVER, 1, 1, Duration.ZERO, "ping", "pong");
        Relay relay = relay(route().to(new Backend("a", sick.address(), 1, false, ProxyProtocol.NONE))
                .to(new Backend("b", heard("b").address(), 1, true, ProxyProtocol.NONE))
                .health(health)
                .build());
        awaitAnswer(relay, "a");
        down.complete(null);
        awaitAnswer(relay, "b");
        up.complete(null);
        awaitAnswer(relay, "a");
    }

    @Test
    void aBackendThatIsNoLongerCheckedIsNotDown() throws Exception {
        Server fine = named("a");
        Health hopeless = new Health(Duration.ofMillis(10), NEVER, 1, 1, Duration.ZERO, "", "what nobody says");
        Relay relay =
                relay(route().to(Backend.at(fine.address())).health(hopeless).build());
        while (relay.status().routes().getFirst().backends().getFirst().state() == RelayStatus.State.UP) {
            Thread.onSpinWait();
        }
        relay.reload(new Config(List.of(route().to(Backend.at(fine.address())).build()), 1, 0));
        assertThat(hear(client(relay), 1)).isEqualTo("a");
    }

    private Server heard(String name) throws IOException {
        return server(connection -> say(connection, hear(connection, 4).equals("ping") ? "pong" : name));
    }

    private void awaitAnswer(Relay relay, String expected) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        String answer;
        do {
            try (SocketEnd client = client(relay)) {
                say(client, "word");
                answer = hear(client, 1);
            }
            assertThat(System.nanoTime())
                    .as("time for an answer of " + expected)
                    .isLessThan(deadline);
        } while (!answer.equals(expected));
    }

    // Who may.

    @Test
    void aSourceThatIsDeniedIsReset() throws Exception {
        Relay relay = relay(route().to(Backend.at(echo().address()))
                .access(new Access(List.of(), List.of(Cidr.parse("127.0.0.0/8"))))
                .build());
        nextMustBeReset(relay);
        assertThat(log().termination()).hasToString("PH");
    }

    @Test
    void aFullRouteRefusesAndTakesAgainWhenSomebodyLeaves() throws Exception {
        Relay relay = relay(route().to(Backend.at(echo().address()))
                .limits(new Limits(1, 0, 0, 0, 0))
                .build());
        SocketEnd first = client(relay);
        say(first, "x");
        assertThat(hear(first, 1)).isEqualTo("x");
        nextMustBeReset(relay);
        assertThat(log().termination()).hasToString("PH");
        first.close();
        assertThat(log().termination()).hasToString("--");
        SocketEnd second = client(relay);
        say(second, "y");
        assertThat(hear(second, 1)).isEqualTo("y");
    }

    @Test
    void whoeverWaitsInTheQueueIsServedWhenThereIsRoom() throws Exception {
        Relay relay = relay(route().to(Backend.at(echo().address()))
                .limits(new Limits(1, 0, 1, 0, 0))
                .build());
        SocketEnd first = client(relay);
        say(first, "x");
        assertThat(hear(first, 1)).isEqualTo("x");
        SocketEnd second = client(relay);
        say(second, "y");
        first.close();
        assertThat(hear(second, 1)).isEqualTo("y");
        second.close();
        assertThat(log().queued()).isZero();
        assertThat(log().queued()).isPositive();
    }

    @Test
    void theQueueHasItsEnd() throws Exception {
        Relay relay = relay(route().to(Backend.at(echo().address()))
                .limits(new Limits(1, 0, 1, 0, 0))
                .timeouts(timeouts(NEVER, SOON, NEVER, NEVER))
                .build());
        SocketEnd first = client(relay);
        say(first, "x");
        assertThat(hear(first, 1)).isEqualTo("x");
        nextMustBeReset(relay);
        assertThat(log().termination()).hasToString("PQ");
    }

    @Test
    void oneSourceHasNoMoreThanItsShare() throws Exception {
        Relay relay = relay(route().to(Backend.at(echo().address()))
                .limits(new Limits(0, 1, 0, 0, 0))
                .build());
        SocketEnd first = client(relay);
        say(first, "x");
        assertThat(hear(first, 1)).isEqualTo("x");
        nextMustBeReset(relay);
        assertThat(log().detail()).contains("source");
    }

    // How long.

    @Test
    void anIdleSessionEnds() throws Exception {
        Relay relay = relay(route().to(Backend.at(echo().address()))
                .timeouts(timeouts(NEVER, NEVER, SOON, NEVER))
                .build());
        nextMustBeReset(relay);
        assertThat(log().termination()).hasToString("sD");
    }

    @Test
    void aHalfClosedSessionEndsByItsOwnTimeout() throws Exception {
        Relay relay = relay(route().to(Backend.at(server(connection -> {
                            connection.shutdownOutput();
                            hear(connection, 1);
                        })
                        .address()))
                .timeouts(timeouts(NEVER, NEVER, NEVER, Duration.ofMillis(500))) // in which the client sees the end
                .build());
        assertThat(hasEnded(client(relay))).isTrue();
        assertThat(log().termination()).hasToString("cL");
    }

    @Test
    void noSessionOutlivesItsLife() throws Exception {
        Relay relay = relay(route().to(Backend.at(echo().address()))
                .timeouts(new Timeouts(NEVER, NEVER, NEVER, NEVER, NEVER, SOON))
                .build());
        nextMustBeReset(relay);
        assertThat(log().termination().cause()).isEqualTo(Termination.Cause.LIFE);
    }

    // The PROXY protocol.

    @Test
    void aTrustedHeaderSaysWhoTheClientIs() throws Exception {
        Relay relay = relay(Route.named("test")
                .listen(trusting("127.0.0.0/8"))
                .to(Backend.at(echo().address()))
                .build());
        SocketEnd client = client(relay);
        say(client, "PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\nhello");
        assertThat(hear(client, 5)).isEqualTo("hello");
        client.close();
        assertThat(log().client()).isEqualTo("192.0.2.7:4711");
    }

    @Test
    void aHeaderMayComeByteByByte() throws Exception {
        Relay relay = relay(Route.named("test")
                .listen(trusting("127.0.0.0/8"))
                .to(Backend.at(echo().address()))
                .build());
        SocketEnd client = client(relay);
        for (char each : "PROXY UNKNOWN\r\nhello".toCharArray()) {
            say(client, String.valueOf(each));
        }
        assertThat(hear(client, 5)).isEqualTo("hello");
    }

    @Test
    void whatIsNoHeaderIsReset() throws Exception {
        Relay relay = relay(Route.named("test")
                .listen(trusting("127.0.0.0/8"))
                .to(Backend.at(echo().address()))
                .build());
        SocketEnd client = client(relay);
        say(client, "GET / HTTP/1.1\r\n");
        mustBeReset(client);
        assertThat(log().termination()).hasToString("PH");
    }

    @Test
    void aHeaderOfSomebodyElseIsData() throws Exception {
        Relay relay = relay(Route.named("test")
                .listen(trusting("192.0.2.0/24"))
                .to(Backend.at(echo().address()))
                .build());
        SocketEnd client = client(relay);
        say(client, "PROXY");
        assertThat(hear(client, 5)).isEqualTo("PROXY");
    }

    @Test
    void whoeverDoesNotSayWhoHeIsIsReset() throws Exception {
        Relay relay = relay(Route.named("test")
                .listen(trusting("127.0.0.0/8"))
                .to(Backend.at(echo().address()))
                .timeouts(timeouts(SOON, NEVER, NEVER, NEVER))
                .build());
        nextMustBeReset(relay);
        assertThat(log().termination()).hasToString("cH");
    }

    /** The route's time for it was not looked at, and 5 seconds were given. */
    @Test
    void whoeverDoesNotSayWhoHeIsHasTheTimeOfItsRoute() throws Exception {
        Relay relay = relay(Route.named("test")
                .listen(trusting("127.0.0.0/8"))
                .to(Backend.at(echo().address()))
                .timeouts(timeouts(SOON, NEVER, NEVER, NEVER))
                .build());
        nextMustBeReset(relay);
        assertThat(log().total()).isLessThan(Timeouts.DEFAULT.hello());
    }

    @Test
    void theBackendIsToldWhoTheClientIs() throws Exception {
        for (ProxyProtocol version : new ProxyProtocol[] {ProxyProtocol.V1, ProxyProtocol.V2}) {
            CompletableFuture<String> told = new CompletableFuture<>();
            Server backend = server(connection -> told.complete(hear(connection, 200)));
            Relay relay = relay(route().to(new Backend("b", backend.address(), 1, false, version))
                    .build());
            SocketEnd client = client(relay);
            say(client, "hello");
            client.shutdownOutput();
            byte[] heard = told.get(20, TimeUnit.SECONDS).getBytes(ISO_8859_1);
            ProxyHeader.Header header = (ProxyHeader.Header) ProxyHeader.parse(heard, heard.length);
            assertThat(header.source()).isEqualTo(client.localAddress());
            assertThat(new String(heard, ISO_8859_1).substring(header.bytes())).isEqualTo("hello");
        }
    }

    private static Listen trusting(String block) throws Exception {
        return new Listen(ANYWHERE, null, null, null, List.of(Cidr.parse(block)));
    }

    // Server names.

    @Test
    void theServerNameChoosesTheRouteAndNotAByteIsLost() throws Exception {
        Relay relay = relay(
                Route.named("exact")
                        .listen(Listen.on(ANYWHERE))
                        .serverName("db.example.com")
                        .to(Backend.at(tagged("exact").address()))
                        .build(),
                Route.named("below")
                        .listen(Listen.on(ANYWHERE))
                        .serverName("*.example.com")
                        .to(Backend.at(tagged("below").address()))
                        .build(),
                Route.named("other")
                        .listen(Listen.on(ANYWHERE))
                        .to(Backend.at(tagged("other").address()))
                        .build());
        assertThat(routed(relay, Hellos.of("db.example.com"))).isEqualTo("exact");
        assertThat(routed(relay, Hellos.of("DB2.example.com"))).isEqualTo("below");
        assertThat(routed(relay, Hellos.of("example.org"))).isEqualTo("other");
        assertThat(routed(relay, "no TLS at all".getBytes(ISO_8859_1))).isEqualTo("other");
    }

    /** Says its name after it has been told something, and then what it was told. */
    private Server tagged(String name) throws IOException {
        return server(connection -> {
            say(connection, name);
            echo(connection);
        });
    }

    private String routed(Relay relay, byte[] words) throws Exception {
        SocketEnd client = client(relay);
        say(client, words);
        client.shutdownOutput();
        String answer = hear(client, 5 + words.length + 1);
        assertThat(answer.substring(5)).isEqualTo(new String(words, ISO_8859_1));
        return answer.substring(0, 5);
    }

    @Test
    void aNameThatNoRouteTakesIsReset() throws Exception {
        Relay relay = relay(Route.named("exact")
                .listen(Listen.on(ANYWHERE))
                .serverName("db.example.com")
                .to(Backend.at(echo().address()))
                .build());
        SocketEnd client = client(relay);
        say(client, Hellos.of("example.org"));
        mustBeReset(client);
        assertThat(log().detail()).contains("example.org");
    }

    /** So much could not be put in front of the stream, and the session failed by a mistake of the relay's. */
    @Test
    void aHelloOfCountlessRecordsIsNoHello() throws Exception {
        Relay relay = relay(
                Route.named("exact")
                        .listen(Listen.on(ANYWHERE))
                        .serverName("db.example.com")
                        .to(Backend.at(tagged("exact").address()))
                        .build(),
                Route.named("other")
                        .listen(Listen.on(ANYWHERE))
                        .to(Backend.at(tagged("other").address()))
                        .build());
        byte[] crumb = {22, 3, 1, 0, 1, 0};
        byte[] words = new byte[crumb.length * 20_000];
        for (int i = 0; i < words.length; i += crumb.length) {
            System.arraycopy(crumb, 0, words, i, crumb.length);
        }
        words[5] = 1; // a ClientHello, ...
        words[2 * crumb.length + 5] = 0x3F; // ... and a long one
        assertThat(routed(relay, words)).isEqualTo("other");
    }

    // Change and end.

    @Test
    void aNewConfigurationLeavesSessionsAlone() throws Exception {
        Route before = route().to(Backend.at(echo().address())).build();
        Relay relay = relay(before);
        SocketEnd old = client(relay);
        say(old, "x");
        assertThat(hear(old, 1)).isEqualTo("x");
        relay.reload(new Config(
                List.of(route().to(Backend.at(named("new").address())).build()), 1, 0));
        assertThat(hear(client(relay), 3)).isEqualTo("new");
        say(old, "y");
        assertThat(hear(old, 1)).isEqualTo("y");
    }

    /** With SO_REUSEPORT both could be bound, and each route would get a share of the other's connections. */
    @Test
    void onePlaceUnderTwoNamesIsRefused() throws Exception {
        Relay relay = relay(route().to(Backend.at(named("old").address())).build());
        int port = ((InetSocketAddress) relay.addresses().get(ANYWHERE)).getPort();
        Route other = Route.named("other")
                .listen(Listen.on(new Address.Tcp("127.0.0.1", port)))
                .to(Backend.at(named("new").address()))
                .build();
        Route same = route().to(Backend.at(named("old").address())).build();
        assertThatThrownBy(() -> relay.reload(new Config(List.of(same, other), 1, 0)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("are the same place");
        for (int i = 0; i < 8; i++) {
            assertThat(hear(client(relay), 3)).isEqualTo("old");
        }
    }

    @Test
    void anAddressThatAnotherRelayServesIsRefused() throws Exception {
        Relay first = relay(route().to(Backend.at(named("first").address())).build());
        int port = ((InetSocketAddress) first.addresses().get(ANYWHERE)).getPort();
        for (String host : List.of("127.0.0.1", "*")) {
            Route second = Route.named("second")
                    .listen(Listen.on(new Address.Tcp(host, port)))
                    .to(Backend.at(named("second").address()))
                    .build();
            assertThatThrownBy(() -> relay(second))
                    .isInstanceOfSatisfying(
                            ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EADDRINUSE))
                    .hasMessageContaining(host + ":" + port);
        }
        for (int i = 0; i < 8; i++) {
            assertThat(hear(client(first), 5)).isEqualTo("first");
        }
    }

    /** The more exact address gets the connections that it is the address of. */
    @Test
    void aRelayMayServeAPortByTwoAddresses() throws Exception {
        Relay relay = relay(route().to(Backend.at(named("exact").address())).build());
        int port = ((InetSocketAddress) relay.addresses().get(ANYWHERE)).getPort();
        Route exact = route().to(Backend.at(named("exact").address())).build();
        Address all = new Address.Tcp("*", port);
        Route other = Route.named("other")
                .listen(Listen.on(all))
                .to(Backend.at(named("other").address()))
                .build();
        relay.reload(new Config(List.of(exact, other), 1, 0));
        assertThat(hear(client(relay), 5)).isEqualTo("exact");
        assertThat(hear(keep(sluice.connect(new InetSocketAddress("127.0.0.2", port))), 5))
                .isEqualTo("other");
    }

    @Test
    void aConfigurationThatCannotBeHadChangesNothing() throws Exception {
        Relay relay = relay(route().to(Backend.at(named("old").address())).build());
        Route fine = route().to(Backend.at(named("new").address())).build();
        Route taken = Route.named("taken")
                .listen(Listen.on(new Address.Tcp("192.0.2.1", 9)))
                .to(Backend.at(echo().address()))
                .build();
        assertThatThrownBy(() -> relay.reload(new Config(List.of(fine, taken), 1, 0)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("192.0.2.1:9");
        assertThat(hear(client(relay), 3)).isEqualTo("old");
    }

    @Test
    void aDrainedRelayTakesNobodyAndLetsEverybodyFinish() throws Exception {
        Relay relay = relay(route().to(Backend.at(echo().address())).build());
        SocketEnd client = client(relay);
        say(client, "x");
        assertThat(hear(client, 1)).isEqualTo("x");
        InetSocketAddress at = (InetSocketAddress) relay.addresses().get(ANYWHERE);
        CompletableFuture<Boolean> drained = new CompletableFuture<>();
        Thread.ofPlatform().start(() -> {
            try {
                drained.complete(relay.drain(Duration.ofSeconds(20)));
            } catch (InterruptedException e) {
                drained.completeExceptionally(e);
            }
        });
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (takes(at)) {
            assertThat(System.nanoTime()).isLessThan(deadline);
        }
        say(client, "y");
        assertThat(hear(client, 1)).isEqualTo("y");
        client.close();
        assertThat(drained.get(20, TimeUnit.SECONDS)).isTrue();
    }

    private boolean takes(InetSocketAddress at) {
        try (SocketEnd another = sluice.connect(at)) {
            return another.isOpen();
        } catch (IOException refused) {
            return false;
        }
    }

    @Test
    void whoeverIsStillThereAtTheDeadlineIsReset() throws Exception {
        Relay relay = relay(route().to(Backend.at(echo().address())).build());
        SocketEnd client = client(relay);
        say(client, "x");
        assertThat(hear(client, 1)).isEqualTo("x");
        assertThat(relay.drain(SOON)).isFalse();
        mustBeReset(client);
        assertThat(log().termination()).hasToString("DD");
    }
}
