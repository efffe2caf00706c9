// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import static io.sluice.relay.capture.CaptureBytes.RAW;
import static io.sluice.relay.capture.CaptureBytes.option;
import static java.nio.ByteOrder.BIG_ENDIAN;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Every kind of file and of link layer, with the same conversation in it. */
class FormatsTest {
    private static final String TOLD = "client:ask server:answer client. server.";

    @TempDir
    Path directory;

    private static Talk talk() {
        return new Talk()
                .open()
                .says(Side.CLIENT, "ask")
                .says(Side.SERVER, "answer")
                .ends(Side.CLIENT)
                .ends(Side.SERVER);
    }

    private static long timeOfFirstPiece(Conversation conversation) throws IOException {
        Event first = conversation.events().next();
        assertThat(first).isNotNull();
        return first.timeNanos();
    }

    @ParameterizedTest
    @CsvSource({"true,true", "true,false", "false,true", "false,false"})
    void classicPcapInBothByteOrdersAndUnitsOfTime(boolean big, boolean nanos) throws Exception {
        ByteOrder order = big ? BIG_ENDIAN : LITTLE_ENDIAN;
        byte[] file = CaptureBytes.pcap(order, nanos, RAW, talk().frames);
        try (Capture capture = Told.open(directory, file)) {
            Conversation only = capture.conversations().getFirst();
            assertThat(Told.by(only)).isEqualTo(TOLD);
            assertThat(only.startNanos()).isEqualTo(Talk.BEGIN);
            assertThat(timeOfFirstPiece(only)).isEqualTo(Talk.BEGIN + 3 * Talk.STEP);
            assertThat(only.endNanos()).isEqualTo(Talk.BEGIN + 6 * Talk.STEP);
            assertThat(only.ending()).isEqualTo(Conversation.Ending.CLOSED);
            assertThat(only.isFromBeginning()).isTrue();
            assertThat(only).hasToString("1: 10.0.0.1:40000 > 10.0.0.2:6379");
            assertThat(capture.notices()).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource({"true", "false"})
    void pcapNgInBothByteOrdersWithBlocksThatNobodyKnows(boolean big) throws Exception {
        CaptureBytes file = new CaptureBytes(big ? BIG_ENDIAN : LITTLE_ENDIAN)
                .section()
                .block(0x0bad, 8, body -> body.putLong(7))
                .description(RAW, 0, option(2, "eth0".getBytes(UTF_8)), option(9, 9), option(0, new byte[0]));
        for (Frame each : talk().frames) {
            file.packet(0, each.nanos(), each).block(0x80000bad, 4, body -> body.putInt(1));
        }
        try (Capture capture = Told.open(directory, file.bytes())) {
            assertThat(Told.by(capture.conversations().getFirst())).isEqualTo(TOLD);
            assertThat(capture.conversations().getFirst().startNanos()).isEqualTo(Talk.BEGIN);
            assertThat(capture.notices()).isEmpty();
        }
    }

    @Test
    void aFileOfSeveralSectionsEachInItsOwnByteOrder() throws Exception {
        List<Frame> frames = talk().frames;
        byte[] first = new CaptureBytes(BIG_ENDIAN)
                .section()
                .description(1, 0, option(9, 9))
                .description(RAW, 0, option(9, 9))
                .packet(1, frames.getFirst().nanos(), frames.getFirst())
                .bytes();
        byte[] file = new CaptureBytes(LITTLE_ENDIAN)
                .raw(first)
                .raw(CaptureBytes.pcapNg(frames.subList(1, frames.size())))
                .bytes();
        assertThat(Told.by(directory, file)).containsExactly(TOLD);
    }

    @ParameterizedTest
    @CsvSource({
        "6,0,1000000",
        "3,0,1000",
        "9,0,1000000000",
        "10,0,10000000000",
        "0,0,1",
        "148,0,1048576",
        "6,-3600,1000000"
    })
    void timesInEveryUnit(int resolution, long offsetSeconds, long perSecond) throws Exception {
        long units = 1_700_000_000L * perSecond + perSecond / 2;
        Frame syn = talk().frames.getFirst();
        byte[] offset = ByteBuffer.allocate(8).putLong(offsetSeconds).array();
        byte[] file = new CaptureBytes(LITTLE_ENDIAN)
                .section()
                .description(RAW, 0, option(9, resolution), option(14, offset))
                .packet(0, units, syn)
                .bytes();
        long expected = (1_700_000_000L + offsetSeconds) * 1_000_000_000L + (perSecond == 1 ? 0 : 500_000_000L);
        try (Capture capture = Told.open(directory, file)) {
            assertThat(capture.conversations().getFirst().startNanos()).isEqualTo(expected);
        }
    }

    @Test
    void simpleAndObsoletePacketBlocks() throws Exception {
        List<Frame> frames = talk().frames;
        CaptureBytes file = new CaptureBytes(LITTLE_ENDIAN).section().description(RAW, 65_535, option(9, 9));
        for (int i = 0; i < frames.size(); i++) {
            if (i % 2 == 0) {
                file.obsolete(frames.get(i).nanos(), frames.get(i));
            } else {
                file.simple(frames.get(i));
            }
        }
        try (Capture capture = Told.open(directory, file.bytes())) {
            assertThat(Told.by(capture.conversations().getFirst())).isEqualTo(TOLD);
            assertThat(capture.notices()).hasSize(1);
            assertThat(capture.notices().getFirst().toString())
                    .startsWith("12 packets that the recorder says it has dropped");
        }
    }

    @Test
    void theFirstCommentIsTheConversations() throws Exception {
        CaptureBytes file = new CaptureBytes(BIG_ENDIAN).section().description(RAW, 0, option(9, 9));
        for (Frame each : talk().frames) {
            file.packet(0, each.nanos(), each, option(1, "route db1".getBytes(UTF_8)), option(2, new byte[4]));
        }
        try (Capture capture = Told.open(directory, file.bytes())) {
            assertThat(capture.conversations().getFirst().comment()).isEqualTo("route db1");
        }
    }

    static Stream<Arguments> links() {
        int[] ethernet = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00};
        int[] vlan = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0x00, 0, 42, 0x08, 0x00};
        int[] qinq = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xa8, 0, 7, 0x81, 0x00, 0, 42, 0x08, 0x00};
        int[] cooked = {0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x08, 0x00};
        int[] cooked2 = {0x08, 0x00, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0};
        return Stream.of(
                Arguments.of("Ethernet", 1, ethernet),
                Arguments.of("Ethernet with a VLAN tag", 1, vlan),
                Arguments.of("Ethernet with two", 1, qinq),
                Arguments.of("SLL", 113, cooked),
                Arguments.of("SLL2", 276, cooked2),
                Arguments.of("RAW", 12, new int[0]),
                Arguments.of("RAW of OpenBSD", 14, new int[0]),
                Arguments.of("IPV4", 228, new int[0]),
                Arguments.of("NULL", 0, new int[] {2, 0, 0, 0}),
                Arguments.of("NULL of another machine", 0, new int[] {0, 0, 0, 2}),
                Arguments.of("LOOP", 108, new int[] {0, 0, 0, 2}));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("links")
    void linkLayers(String name, int type, int[] header) throws Exception {
        List<Frame> frames =
                talk().frames.stream().map(each -> each.behind(header)).toList();
        assertThat(Told.by(directory, CaptureBytes.pcap(LITTLE_ENDIAN, true, type, frames)))
                .as(name)
                .containsExactly(TOLD);
    }

    @ParameterizedTest
    @CsvSource({"101", "229"})
    void ipv6WithAnExtensionHeader(int type) throws Exception {
        Talk talk = new Talk();
        talk.six = true;
        talk.open()
                .says(Side.CLIENT, "ask")
                .says(Side.SERVER, "answer")
                .ends(Side.CLIENT)
                .ends(Side.SERVER);
        try (Capture capture = Told.open(directory, CaptureBytes.pcap(BIG_ENDIAN, true, type, talk.frames))) {
            Conversation only = capture.conversations().getFirst();
            assertThat(Told.by(only)).isEqualTo(TOLD);
            assertThat(only).hasToString("1: [fd00:0:0:0:0:0:0:1]:40000 > [fd00:0:0:0:0:0:0:2]:6379");
        }
    }

    @Test
    void whatEthernetAddsToShortFramesIsNoData() throws Exception {
        List<Frame> padded = talk().frames.stream()
                .map(each -> new Frame(each.nanos(), java.util.Arrays.copyOf(each.bytes(), each.bytes().length + 9)))
                .toList();
        assertThat(Told.by(directory, CaptureBytes.pcapNg(padded))).containsExactly(TOLD);
    }

    @Test
    void aSegmentTooLargeForTheIpHeaderIsAsLongAsItsFrame() throws Exception {
        String large = "x".repeat(100_000);
        Talk talk = new Talk().open().says(Side.CLIENT, large);
        byte[] bytes = talk.frames.getLast().bytes();
        bytes[2] = 0;
        bytes[3] = 0;
        assertThat(Told.by(directory, CaptureBytes.pcapNg(talk.frames))).containsExactly("client:" + large);
    }

    @Test
    void whatIsNotReadIsNamedAndCounted() throws Exception {
        Talk talk = talk();
        byte[] udp = talk.frames.getFirst().bytes().clone();
        udp[9] = 17;
        byte[] fragment = talk.frames.get(3).bytes().clone();
        fragment[6] = 0x20;
        byte[] nonsense = talk.frames.get(3).bytes().clone();
        nonsense[0] = 0x43;
        talk.frames.add(new Frame(talk.now, udp));
        talk.frames.add(new Frame(talk.now, fragment));
        talk.frames.add(new Frame(talk.now, fragment));
        talk.frames.add(new Frame(talk.now, nonsense));
        talk.frames.add(new Frame(talk.now, udp).cutTo(10));
        try (Capture capture = Told.open(directory, CaptureBytes.pcapNg(talk.frames))) {
            assertThat(Told.by(capture.conversations().getFirst())).isEqualTo(TOLD);
            assertThat(capture.notices())
                    .extracting(Notice::kind, Notice::count)
                    .containsExactlyInAnyOrder(
                            org.assertj.core.groups.Tuple.tuple(Notice.Kind.NOT_TCP, 1L),
                            org.assertj.core.groups.Tuple.tuple(Notice.Kind.FRAGMENT, 2L),
                            org.assertj.core.groups.Tuple.tuple(Notice.Kind.MALFORMED, 1L),
                            org.assertj.core.groups.Tuple.tuple(Notice.Kind.HEADERS_CUT, 1L));
        }
        byte[] radio = CaptureBytes.pcap(BIG_ENDIAN, true, 127, talk().frames);
        try (Capture capture = Told.open(directory, radio)) {
            assertThat(capture.conversations()).isEmpty();
            assertThat(capture.notices().getFirst().toString())
                    .startsWith("7 packets of an unknown link type (first: test")
                    .endsWith(": link type 127)");
        }
    }
}
