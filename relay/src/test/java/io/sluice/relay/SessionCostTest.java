// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.user.UserKernel;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * What a session costs in system calls, waits included: counts, which no load of the machine changes, where the
 * benchmarks measure times. The loop takes turns with its peers, so that it makes the same calls each time.
 */
class SessionCostTest {
    private static final int EXCHANGES = 100;
    private static final int MESSAGE_BYTES = 64;

    /** What finds room in a socket, so that it comes at once. */
    private static final int PIECE_BYTES = 128 << 10;

    private static final int PIECES = 8;

    private final Kernel kernel = UserKernel.builder().build();
    private final Conversation all = new Conversation(kernel, true, Path.of("/tmp"));
    private final int listener = Far.listener(kernel, Far.anyPort());
    private final Far shadow = new Far(kernel);

    @AfterEach
    void close() {
        all.close();
        shadow.close();
        kernel.close(listener);
        kernel.close();
    }

    private Pair plain() throws Exception {
        return started(route());
    }

    private Pair mirrored() throws Exception {
        int port = ((InetSocketAddress) Far.name(kernel, listener)).getPort();
        Pair pair = started(route().mirror(Mirror.to(new Address.Tcp("127.0.0.1", port))));
        assertThat(shadow.accept(listener)).as("the mirror is connected").isTrue();
        return pair;
    }

    private Route.Builder route() {
        return RelayFixture.route().to(Backend.at(all.backend()));
    }

    private Pair started(Route.Builder route) throws Exception {
        all.start(route.build());
        all.loop.plan(0, Fault.NONE, fd -> {});
        Pair pair = all.begin();
        exchange(pair, EXCHANGES); // whatever comes first has come
        return pair;
    }

    private void exchange(Pair pair, int times) {
        for (int i = 0; i < times; i++) {
            pair.client.say(new byte[MESSAGE_BYTES]);
            all.hear();
            pair.server.say(new byte[MESSAGE_BYTES]);
            all.hear();
            shadow.receive();
        }
    }

    private void bulk(Pair pair, int pieces) {
        for (int i = 0; i < pieces; i++) {
            pair.client.say(PIECE_BYTES);
            all.hear();
            shadow.receive();
        }
    }

    /** The loop's calls meanwhile, by name. */
    private Map<String, Long> callsOf(Pair pair, Consumer<Pair> talk) {
        int before = all.loop.planned().size();
        talk.accept(pair);
        assertThat(pair.allIsHeard()).isTrue();
        return all.loop.planned().stream()
                .skip(before)
                .collect(Collectors.groupingBy(Call::name, TreeMap::new, Collectors.counting()));
    }

    private static long sum(Map<String, Long> calls) {
        return calls.values().stream().mapToLong(Long::longValue).sum();
    }

    /** For each message a wait, a receive and a send. */
    @Test
    void aRequestAndItsAnswerTakeSixCalls() throws Exception {
        Map<String, Long> calls = callsOf(plain(), pair -> exchange(pair, EXCHANGES));
        assertThat(sum(calls)).as("%s", calls).isLessThanOrEqualTo(6L * EXCHANGES);
    }

    /**
     * Twenty from accept4 to close, of which two find nothing, and six waits, since everybody speaks only when heard.
     */
    @Test
    void aConnectionForOneRequestTakesTwentySixCalls() throws Exception {
        Map<String, Long> calls = callsOf(plain(), _ -> {
            Pair other = all.begin();
            other.client.say(new byte[MESSAGE_BYTES]);
            all.hear();
            other.server.say(new byte[MESSAGE_BYTES]);
            other.server.end();
            all.hear();
            other.client.end();
            all.hear();
            assertThat(all.ended()).isNotNull();
        });
        assertThat(sum(calls)).as("%s", calls).isLessThanOrEqualTo(26);
    }

    /** It is written to the mirror's pipe, which tells what it holds, and spliced on from there. */
    @Test
    void aMirrorAddsThreeCallsToARequest() throws Exception {
        Map<String, Long> calls = callsOf(mirrored(), pair -> exchange(pair, EXCHANGES));
        assertThat(sum(calls)).as("%s", calls).isLessThanOrEqualTo(9L * EXCHANGES);
        assertThat(shadow.heardBytes()).isEqualTo(2L * EXCHANGES * MESSAGE_BYTES);
    }

    /** A wait, a question how much there is, a splice in, a splice out, and one that finds no more. */
    @Test
    void aPieceOfBulkTakesFiveCallsAndIsSpliced() throws Exception {
        Pair talking = plain();
        bulk(talking, PIECES);
        Map<String, Long> calls = callsOf(talking, pair -> bulk(pair, PIECES));
        assertThat(calls).doesNotContainKeys("recv", "send", "pipe2");
        assertThat(sum(calls)).as("%s", calls).isLessThanOrEqualTo(5L * PIECES);
    }

    /** A tee, a splice, and a question how much the mirror's pipe holds. */
    @Test
    void aMirrorAddsThreeCallsToAPieceOfBulk() throws Exception {
        Pair talking = mirrored();
        bulk(talking, PIECES);
        Map<String, Long> calls = callsOf(talking, pair -> bulk(pair, PIECES));
        assertThat(sum(calls)).as("%s", calls).isLessThanOrEqualTo(8L * PIECES);
    }
}
