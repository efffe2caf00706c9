// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.record;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.relay.capture.Capture;
import io.sluice.relay.capture.Conversation;
import io.sluice.relay.capture.Conversation.Ending;
import io.sluice.relay.capture.Side;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a file says of packets that the disk did not take is understood by whoever reads it. */
class LossesTest {
    private static final InetSocketAddress CLIENT = new InetSocketAddress(InetAddress.getLoopbackAddress(), 40_000);
    private static final InetSocketAddress SERVER = new InetSocketAddress(InetAddress.getLoopbackAddress(), 5432);
    private static final long SERVERS = 7_000_000;

    @TempDir
    Path directory;

    private final Losses losses = new Losses();
    private final Way up = Way.between(CLIENT, SERVER);
    private final Way down = Way.between(SERVER, CLIENT);

    /** A session that says so much, from its beginning to its end, and nothing of it on the disk. */
    private void session(long start, long saidBytes) {
        losses.add(new Way.Packet(up, 0, Way.SYN, start - 1, 0));
        losses.add(new Way.Packet(down, 0, Way.SYN | Way.ACK, SERVERS - 1, start));
        long next = start;
        while (next < start + saidBytes) {
            int payload = (int) Math.min(Way.MOST_PAYLOAD, start + saidBytes - next);
            losses.add(new Way.Packet(up, payload, Way.ACK, next, SERVERS));
            next += payload;
        }
        losses.add(new Way.Packet(up, 0, Way.FIN | Way.ACK, next, SERVERS));
        losses.add(new Way.Packet(down, 0, Way.FIN | Way.ACK, SERVERS, next + 1));
        losses.add(new Way.Packet(up, 0, Way.ACK, next + 1, SERVERS + 1));
    }

    private Capture written() throws IOException {
        Path file = directory.resolve("test.pcapng");
        try (FileChannel to = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            to.write(Pcapng.beginning("test", "loop0").asByteBuffer());
            losses.write(Deck.wallNanos(), "test", block -> write(to, block.asByteBuffer()));
        }
        return Capture.open(List.of(file));
    }

    private static long write(FileChannel to, ByteBuffer block) {
        try {
            return to.write(block);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aSessionThatIsMissingFromBeginningToEndIsThere() throws Exception {
        session(1000, 300_000);
        try (Capture capture = written()) {
            assertThat(capture.conversations()).hasSize(1);
            Conversation only = capture.conversations().getFirst();
            assertThat(only.missingBytes(Side.CLIENT)).isEqualTo(300_000);
            assertThat(only.ending()).isEqualTo(Ending.CLOSED);
        }
    }

    /** The numbers of the second began at the end of the first. */
    @Test
    void whenAddressesAreUsedAgainBothSessionsAreThere() throws Exception {
        session(1000, 300_000);
        session(3_000_000_000L, 400_000);
        try (Capture capture = written()) {
            assertThat(capture.conversations())
                    .extracting(each -> each.missingBytes(Side.CLIENT))
                    .containsExactly(300_000L, 400_000L);
            assertThat(capture.conversations()).extracting(Conversation::ending).containsOnly(Ending.CLOSED);
        }
    }

    /** Sequence numbers wrap, and of one jump nobody could tell how often they did. */
    @Test
    void manyGigabytesAreToldInSteps() throws Exception {
        session(1000, 9L << 30);
        try (Capture capture = written()) {
            assertThat(capture.conversations()).hasSize(1);
            Conversation only = capture.conversations().getFirst();
            assertThat(only.missingBytes(Side.CLIENT)).isEqualTo(9L << 30);
            assertThat(only.ending()).isEqualTo(Ending.CLOSED);
        }
    }
}
