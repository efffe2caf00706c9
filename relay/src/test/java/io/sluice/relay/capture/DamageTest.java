// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import static java.nio.ByteOrder.BIG_ENDIAN;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that are cut, broken, or something else. */
class DamageTest {
    @TempDir
    Path directory;

    private static List<Frame> frames() {
        return new Talk().open().says(Side.CLIENT, "one").says(Side.CLIENT, "two").frames;
    }

    @Test
    void ofAFileThatIsStillBeingWrittenEveryWholePacketCounts() throws Exception {
        for (byte[] whole : List.of(
                CaptureBytes.pcapNg(frames()), CaptureBytes.pcap(BIG_ENDIAN, false, CaptureBytes.RAW, frames()))) {
            int seen = 0;
            for (int length = 100; length < whole.length; length++) {
                try (Capture capture = Told.open(directory, Arrays.copyOf(whole, length))) {
                    assertThat(capture.notices().size()).isLessThanOrEqualTo(1);
                    assertThat(capture.notices()).allMatch(each -> each.kind() == Notice.Kind.CUT_SHORT);
                    String told = capture.conversations().isEmpty()
                            ? ""
                            : Told.by(capture.conversations().getFirst());
                    assertThat("client:one client:two").startsWith(told);
                    assertThat(told.length()).isGreaterThanOrEqualTo(seen);
                    seen = told.length();
                }
            }
            assertThat(seen).isEqualTo("client:one".length());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 7})
    void aBlockWhoseLengthsDifferEndsWhatIsRead(int added) throws Exception {
        byte[] file = CaptureBytes.pcapNg(frames());
        file[file.length - 4] += (byte) added;
        try (Capture capture = Told.open(directory, file)) {
            assertThat(Told.by(capture.conversations().getFirst())).isEqualTo("client:one");
            assertThat(capture.notices().getFirst().kind()).isEqualTo(Notice.Kind.DAMAGED);
            assertThat(capture.notices().getFirst().first()).contains("two lengths differ");
        }
    }

    @Test
    void aPacketThatClaimsMoreThanItsBlockHasIsLeftOut() throws Exception {
        byte[] good = CaptureBytes.pcapNg(frames());
        int block = good.length - 76; // the last one: 32 bytes and a packet of 43
        ByteBuffer.wrap(good).order(LITTLE_ENDIAN).putInt(block + 20, 0x7fff_ffff);
        try (Capture capture = Told.open(directory, good)) {
            assertThat(Told.by(capture.conversations().getFirst())).isEqualTo("client:one");
            assertThat(capture.notices().getFirst().kind()).isEqualTo(Notice.Kind.MALFORMED);
        }
    }

    @Test
    void aPacketTooLargeForAnyNetworkIsDamage() throws Exception {
        byte[] file = CaptureBytes.pcap(LITTLE_ENDIAN, true, CaptureBytes.RAW, frames());
        ByteBuffer.wrap(file).order(LITTLE_ENDIAN).putInt(24 + 8, 0x7fff_ffff);
        try (Capture capture = Told.open(directory, file)) {
            assertThat(capture.conversations()).isEmpty();
            assertThat(capture.notices().getFirst().toString())
                    .matches("1 file that is damaged and was read up to there "
                            + "\\(test.*\\.cap at byte 24: a packet of 2147483647 bytes\\)");
        }
    }

    private void refuses(byte[] file, String complaint) {
        assertThatThrownBy(() -> Told.by(directory, file))
                .isInstanceOf(CaptureException.class)
                .hasMessageContaining(complaint);
    }

    @Test
    void whatIsNoCaptureIsRefusedWithTheReason() {
        refuses("GET / HTTP/1.1\r\n".getBytes(US_ASCII), "not a capture");
        refuses(new byte[] {0x1f, (byte) 0x8b, 8, 0}, "gunzip");
        refuses(new byte[] {(byte) 0xa1, (byte) 0xb2, (byte) 0xcd, 0x34}, "modified pcap formats");
        refuses(new byte[] {1}, "no more than 1 bytes");
        byte[] old = CaptureBytes.pcap(BIG_ENDIAN, false, 1, List.of());
        old[7] = 2;
        refuses(old, "version 2.2, as AIX");
        byte[] cut = Arrays.copyOf(old, 20);
        refuses(cut, "has 24 bytes, and 20 are there");
    }

    @Test
    void anEmptyFileIsNamedAndHasNothing() throws Exception {
        try (Capture capture = Told.open(directory, new byte[0], CaptureBytes.pcapNg(frames()))) {
            assertThat(capture.conversations()).hasSize(1);
            assertThat(capture.notices().getFirst().kind()).isEqualTo(Notice.Kind.EMPTY);
        }
    }

    @Test
    void aFileThatIsNotThereIsNamed() {
        assertThatThrownBy(() -> Capture.open(List.of(directory.resolve("none"))))
                .isInstanceOf(CaptureException.class)
                .hasMessageContaining("there is no such file");
        assertThatThrownBy(() -> Capture.open(List.of(directory)))
                .isInstanceOf(CaptureException.class)
                .hasMessageContaining("not a regular file");
    }
}
