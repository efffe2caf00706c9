// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.replay;

import static io.sluice.relay.capture.Side.CLIENT;
import static io.sluice.relay.capture.Side.SERVER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.SocketEnd;
import io.sluice.relay.capture.Capture;
import io.sluice.relay.capture.Talk;
import io.sluice.relay.replay.Outcome.Fate;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What a replay says, when it says it, and what it makes of the answers. */
abstract class ReplayContract extends ReplayFixture {
    private static final Duration SHORT = Duration.ofMillis(200);

    private static Talk question() {
        return new Talk()
                .open()
                .says(CLIENT, "ask")
                .says(SERVER, "answer")
                .ends(CLIENT)
                .ends(SERVER);
    }

    private static void answers(SocketEnd connection, String answer) throws java.io.IOException {
        hear(connection, 3);
        say(connection, answer);
        hear(connection, 1); // until the client has ended
    }

    @Test
    void saysWhatWasSaidAndFindsTheSameAnswers() throws Exception {
        serve(connection -> {
            heard.add(hear(connection, 3));
            say(connection, "answer");
            heard.add(hear(connection, 1) + ".");
        });
        Outcome outcome = one(replay().compare(), capture(question()));
        assertThat(outcome.reason()).isNull();
        assertThat(outcome.fate()).isEqualTo(Fate.REPLAYED);
        assertThat(outcome.sentBytes()).isEqualTo(3);
        assertThat(outcome.receivedBytes()).isEqualTo(6);
        assertThat(heard).containsExactly("ask", ".");
    }

    @Test
    void showsTheFirstByteThatIsAnother() throws Exception {
        String recorded = "0123456789".repeat(20);
        String received = recorded.substring(0, 99) + "*" + recorded.substring(100, 198) + "??";
        serve(connection -> answers(connection, received));
        Talk talk = new Talk().open().says(CLIENT, "ask");
        for (int i = 0; i < recorded.length(); i += 7) {
            talk.says(SERVER, recorded.substring(i, Math.min(recorded.length(), i + 7)));
        }
        Outcome outcome = one(replay().compare(), capture(talk.ends(CLIENT).ends(SERVER)));
        assertThat(outcome.fate()).isEqualTo(Fate.DIFFERENT);
        Difference difference = outcome.difference();
        assertThat(difference).isNotNull();
        assertThat(difference.kind()).isEqualTo(Difference.Kind.CHANGED);
        assertThat(difference.offset()).isEqualTo(99);
        assertThat(difference.recorded().offset()).isEqualTo(64);
        assertThat(text(difference.recorded())).isEqualTo(recorded.substring(64, 144));
        assertThat(text(difference.received())).isEqualTo(received.substring(64, 144));
    }

    private static String text(Excerpt excerpt) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < excerpt.length(); i++) {
            text.append(excerpt.at(i) == Excerpt.UNKNOWN ? '#' : (char) excerpt.at(i));
        }
        return text.toString();
    }

    @Test
    void aLongerAnswerDiffersWhereTheRecordedOneEnds() throws Exception {
        serve(connection -> answers(connection, "answers!"));
        Difference difference = one(replay().compare(), capture(question())).difference();
        assertThat(difference).isNotNull();
        assertThat(difference.kind()).isEqualTo(Difference.Kind.LONGER);
        assertThat(difference.offset()).isEqualTo(6);
        assertThat(text(difference.recorded())).isEqualTo("answer");
        assertThat(text(difference.received())).isEqualTo("answers!");
    }

    @Test
    void aShorterAnswerDiffersWhereItEnds() throws Exception {
        serve(connection -> {
            hear(connection, 3);
            say(connection, "ans");
        });
        Outcome outcome = one(replay().compare(), capture(question()));
        Difference difference = outcome.difference();
        assertThat(difference).isNotNull();
        assertThat(difference.kind()).isEqualTo(Difference.Kind.SHORTER);
        assertThat(difference.offset()).isEqualTo(3);
        assertThat(text(difference.recorded())).isEqualTo("answer");
        assertThat(text(difference.received())).isEqualTo("ans");
        assertThat(outcome.reason()).isEqualTo("the server has closed the connection, after 3 of 6 bytes");
    }

    @Test
    void anAnswerThatStaysAwayIsWaitedForAndThenReported() throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        serve(connection -> {
            say(connection, "an");
            hear(connection, 4);
            over.countDown();
        });
        Talk talk = new Talk().open();
        talk.now += 60_000_000_000L; // for what the server does say there is patience
        talk.says(SERVER, "an").says(CLIENT, "ask").says(SERVER, "swer");
        Outcome outcome = one(replay().timeout(SHORT), capture(talk.ends(CLIENT).ends(SERVER)));
        assertThat(outcome.fate()).isEqualTo(Fate.FAILED);
        assertThat(outcome.reason()).endsWith("after 2 of 6 bytes").startsWith("nothing has come for 20");
        over.await();
    }

    @Test
    void withoutComparisonAnotherAnswerOfTheSameLengthIsNoFailure() throws Exception {
        serve(connection -> answers(connection, "ANSWER"));
        assertThat(one(replay(), capture(question())).fate()).isEqualTo(Fate.REPLAYED);
    }

    @Test
    void neverAsksBeforeTheAnswersThatWereThereBefore() throws Exception {
        Talk talk = new Talk()
                .open()
                .says(CLIENT, "ask")
                .says(SERVER, "answer")
                .says(CLIENT, "more")
                .ends(CLIENT);
        serve(connection -> {
            heard.add(hear(connection, 3));
            say(connection, "answe");
            Thread reader = Thread.ofVirtual().start(() -> {
                try {
                    heard.add(hear(connection, 4));
                } catch (java.io.IOException e) {
                    heard.add("broken");
                }
            });
            // Nothing may come until the last byte has gone.
            if (joined(reader, SHORT)) {
                heard.add("too early");
            }
            say(connection, "r");
            joined(reader, Duration.ofSeconds(20));
        });
        assertThat(one(replay().compare(), capture(talk)).fate()).isEqualTo(Fate.REPLAYED);
        assertThat(List.of(heard.take(), heard.take())).containsExactly("ask", "more");
    }

    private static boolean joined(Thread thread, Duration within) {
        try {
            return thread.join(within);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void endsItsSideWhereTheClientDidAndGoesOnListening() throws Exception {
        Talk talk = new Talk()
                .open()
                .says(CLIENT, "ask")
                .ends(CLIENT)
                .says(SERVER, "late")
                .ends(SERVER);
        serve(connection -> {
            heard.add(hear(connection, 100) + ".");
            say(connection, "late");
        });
        assertThat(one(replay().compare(), capture(talk)).fate()).isEqualTo(Fate.REPLAYED);
        assertThat(heard).containsExactly("ask.");
    }

    @Test
    void resetsWhereTheClientDid() throws Exception {
        Talk talk = new Talk().open().says(CLIENT, "ask").says(SERVER, "answer").resets(CLIENT);
        serve(connection -> {
            hear(connection, 3);
            say(connection, "answer");
            hear(connection, 1);
            heard.add("ended");
        });
        assertThat(one(replay().compare(), capture(talk)).fate()).isEqualTo(Fate.REPLAYED);
        assertThat(heard.take()).isEqualTo("broken");
    }

    @Test
    void aResetOfTheServerIsExpectedOrADifference() throws Exception {
        serve(connection -> {
            hear(connection, 3);
            say(connection, "answer");
            hear(connection, 1);
            connection.reset();
        });
        Talk reset = new Talk()
                .open()
                .says(CLIENT, "ask")
                .says(SERVER, "answer")
                .ends(CLIENT)
                .resets(SERVER);
        assertThat(one(replay().compare(), capture(reset)).fate()).isEqualTo(Fate.REPLAYED);
        outcomes.clear();
        Outcome outcome = one(replay().compare(), capture(question()));
        assertThat(outcome.fate()).isEqualTo(Fate.DIFFERENT);
        assertThat(outcome.difference()).isNotNull();
        assertThat(outcome.difference().kind()).isEqualTo(Difference.Kind.ENDING);
    }

    @Test
    void keepsTheTimesOfTheRecordingTimesTheSpeed() throws Exception {
        serve(connection -> answers(connection, "answer"));
        Talk talk = new Talk().open();
        talk.now += 600_000_000;
        talk.says(CLIENT, "ask").says(SERVER, "answer");
        talk.now += 600_000_000;
        talk.ends(CLIENT).ends(SERVER);
        Outcome outcome = one(replay().speed(4), capture(talk));
        assertThat(outcome.fate()).isEqualTo(Fate.REPLAYED);
        assertThat(outcome.elapsed()).isGreaterThanOrEqualTo(Duration.ofMillis(300));
    }

    /**
     * Each piece had moved all later ones back by the time since the last answer, and so twice as far as the one
     * before.
     */
    @Test
    void theTimeThatAClientTakesIsNotTakenTwice() throws Exception {
        serve(connection -> {
            say(connection, "hello");
            heard.add(hear(connection, 12));
        });
        Talk talk = new Talk().open().says(SERVER, "hello");
        for (int i = 0; i < 12; i++) {
            talk.now += 50_000_000;
            talk.says(CLIENT, "x");
        }
        Outcome outcome = one(replay().speed(1), capture(talk.ends(CLIENT).ends(SERVER)));
        assertThat(outcome.fate()).isEqualTo(Fate.REPLAYED);
        assertThat(outcome.elapsed()).isBetween(Duration.ofMillis(600), Duration.ofSeconds(60));
    }

    @Test
    void whatTheServerNeededThenIsAddedToThePatience() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        serve(connection -> {
            hear(connection, 3);
            asked.countDown();
            try {
                Thread.sleep(400); // longer than the timeout
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            say(connection, "answer");
            hear(connection, 1);
        });
        Talk talk = new Talk().open().says(CLIENT, "ask");
        talk.now += 60_000_000_000L;
        talk.says(SERVER, "answer").ends(CLIENT);
        talk.now += 60_000_000_000L;
        assertThat(one(replay().timeout(SHORT), capture(talk.ends(SERVER))).fate())
                .isEqualTo(Fate.REPLAYED);
    }

    /** With the timeout it was more than can be counted, and the patience less than none. */
    @Test
    void aServerThatTookAllTheTimeThereIsIsWaitedFor() throws Exception {
        serve(connection -> {
            hear(connection, 3);
            try {
                Thread.sleep(SHORT);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            say(connection, "answer");
            hear(connection, 1);
        });
        Talk talk = new Talk();
        talk.now = 0;
        talk.open().says(CLIENT, "ask");
        talk.now = 9_223_372_035_000_000_000L;
        talk.says(SERVER, "answer").ends(CLIENT).ends(SERVER);
        Outcome outcome = one(replay(), capture(talk));
        assertThat(outcome.reason()).isNull();
        assertThat(outcome.fate()).isEqualTo(Fate.REPLAYED);
    }

    @Test
    void replaysUpToWhereTheClientsBytesAreMissing() throws Exception {
        Talk talk = new Talk()
                .open()
                .says(CLIENT, "ask")
                .says(SERVER, "answer")
                .skip(CLIENT, 9)
                .says(CLIENT, "more");
        talk.ends(CLIENT).ends(SERVER);
        serve(connection -> answers(connection, "answer"));
        Outcome outcome = one(replay().compare(), capture(talk));
        assertThat(outcome.fate()).isEqualTo(Fate.PARTIAL);
        assertThat(outcome.sentBytes()).isEqualTo(3);
    }

    @Test
    void doesNotWaitForAnswersToWhatIsMissing() throws Exception {
        Talk talk = new Talk().open().says(CLIENT, "ask").says(SERVER, "answer").skip(CLIENT, 9);
        talk.acknowledges(SERVER)
                .says(SERVER, "to what is missing")
                .says(CLIENT, "more")
                .ends(CLIENT)
                .ends(SERVER);
        serve(connection -> answers(connection, "answer"));
        Outcome outcome = one(replay().compare(), capture(talk));
        assertThat(outcome.reason()).isEqualTo("then bytes of the client are missing in the capture");
        assertThat(outcome.fate()).isEqualTo(Fate.PARTIAL);
    }

    @Test
    void missingBytesOfTheServerEqualAnything() throws Exception {
        Talk talk = new Talk()
                .open()
                .says(CLIENT, "ask")
                .says(SERVER, "an")
                .skip(SERVER, 2)
                .says(SERVER, "er");
        talk.ends(CLIENT).ends(SERVER);
        serve(connection -> answers(connection, "an##er"));
        assertThat(one(replay().compare(), capture(talk)).fate()).isEqualTo(Fate.REPLAYED);
        outcomes.clear();
        serve(connection -> answers(connection, "an##eR"));
        Difference difference = one(replay().compare(), capture(talk)).difference();
        assertThat(difference).isNotNull();
        assertThat(text(difference.recorded())).isEqualTo("an##er");
    }

    /** What the capture has not got, because it ends before or because its client has gone, equals anything, too. */
    @Test
    void moreIsNoDifferenceWhereTheServerHadNotEnded() throws Exception {
        serve(connection -> answers(connection, "answer and more"));
        Talk cut = new Talk().open().says(CLIENT, "ask").says(SERVER, "answer");
        assertThat(one(replay().compare(), capture(cut)).fate()).isEqualTo(Fate.REPLAYED);
        outcomes.clear();
        Talk left = new Talk().open().says(CLIENT, "ask").says(SERVER, "answer").resets(CLIENT);
        assertThat(one(replay().compare(), capture(left)).fate()).isEqualTo(Fate.REPLAYED);
    }

    @Test
    void whatHasNoBeginningIsSkippedUnlessItIsAskedFor() throws Exception {
        serve(connection -> answers(connection, "answer"));
        Talk talk = new Talk()
                .says(CLIENT, "ask")
                .says(SERVER, "answer")
                .ends(CLIENT)
                .ends(SERVER);
        Outcome skipped = one(replay(), capture(talk));
        assertThat(skipped.fate()).isEqualTo(Fate.SKIPPED);
        assertThat(skipped.reason()).isEqualTo("its beginning is not in the capture");
        outcomes.clear();
        assertThat(one(replay().fromMidway().compare(), capture(talk)).fate()).isEqualTo(Fate.REPLAYED);
    }

    @Test
    void aServerThatIsNotThereIsAFailureOfEachConnection() throws Exception {
        address = new InetSocketAddress(InetAddress.getLoopbackAddress(), 1);
        Outcome outcome = one(replay(), capture(question()));
        assertThat(outcome.fate()).isEqualTo(Fate.FAILED);
        assertThat(outcome.reason()).contains("ECONNREFUSED");
    }

    @Test
    void aServerThatDoesNotReadIsLeft() throws Exception {
        Talk talk = new Talk().open();
        for (int i = 0; i < 400; i++) {
            talk.says(CLIENT, "x".repeat(60_000));
        }
        CountDownLatch over = new CountDownLatch(1);
        serve(connection -> {
            try {
                over.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        Outcome outcome = one(replay().timeout(SHORT), capture(talk));
        over.countDown();
        assertThat(outcome.fate()).isEqualTo(Fate.FAILED);
        assertThat(outcome.reason()).isEqualTo("the server has read nothing for 200 ms");
    }

    @Test
    void doesAllOfItAsOftenAsAsked() throws Exception {
        serve(connection -> answers(connection, "answer"));
        Summary summary = run(replay().loops(3).compare(), capture(question()));
        assertThat(summary.count(Fate.REPLAYED)).isEqualTo(3);
        assertThat(summary.sentBytes()).isEqualTo(9);
        assertThat(outcomes).extracting(Outcome::loop).containsExactly(1, 2, 3);
    }

    @Test
    void thousandsOfConnectionsButNeverMoreAtOnceThanAllowed() throws Exception {
        AtomicInteger now = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        serve(connection -> {
            most.accumulateAndGet(now.incrementAndGet(), Math::max);
            answers(connection, "answer");
            now.decrementAndGet();
        });
        List<Talk> talks = new ArrayList<>();
        for (int i = 0; i < 3000; i++) {
            Talk talk = new Talk();
            talk.clientPort = 10_000 + i;
            talks.add(talk.open()
                    .says(CLIENT, "ask")
                    .says(SERVER, "answer")
                    .ends(CLIENT)
                    .ends(SERVER));
        }
        Capture capture = capture(talks.toArray(Talk[]::new));
        Replay replay = replay().connections(100).compare();
        Summary summary = run(replay, capture);
        assertThat(summary.count(Fate.REPLAYED)).isEqualTo(3000);
        assertThat(replay.movedBytes()).isEqualTo(replay.expectedBytes(capture.conversations()));
        assertThat(most.get())
                .as("the server may see the end of one after the beginning of the next")
                .isLessThanOrEqualTo(200);
    }

    @Test
    void interruptingItClosesAllConnections() throws Exception {
        CountDownLatch asked = new CountDownLatch(2);
        serve(connection -> {
            hear(connection, 3);
            asked.countDown();
            heard.add(hear(connection, 1) + ".");
        });
        Talk second = new Talk();
        second.clientPort++;
        Capture capture = capture(
                new Talk().open().says(CLIENT, "ask").says(SERVER, "answer"),
                second.open().says(CLIENT, "ask").says(SERVER, "answer"));
        Replay replay = replay();
        Thread runner = Thread.ofPlatform()
                .start(() -> assertThatThrownBy(() -> run(replay, capture)).isInstanceOf(InterruptedException.class));
        asked.await();
        runner.interrupt();
        assertThat(runner.join(Duration.ofSeconds(20))).isTrue();
        assertThat(outcomes).extracting(Outcome::fate).containsExactly(Fate.INTERRUPTED, Fate.INTERRUPTED);
        assertThat(replay.summary().count(Fate.INTERRUPTED)).isEqualTo(2);
        assertThat(heard.take()).isEqualTo(".");
    }
}
