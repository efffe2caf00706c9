// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.record;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.flow.Journal;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.user.UserKernel;
import io.sluice.kernel.wrap.ForwardingKernel;
import io.sluice.relay.capture.Capture;
import io.sluice.relay.capture.Conversation;
import io.sluice.relay.capture.Side;
import io.sluice.relay.record.Recording.WhenFull;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sessions on tapes, while nobody writes to the disk; what the files tell of them when at last somebody does. */
class TapeTest {
    private static final InetSocketAddress LISTENER = new InetSocketAddress(InetAddress.getLoopbackAddress(), 5432);
    private static final MemorySegment WORDS = MemorySegment.ofArray(new byte[64 << 10]);

    @TempDir
    Path directory;

    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private final List<Runnable> timers = new ArrayList<>();
    private Kernel kernel;
    private Recorder recorder;
    private Deck deck;
    private volatile boolean lacksMemory;

    /** The loop is this thread. */
    private final Loop loop = new Loop() {
        @Override
        public String name() {
            return "loop0";
        }

        @Override
        public void execute(Runnable task) {
            tasks.add(task);
        }

        @Override
        public void after(long nanos, Runnable task) {
            timers.add(task);
        }
    };

    @BeforeEach
    void open() {
        Kernel inner =
                UserKernel.builder().mount(directory.toString(), directory).build();
        kernel = new ForwardingKernel(inner) {
            @Override
            protected long around(String name, LongSupplier call, @Nullable Object... arguments) {
                if (name.equals("pwrite") && lacksMemory) {
                    throw new OutOfMemoryError("as if");
                }
                return call.getAsLong();
            }
        };
        Recording how =
                new Recording(directory, Recording.DEFAULT_ROTATE_BYTES, Duration.ofDays(1), 0, WhenFull.GAP, 4 << 20);
        recorder = new Recorder(kernel, how, new DirectoryShelf(directory), new Journal(), 1, "test");
        deck = recorder.deck(loop);
    }

    @AfterEach
    void close() {
        kernel.close();
    }

    private Tape tape(int port) {
        return new Tape(deck, new InetSocketAddress("10.0.0.1", port), LISTENER, "test", () -> {});
    }

    /** Only now does somebody write. */
    private Capture written() throws IOException {
        recorder.start();
        recorder.close();
        try (Stream<Path> files = Files.list(directory)) {
            return Capture.open(files.sorted().toList());
        }
    }

    private void fill(Tape tape) {
        while (deck.missedBytes.sum() == 0) {
            tape.up().write(WORDS);
        }
    }

    /** A batch that was begun for the end of one session had taken in the words of the others. */
    @Test
    void whatIsReservedForEndsIsNotTakenByWords() throws Exception {
        Tape talker = tape(1);
        fill(talker);
        List<Tape> tapes = new ArrayList<>();
        for (int port = 2; port < 100; port++) {
            Tape tape = tape(port);
            talker.up().write(WORDS);
            tapes.add(tape);
        }
        for (Tape tape : tapes) {
            talker.up().write(WORDS);
            tape.close(false, true);
        }
        talker.close(false, true);
        try (Capture capture = written()) {
            assertThat(capture.conversations())
                    .hasSize(99)
                    .allSatisfy(each -> assertThat(each.ending()).isEqualTo(Conversation.Ending.CLOSED));
        }
    }

    /** The sequence number wraps, and whoever reads it cannot know how often it did. */
    @Test
    void aGapOfManyGigabytesIsToldInSteps() throws Exception {
        Tape tape = tape(1);
        fill(tape);
        long saidBytes = 9L << 30;
        for (long bytes = 0; bytes < saidBytes; bytes += WORDS.byteSize()) {
            tape.up().write(WORDS);
        }
        tape.close(false, true);
        long missed = deck.missedBytes.sum();
        try (Capture capture = written()) {
            Conversation only = capture.conversations().getFirst();
            assertThat(missed).isGreaterThanOrEqualTo(saidBytes);
            assertThat(only.missingBytes(Side.CLIENT)).isEqualTo(missed);
            assertThat(only.ending()).isEqualTo(Conversation.Ending.CLOSED);
        }
    }

    /** What was missed before there was a file stood in no statistics. */
    @Test
    void theStatisticsHaveAllThatIsMissing() throws Exception {
        Tape tape = tape(1);
        fill(tape);
        tape.close(false, true);
        written().close();
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(droppedPackets(files.toList().getFirst())).isEqualTo(deck.missedPackets.sum());
        }
    }

    /** The recorder's thread had died, and with it everybody who waited for it. */
    @Test
    void aLackOfMemoryEndsTheRecordingAndNothingElse() throws Exception {
        Tape tape = tape(1);
        fill(tape);
        tape.close(false, true);
        lacksMemory = true;
        recorder.start();
        recorder.close();
        assertThat(recorder.status().trouble()).isEqualTo("java.lang.OutOfMemoryError: as if");
        assertThat(deck.waitingBytes()).isZero();
    }

    /** By the interface statistics block at a file's end. */
    private static long droppedPackets(Path file) throws IOException {
        ByteBuffer all = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        int block = all.limit() - all.getInt(all.limit() - 4);
        assertThat(all.getInt(block)).isEqualTo(5);
        int option = block + 20;
        while (all.getShort(option) != 5) {
            option += 4 + all.getShort(option + 2);
        }
        return all.getLong(option + 4);
    }
}
