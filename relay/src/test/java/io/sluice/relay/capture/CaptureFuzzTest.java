// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Good captures with something changed, and bytes of no meaning. Whatever it is, it is read or refused with the one
 * exception that is there for it, and what comes out keeps the promises of {@link Event}.
 */
class CaptureFuzzTest {
    private static final int ROUNDS = Integer.getInteger("capture.fuzz.rounds", 2000);
    private static final int[] TEMPTING = {0, 1, 4, 12, 20, 28, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, -1, -4, 1 << 31
    };

    @TempDir
    Path directory;

    @Test
    void nothingButTheDeclaredExceptionComesOfAnyBytes() throws Exception {
        long seed = Long.getLong("test.seed", 1);
        List<byte[]> good = good();
        int read = 0;
        for (int round = 0; round < ROUNDS; round++) {
            Random random = new Random(seed + round);
            byte[] file = changed(good.get(random.nextInt(good.size())).clone(), random);
            try {
                read += readsOrRefuses(file) ? 1 : 0;
            } catch (RuntimeException | AssertionError | OutOfMemoryError e) {
                throw new AssertionError("-Dtest.seed=" + (seed + round) + " -Dcapture.fuzz.rounds=1 repeats it", e);
            }
        }
        assertThat(read).as("a change somewhere leaves most captures readable").isGreaterThan(ROUNDS / 2);
    }

    private static List<byte[]> good() {
        Talk talk = new Talk().open();
        for (int i = 0; i < 10; i++) {
            talk.says(Side.CLIENT, "ask " + i).says(Side.SERVER, "answer ".repeat(i));
        }
        talk.ends(Side.CLIENT).ends(Side.SERVER);
        Talk six = new Talk();
        six.six = true;
        six.open().says(Side.CLIENT, "ask").resets(Side.SERVER);
        List<Frame> all = new ArrayList<>(talk.frames);
        all.addAll(six.frames);
        int[] vlan = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0x00, 0, 42, 0x08, 0x00};
        List<Frame> ethernet =
                talk.frames.stream().map(each -> each.behind(vlan)).toList();
        CaptureBytes mixed = new CaptureBytes(ByteOrder.BIG_ENDIAN)
                .section()
                .description(1, 0, CaptureBytes.option(9, 0x94))
                .simple(ethernet.getFirst());
        ethernet.forEach(each -> mixed.obsolete(each.nanos(), each));
        ethernet.forEach(each -> mixed.packet(
                0, each.nanos(), each, CaptureBytes.option(1, new byte[20]), CaptureBytes.option(4, new byte[8])));
        return List.of(
                CaptureBytes.pcapNg(all),
                CaptureBytes.pcap(ByteOrder.LITTLE_ENDIAN, true, CaptureBytes.RAW, all),
                CaptureBytes.pcap(ByteOrder.BIG_ENDIAN, false, 1, ethernet),
                mixed.bytes());
    }

    private static byte[] changed(byte[] file, Random random) {
        switch (random.nextInt(8)) {
            case 0 -> random.nextBytes(file);
            case 1 -> {
                byte[] tail = new byte[random.nextInt(file.length)];
                random.nextBytes(tail);
                System.arraycopy(tail, 0, file, file.length - tail.length, tail.length);
            }
            case 2 -> {
                return Arrays.copyOf(file, random.nextInt(file.length));
            }
            case 3 -> {
                int from = random.nextInt(file.length);
                int to = random.nextInt(file.length);
                int length = random.nextInt(file.length - Math.max(from, to));
                System.arraycopy(file.clone(), from, file, to, length);
            }
            default -> {
                for (int changes = 1 + random.nextInt(8); changes > 0; changes--) {
                    int at = 4 + random.nextInt(file.length - 8);
                    switch (random.nextInt(3)) {
                        case 0 -> file[at] = (byte) random.nextInt();
                        case 1 -> file[at] ^= (byte) (1 << random.nextInt(8));
                        default ->
                            ByteBuffer.wrap(file)
                                    .order(random.nextBoolean() ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN)
                                    .putInt(at & ~3, TEMPTING[random.nextInt(TEMPTING.length)]);
                    }
                }
            }
        }
        return file;
    }

    private boolean readsOrRefuses(byte[] file) throws IOException {
        try (Capture capture = Told.open(directory, file)) {
            for (Conversation each : capture.conversations()) {
                keepsItsPromises(each);
            }
            capture.notices().forEach(each -> assertThat(each.toString()).isNotEmpty());
            return true;
        } catch (CaptureException refused) {
            assertThat(refused.getMessage()).contains("test");
            return false;
        }
    }

    private static void keepsItsPromises(Conversation conversation) throws IOException {
        Counts positions = new Counts();
        Events events = conversation.events();
        long time = Long.MIN_VALUE;
        for (@Nullable Event event = events.next(); event != null; event = events.next()) {
            assertThat(event.timeNanos()).isGreaterThanOrEqualTo(time);
            time = event.timeNanos();
            Side side = event.side();
            switch (event) {
                case Event.Piece piece -> {
                    assertThat(piece.position()).isEqualTo(positions.of(side));
                    assertThat(piece.length()).isPositive();
                    conversation.read(piece, 0, ByteBuffer.allocate(piece.length()));
                    positions.add(side, piece.length());
                }
                case Event.Gap gap -> {
                    assertThat(gap.position()).isEqualTo(positions.of(side));
                    assertThat(gap.length()).isPositive();
                    positions.add(side, gap.length());
                }
                case Event.End _, Event.Reset _ -> {}
            }
        }
        for (Side side : Side.values()) {
            assertThat(conversation.bytes(side)).isEqualTo(positions.of(side));
            assertThat(conversation.missingBytes(side)).isBetween(0L, conversation.bytes(side));
        }
    }
}
