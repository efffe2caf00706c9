// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import static io.sluice.relay.capture.Talk.ACK;
import static io.sluice.relay.capture.Talk.FIN;
import static io.sluice.relay.capture.Talk.RST;
import static io.sluice.relay.capture.Talk.SYN;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.relay.capture.Conversation.Ending;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What TCP does to streams, and captures to TCP. */
class AssemblyTest {
    @TempDir
    Path directory;

    private String told(Talk talk) throws Exception {
        List<String> all = Told.by(directory, CaptureBytes.pcapNg(talk.frames));
        assertThat(all).hasSize(1);
        return all.getFirst();
    }

    private static void swap(Talk talk, int one, int other) {
        Collections.swap(talk.frames, one, other);
    }

    @Test
    void repetitionsSayNothingNew() throws Exception {
        Talk talk = new Talk().open().says(Side.CLIENT, "one").says(Side.CLIENT, "two");
        talk.frames.add(talk.frames.get(3));
        talk.segment(Side.CLIENT, 1001, 5001, ACK, "onetwothree"); // sent again as one, with something new behind
        talk.frames.addAll(List.copyOf(talk.frames));
        assertThat(told(talk)).isEqualTo("client:one client:two client:three");
    }

    @Test
    void theFirstOfTwoThatOverlapCounts() throws Exception {
        Talk talk = new Talk().open();
        talk.segment(Side.CLIENT, 1001, 5001, ACK, "abcd").segment(Side.CLIENT, 1003, 5001, ACK, "CDEF");
        assertThat(told(talk)).isEqualTo("client:abcd client:EF");
    }

    @Test
    void segmentsInAnyOrderAreTheSameStream() throws Exception {
        Random random = new Random(11);
        for (int round = 0; round < 50; round++) {
            Talk talk = new Talk().open();
            StringBuilder said = new StringBuilder();
            for (int i = 0; i < 20; i++) {
                String word = "w" + i + "-".repeat(random.nextInt(5));
                said.append(word);
                talk.says(Side.CLIENT, word);
            }
            List<Frame> data = new ArrayList<>(talk.frames.subList(3, talk.frames.size()));
            Collections.shuffle(data, random);
            talk.frames.subList(3, talk.frames.size()).clear();
            talk.frames.addAll(data);
            assertThat(told(talk).replace("client:", "").replace(" ", ""))
                    .as("round %d", round)
                    .isEqualTo(said.toString());
        }
    }

    @Test
    void theEndWaitsForWhatIsBeforeIt() throws Exception {
        Talk talk =
                new Talk().open().says(Side.CLIENT, "a").says(Side.CLIENT, "b").ends(Side.CLIENT);
        swap(talk, 3, 5);
        assertThat(told(talk)).isEqualTo("client:a client:b client.");
    }

    @Test
    void sequenceNumbersStartAnewAfterTheLast() throws Exception {
        Talk talk = new Talk();
        talk.clientNext = -5;
        talk.serverNext = 0x7fff_fffd;
        talk.open()
                .says(Side.CLIENT, "0123456789")
                .says(Side.SERVER, "abcdefghij")
                .says(Side.CLIENT, "next");
        swap(talk, 3, 5);
        assertThat(told(talk)).isEqualTo("server:abcdefghij client:0123456789 client:next");
    }

    @Test
    void aProbeForLifeIsNoData() throws Exception {
        Talk talk = new Talk().open().says(Side.CLIENT, "ab");
        talk.segment(Side.CLIENT, 1002, 5001, ACK, "\0").segment(Side.CLIENT, 1002, 5001, ACK, "");
        talk.says(Side.CLIENT, "cd");
        assertThat(told(talk)).isEqualTo("client:ab client:cd");
    }

    @Test
    void whatIsFarOutsideTheWindowIsCountedAndLeftOut() throws Exception {
        Talk talk = new Talk();
        talk.scale = 0;
        talk.open().says(Side.CLIENT, "ab");
        talk.segment(Side.CLIENT, 0x2000_0000, 5001, ACK, "junk");
        talk.segment(Side.CLIENT, 0x2000_0000, 5001, FIN | ACK, "");
        talk.segment(Side.SERVER, 0x7000_0000, 1001, RST, "");
        talk.segment(Side.CLIENT, 999_999, 0, SYN, "");
        talk.says(Side.CLIENT, "cd").ends(Side.CLIENT);
        try (Capture capture = Told.open(directory, CaptureBytes.pcapNg(talk.frames))) {
            assertThat(Told.by(capture.conversations().getFirst())).isEqualTo("client:ab");
            assertThat(capture.notices()).extracting(Notice::kind).contains(Notice.Kind.OUT_OF_WINDOW);
        }
    }

    @Test
    void bothCanEndInTurn() throws Exception {
        Talk talk = new Talk().open().says(Side.CLIENT, "ask").ends(Side.CLIENT);
        talk.says(Side.SERVER, "late").says(Side.SERVER, "r").ends(Side.SERVER);
        assertThat(told(talk)).isEqualTo("client:ask client. server:late server:r server.");
    }

    @Test
    void aResetEndsItAndNothingComesAfter() throws Exception {
        Talk talk =
                new Talk().open().says(Side.CLIENT, "ask").resets(Side.SERVER).says(Side.CLIENT, "more");
        try (Capture capture = Told.open(directory, CaptureBytes.pcapNg(talk.frames))) {
            Conversation only = capture.conversations().getFirst();
            assertThat(Told.by(only)).isEqualTo("client:ask server!");
            assertThat(only.ending()).isEqualTo(Ending.RESET);
        }
    }

    @Test
    void aConnectionThatWasNotTakenIsRefused() throws Exception {
        Talk talk = new Talk();
        talk.segment(Side.CLIENT, 1000, 0, SYN, "").segment(Side.SERVER, 0, 1001, RST | ACK, "");
        try (Capture capture = Told.open(directory, CaptureBytes.pcapNg(talk.frames))) {
            assertThat(capture.conversations()).hasSize(1);
            assertThat(capture.conversations().getFirst().ending()).isEqualTo(Ending.REFUSED);
        }
    }

    @Test
    void aNewSynOfTheSameAddressesIsAnotherConversation() throws Exception {
        Talk talk = new Talk().open().says(Side.CLIENT, "one").ends(Side.CLIENT).ends(Side.SERVER);
        talk.clientNext = 900_000;
        talk.serverNext = 7;
        talk.open().says(Side.CLIENT, "two");
        talk.clientNext = 300;
        talk.open().says(Side.CLIENT, "three");
        assertThat(Told.by(directory, CaptureBytes.pcapNg(talk.frames)))
                .containsExactly("client:one client. server.", "client:two", "client:three");
    }

    @Test
    void aSynSaidAgainIsNot() throws Exception {
        Talk talk = new Talk().open().says(Side.CLIENT, "one");
        talk.frames.add(1, talk.frames.getFirst());
        talk.frames.add(talk.frames.getFirst());
        talk.says(Side.CLIENT, "two");
        assertThat(told(talk)).isEqualTo("client:one client:two");
    }

    @Test
    void dataInTheSynCounts() throws Exception {
        Talk talk = new Talk();
        talk.segment(Side.CLIENT, 1000, 0, SYN, "fast");
        talk.segment(Side.SERVER, 5000, 1005, SYN | ACK, "");
        talk.segment(Side.CLIENT, 1005, 5001, ACK, "er");
        assertThat(told(talk)).isEqualTo("client:fast client:er");
    }

    @Test
    void withoutTheBeginningTheHigherPortIsTheClient() throws Exception {
        Talk talk = new Talk().says(Side.SERVER, "answer").says(Side.CLIENT, "ask");
        try (Capture capture = Told.open(directory, CaptureBytes.pcapNg(talk.frames))) {
            Conversation only = capture.conversations().getFirst();
            assertThat(Told.by(only)).isEqualTo("server:answer client:ask");
            assertThat(only.isFromBeginning()).isFalse();
        }
    }

    @Test
    void withoutTheBeginningWhoeverOthersWereConnectedToIsTheServer() throws Exception {
        Talk before = new Talk();
        before.serverPort = 50_051;
        before.open();
        Talk talk = new Talk();
        talk.clientPort = 40_001;
        talk.serverPort = 50_051;
        talk.says(Side.CLIENT, "ask");
        List<Frame> frames = new ArrayList<>(before.frames);
        frames.addAll(talk.frames);
        assertThat(Told.by(directory, CaptureBytes.pcapNg(frames))).containsExactly("", "client:ask");
    }

    @Test
    void withTheServersSynAloneItIsFromTheBeginning() throws Exception {
        Talk talk = new Talk().open().says(Side.CLIENT, "ask").says(Side.SERVER, "answer");
        talk.frames.removeFirst();
        try (Capture capture = Told.open(directory, CaptureBytes.pcapNg(talk.frames))) {
            Conversation only = capture.conversations().getFirst();
            assertThat(Told.by(only)).isEqualTo("client:ask server:answer");
            assertThat(only.isFromBeginning()).isTrue();
        }
    }

    @Test
    void bytesThatWereAcknowledgedAndNeverSeenAreAGap() throws Exception {
        Talk talk =
                new Talk().open().says(Side.CLIENT, "ab").skip(Side.CLIENT, 5).says(Side.CLIENT, "hi");
        for (int i = 0; i < 70; i++) {
            talk.acknowledges(Side.SERVER);
        }
        talk.says(Side.CLIENT, "jk").says(Side.SERVER, "ok");
        try (Capture capture = Told.open(directory, CaptureBytes.pcapNg(talk.frames))) {
            Conversation only = capture.conversations().getFirst();
            assertThat(Told.by(only)).isEqualTo("client:ab client~5 client:hi client:jk server:ok");
            assertThat(only.bytes(Side.CLIENT)).isEqualTo(11);
            assertThat(only.missingBytes(Side.CLIENT)).isEqualTo(5);
            assertThatThrownBy(() -> only.stream(Side.CLIENT).readAllBytes())
                    .isInstanceOf(CaptureException.class)
                    .hasMessageContaining("5 bytes of the client are missing at 2");
            assertThat(only.stream(Side.SERVER).readAllBytes()).isEqualTo("ok".getBytes(ISO_8859_1));
        }
    }

    @Test
    void aSegmentLaterThanItsAcknowledgementIsNoGap() throws Exception {
        Talk talk = new Talk()
                .open()
                .says(Side.CLIENT, "ab")
                .says(Side.CLIENT, "cd")
                .acknowledges(Side.SERVER);
        talk.says(Side.SERVER, "ok");
        swap(talk, 3, 5);
        assertThat(told(talk)).isEqualTo("client:ab client:cd server:ok");
    }

    @Test
    void aGapAtTheEndIsKnownByWhatIsAcknowledged() throws Exception {
        Talk talk =
                new Talk().open().says(Side.CLIENT, "ab").skip(Side.CLIENT, 40).acknowledges(Side.SERVER);
        assertThat(told(talk)).isEqualTo("client:ab client~40");
        Talk ended = new Talk().open().skip(Side.SERVER, 7).ends(Side.SERVER).ends(Side.CLIENT);
        assertThat(told(ended)).isEqualTo("client. server~7 server.");
    }

    @Test
    void anEndThatWasAcknowledgedAndNotSeenIsAnEnd() throws Exception {
        Talk talk =
                new Talk().open().says(Side.CLIENT, "ab").skip(Side.CLIENT, 1).ends(Side.SERVER);
        assertThat(told(talk)).isEqualTo("client:ab server. client.");
    }

    @Test
    void whatTheSnapshotLengthCutOffIsAGap() throws Exception {
        Talk talk = new Talk()
                .open()
                .says(Side.CLIENT, "abcdefgh")
                .says(Side.CLIENT, "ij")
                .says(Side.SERVER, "0123456789");
        List<Frame> cut = talk.frames.stream().map(each -> each.cutTo(45)).toList();
        assertThat(Told.by(directory, CaptureBytes.pcapNg(cut)))
                .containsExactly("client:abcde client~3 client:ij server:01234 server~5");
    }

    @Test
    void aJumpOfMoreThanAWindowCountsWhenBothAgreeOnIt() throws Exception {
        Talk talk = new Talk();
        talk.scale = 0;
        talk.open().says(Side.CLIENT, "ab").skip(Side.CLIENT, 300 << 20).says(Side.CLIENT, "cd");
        talk.acknowledges(Side.SERVER).says(Side.CLIENT, "ef");
        assertThat(told(talk)).isEqualTo("client:ab client~" + (300 << 20) + " client:cd client:ef");
    }

    @Test
    void aJumpThatTheRecorderOwnsUpToCountsForwardHoweverFarItIs() throws Exception {
        Talk talk = new Talk();
        talk.scale = 14;
        talk.open()
                .says(Side.CLIENT, "ab")
                .skip(Side.CLIENT, -1000)
                .says(Side.CLIENT, "cd")
                .says(Side.CLIENT, "ef");
        talk.frames.subList(4, 6).clear();
        talk.skip(Side.CLIENT, -2_000_000_000);
        talk.says(Side.CLIENT, "gh").says(Side.CLIENT, "ij");
        assertThat(toldWithDrops(talk, 4))
                .containsExactly("client:ab client~" + ((1L << 32) - 2_000_000_996L) + " client:gh client:ij");
    }

    private List<String> toldWithDrops(Talk talk, int at) throws Exception {
        Frame after = talk.frames.get(at);
        return Told.by(
                directory,
                new CaptureBytes(java.nio.ByteOrder.LITTLE_ENDIAN)
                        .section()
                        .description(CaptureBytes.RAW, 0, CaptureBytes.option(9, 9))
                        .packets(talk.frames.subList(0, at))
                        .packet(0, after.nanos(), after, CaptureBytes.option(4, new byte[] {0, 0, 0, 0, 0, 0, 0, 9}))
                        .packets(talk.frames.subList(at + 1, talk.frames.size()))
                        .bytes());
    }

    /** Without a word of the other side nobody has announced more than the least of windows. */
    @Test
    void anEndAfterAJumpThatTheRecorderOwnsUpToCounts() throws Exception {
        Talk talk = new Talk();
        talk.scale = 14;
        talk.open().says(Side.CLIENT, "ab").skip(Side.CLIENT, 20 << 20).ends(Side.CLIENT);
        talk.ends(Side.SERVER);
        assertThat(toldWithDrops(talk, 4)).containsExactly("client:ab client~" + (20 << 20) + " client. server.");
    }

    @Test
    void whatCameBeforeSuchAJumpIsKept() throws Exception {
        Talk talk = new Talk();
        talk.open().says(Side.CLIENT, "ab").skip(Side.CLIENT, 5).says(Side.CLIENT, "cd");
        talk.skip(Side.CLIENT, 20 << 20).says(Side.CLIENT, "ef");
        assertThat(toldWithDrops(talk, 5))
                .containsExactly("client:ab client~5 client:cd client~" + (20 << 20) + " client:ef");
    }

    @Test
    void aFileCanContinueAnother() throws Exception {
        Talk talk = new Talk()
                .open()
                .says(Side.CLIENT, "one")
                .says(Side.SERVER, "1")
                .says(Side.CLIENT, "two");
        talk.ends(Side.CLIENT);
        byte[] first = CaptureBytes.pcapNg(talk.frames.subList(0, 4));
        byte[] second = CaptureBytes.pcapNg(talk.frames.subList(4, 6));
        byte[] third = CaptureBytes.pcapNg(talk.frames.subList(6, talk.frames.size()));
        assertThat(Told.by(directory, third, first, second)).containsExactly("client:one server:1 client:two client.");
    }

    /** Each had been kept open until the end, and of a thousand files most were more than a process may have. */
    @Test
    void ofManyFilesFewAreOpenAtOnce() throws Exception {
        byte[][] files = new byte[400][];
        for (int i = 0; i < files.length; i++) {
            Talk talk = new Talk();
            talk.clientPort = 1024 + i;
            files[i] = CaptureBytes.pcapNg(talk.open().says(Side.CLIENT, "file " + i).frames);
        }
        try (Capture capture = Told.open(directory, files)) {
            List<Callable<Void>> readers = Collections.nCopies(8, () -> {
                List<Conversation> all = new ArrayList<>(capture.conversations());
                Collections.shuffle(all);
                for (Conversation each : all) {
                    assertThat(Told.by(each))
                            .isEqualTo("client:file " + (each.client().getPort() - 1024));
                }
                return null;
            });
            try (ExecutorService threads = Executors.newFixedThreadPool(readers.size())) {
                for (Future<Void> each : threads.invokeAll(readers)) {
                    each.get();
                }
            }
            assertThat(openHere()).isBetween(1, files.length / 2);
        }
    }

    private int openHere() throws IOException {
        int count = 0;
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path each : descriptors) {
                count += Files.isSymbolicLink(each)
                                && Files.readSymbolicLink(each).startsWith(directory)
                        ? 1
                        : 0;
            }
        }
        return count;
    }

    @Test
    void filesOfTheSameTimeAreMergedPacketByPacket() throws Exception {
        Talk talk = new Talk().open();
        StringBuilder said = new StringBuilder();
        for (int i = 0; i < 20; i++) {
            talk.says(i % 2 == 0 ? Side.CLIENT : Side.SERVER, "w" + i);
            said.append(i == 0 ? "" : " ")
                    .append(i % 2 == 0 ? "client:w" : "server:w")
                    .append(i);
        }
        List<Frame> odd = new ArrayList<>();
        List<Frame> even = new ArrayList<>();
        for (int i = 0; i < talk.frames.size(); i++) {
            (i % 2 == 0 ? even : odd).add(talk.frames.get(i));
        }
        assertThat(Told.by(directory, CaptureBytes.pcapNg(odd), CaptureBytes.pcapNg(even)))
                .containsExactly(said.toString());
    }

    @Test
    void aLongConversationGoesThroughTheIndexOnDisk() throws Exception {
        Talk talk = new Talk().open();
        StringBuilder asked = new StringBuilder();
        StringBuilder answered = new StringBuilder();
        for (int i = 0; i < 5000; i++) {
            talk.says(Side.CLIENT, i + "?").says(Side.SERVER, i + "!");
            asked.append(i).append('?');
            answered.append(i).append('!');
        }
        try (Capture capture = Told.open(directory, CaptureBytes.pcapNg(talk.frames))) {
            Conversation only = capture.conversations().getFirst();
            assertThat(new String(only.stream(Side.CLIENT).readAllBytes(), ISO_8859_1))
                    .isEqualTo(asked.toString());
            assertThat(new String(only.stream(Side.SERVER).readAllBytes(), ISO_8859_1))
                    .isEqualTo(answered.toString());
        }
    }
}
