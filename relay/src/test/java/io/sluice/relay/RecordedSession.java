// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.sluice.relay.Termination.Cause;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.List;

/**
 * A session that can be held again and again.
 *
 * @param plan the routes
 * @param opening what every client begins with
 * @param talk what comes then
 * @param cause why it ends when nothing goes wrong
 * @param hasSpare whether there is another backend when one is lost
 */
record RecordedSession(String name, Plan plan, Talk opening, Talk talk, Cause cause, boolean hasSpare) {
    /** Who says what. */
    interface Talk {
        void go(Conversation all, Pair pair);
    }

    /** Routes to the backend of a conversation. */
    interface Plan {
        Route.Builder[] routes(Conversation all) throws ConfigException;
    }

    /** The kinds of session that a relay has. */
    static List<RecordedSession> all() {
        return List.of(
                plain("copied", all -> to(all.backend()).path(PathChoice.COPY), RecordedSession::asks, Cause.NORMAL),
                plain("spliced", all -> to(all.backend()).path(PathChoice.SPLICE), RecordedSession::asks, Cause.NORMAL),
                plain("bulk both ways", all -> to(all.backend()), RecordedSession::bulk, Cause.NORMAL),
                plain("half-closed", all -> to(all.backend()), RecordedSession::answersAfterTheEnd, Cause.NORMAL),
                plain("reset by the client", all -> to(all.backend()), RecordedSession::clientResets, Cause.CLIENT),
                plain("reset by the backend", all -> to(all.backend()), RecordedSession::backendResets, Cause.SERVER),
                new RecordedSession(
                        "PROXY headers",
                        RecordedSession::withHeaders,
                        RecordedSession::header,
                        RecordedSession::asks,
                        Cause.NORMAL,
                        false),
                new RecordedSession(
                        "server name",
                        RecordedSession::named,
                        RecordedSession::hello,
                        RecordedSession::asks,
                        Cause.NORMAL,
                        false),
                new RecordedSession(
                        "second backend",
                        RecordedSession::withSpare,
                        (all, pair) -> {},
                        RecordedSession::asks,
                        Cause.NORMAL,
                        true),
                new RecordedSession(
                        "second backend, of which epoll tells",
                        RecordedSession::withDistantSpare,
                        (all, pair) -> {},
                        RecordedSession::asks,
                        Cause.NORMAL,
                        true),
                plain("Unix sockets", RecordedSession::overUnix, RecordedSession::asks, Cause.NORMAL),
                plain(
                        "limited",
                        all -> to(all.backend()).limits(new Limits(0, 0, 0, 4_000_000, 0)),
                        RecordedSession::isLong,
                        Cause.NORMAL));
    }

    private interface OneRoute {
        Route.Builder route(Conversation all);
    }

    private static RecordedSession plain(String name, OneRoute route, Talk talk, Cause cause) {
        return new RecordedSession(
                name, all -> new Route.Builder[] {route.route(all)}, (all, pair) -> {}, talk, cause, false);
    }

    Route[] routes(Conversation all) throws ConfigException {
        return Arrays.stream(plan.routes(all)).map(Route.Builder::build).toArray(Route[]::new);
    }

    // Routes.

    private static Route.Builder to(Address backend) {
        return RelayFixture.route().to(Backend.at(backend));
    }

    private static Route.Builder[] withHeaders(Conversation all) throws ConfigException {
        return new Route.Builder[] {
            Route.named("test")
                    .listen(new Listen(RelayFixture.ANYWHERE, null, null, null, List.of(Cidr.parse("127.0.0.0/8"))))
                    .to(new Backend("b", all.backend(), 1, false, ProxyProtocol.V2))
        };
    }

    private static Route.Builder[] named(Conversation all) {
        return new Route.Builder[] {
            to(all.backend()).serverName("db.example.com"),
            Route.named("others").listen(Listen.on(RelayFixture.ANYWHERE)).to(Backend.at(all.nobody()))
        };
    }

    /** The first is tried first each time, in vain. */
    private static Route.Builder[] withSpare(Conversation all) {
        return new Route.Builder[] {
            to(all.nobody()).to(new Backend("spare", all.backend(), 1, true, ProxyProtocol.NONE))
        };
    }

    /** Neither stands, or is refused, when connect(2) has answered. */
    private static Route.Builder[] withDistantSpare(Conversation all) {
        return new Route.Builder[] {
            to(Conversation.distant(all.nobody()))
                    .to(new Backend("spare", Conversation.distant(all.backend()), 1, true, ProxyProtocol.NONE))
        };
    }

    private static Route.Builder overUnix(Conversation all) {
        return Route.named("test")
                .listen(Listen.on(new Address.Unix(all.unused("in"))))
                .to(Backend.at(all.unixBackend()));
    }

    // Words.

    private static void header(Conversation all, Pair pair) {
        byte[] header = "PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n".getBytes(ISO_8859_1);
        InetSocketAddress source = new InetSocketAddress("192.0.2.7", 4711);
        pair.preface(
                header,
                List.of(
                        ProxyHeader.encode(ProxyProtocol.V2, source, all.entrance()),
                        ProxyHeader.encode(ProxyProtocol.V2, source, null)));
    }

    /** In two pieces. */
    private static void hello(Conversation all, Pair pair) {
        byte[] hello = Hellos.of("db.example.com");
        pair.client.say(Arrays.copyOf(hello, 20));
        all.settle();
        pair.client.say(Arrays.copyOfRange(hello, 20, hello.length));
    }

    private static void asks(Conversation all, Pair pair) {
        pair.client.say(5);
        all.hear();
        pair.server.say(100_000);
        all.hear();
        pair.client.say(30_000);
        pair.client.end();
        pair.server.end();
        all.hear();
    }

    private static void bulk(Conversation all, Pair pair) {
        pair.client.say(400_000);
        pair.server.say(400_000);
        all.hear();
        pair.client.end();
        all.hear();
        pair.server.end();
        all.hear();
    }

    private static void answersAfterTheEnd(Conversation all, Pair pair) {
        pair.client.say(10);
        pair.client.end();
        all.hear();
        pair.server.say(50_000);
        all.hear();
        pair.server.end();
        all.hear();
    }

    private static void clientResets(Conversation all, Pair pair) {
        pair.client.say(10);
        pair.server.say(10);
        all.hear();
        pair.client.reset();
    }

    private static void backendResets(Conversation all, Pair pair) {
        pair.client.say(10);
        pair.server.say(10);
        all.hear();
        pair.server.reset();
    }

    private static void isLong(Conversation all, Pair pair) {
        pair.client.say(430_000);
        all.hear();
        pair.client.end();
        pair.server.end();
        all.hear();
    }
}
