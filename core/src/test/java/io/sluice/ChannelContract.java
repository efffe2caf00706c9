// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.kernel.Errno;
import io.sluice.testing.Pending;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Our ends in the hands of code that knows only channels of java.nio and streams of java.io. */
abstract class ChannelContract extends SluiceFixture {
    private static final int BYTES = 300_001;

    private final byte[] data = TransferContract.random(BYTES);

    /** Where bytes lie before they are written and after they were read. */
    enum Memory {
        HEAP,
        DIRECT,
        /** The middle of a heap array, whose rest belongs to others. */
        SLICE;

        ByteBuffer of(int bytes) {
            return switch (this) {
                case HEAP -> ByteBuffer.allocate(bytes);
                case DIRECT -> ByteBuffer.allocateDirect(bytes);
                case SLICE -> ByteBuffer.allocate(bytes + 20).slice(10, bytes);
            };
        }
    }

    private FileEnd file() throws IOException {
        return keep(sluice.open(
                directory.resolve("file"),
                StandardOpenOption.READ,
                StandardOpenOption.WRITE,
                StandardOpenOption.CREATE));
    }

    // As channels.

    @ParameterizedTest
    @EnumSource
    void bytesPassInBuffersOfAnyMemory(Memory memory) throws Exception {
        Pipe pipe = keep(sluice.pipe());
        SocketEnd[] pair = unix();
        for (int i = 0; i < 2; i++) {
            Sink to = i == 0 ? pipe.writer() : pair[0];
            Source from = i == 0 ? pipe.reader() : pair[1];
            ByteBuffer sent = memory.of(BYTES).put(data).flip();
            ByteBuffer received = memory.of(BYTES + 1);
            try (Pending<Integer> writing = Pending.start(() -> to.write(sent))) {
                while (received.position() < BYTES) {
                    assertThat(from.read(received)).isPositive();
                }
                assertThat(writing.value()).isEqualTo(BYTES);
            }
            assertThat(sent.hasRemaining()).isFalse();
            assertThat(received.flip()).isEqualTo(ByteBuffer.wrap(data));
            to.close();
            assertThat(from.read(memory.of(1))).as("the end").isEqualTo(-1);
        }
    }

    @Test
    void aReadTakesNoMoreThanTheBuffersRestAndMovesItsPosition() throws Exception {
        Pipe pipe = keep(sluice.pipe());
        pipe.writer().write(text("0123456789"));
        ByteBuffer buffer = ByteBuffer.allocate(8);
        buffer.position(2).limit(6);
        assertThat(pipe.reader().read(buffer)).isEqualTo(4);
        assertThat(buffer.position()).isEqualTo(6);
        assertThat(new String(buffer.array(), UTF_8)).isEqualTo("\0\0" + "0123\0\0");
        assertThat(pipe.reader().read(buffer)).as("no room").isZero();
        assertThat(pipe.reader().availableBytes()).isEqualTo(6);
    }

    @Test
    void readOnlyBuffersAreWrittenAndNotReadInto() throws Exception {
        Pipe pipe = keep(sluice.pipe());
        assertThat(pipe.writer().write(ByteBuffer.wrap(new byte[] {1, 2}).asReadOnlyBuffer()))
                .isEqualTo(2);
        assertThatThrownBy(() -> pipe.reader().read(ByteBuffer.allocate(2).asReadOnlyBuffer()))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(pipe.reader().availableBytes()).isEqualTo(2);
    }

    @Test
    void aFileIsReadAndWrittenAtItsPosition() throws Exception {
        FileEnd file = file();
        assertThat(file.write(ByteBuffer.wrap(data))).isEqualTo(BYTES);
        file.position(7);
        ByteBuffer some = ByteBuffer.allocate(5);
        assertThat(file.read(some)).isEqualTo(5);
        assertThat(some.array()).containsExactly(data[7], data[8], data[9], data[10], data[11]);
        assertThat(file.position()).isEqualTo(12);
        file.position(BYTES);
        assertThat(file.read(some.clear())).isEqualTo(-1);
    }

    @Test
    void aClosedEndIsAClosedChannelEvenForNoBytes() throws Exception {
        Pipe pipe = sluice.pipe();
        pipe.close();
        assertThat(pipe.reader().isOpen()).isFalse();
        for (int room : new int[] {0, 1}) {
            assertThatThrownBy(() -> pipe.reader().read(ByteBuffer.allocate(room)))
                    .isExactlyInstanceOf(ClosedChannelException.class);
            assertThatThrownBy(() -> pipe.writer().write(ByteBuffer.allocate(room)))
                    .isExactlyInstanceOf(ClosedChannelException.class);
        }
    }

    @ParameterizedTest
    @EnumSource
    void anInterruptLeavesTheEndOpenAndThePositionBehindWhatWasWritten(Memory memory) throws Exception {
        Pipe pipe = keep(sluice.pipe());
        ByteBuffer sent = memory.of(BYTES).put(data).flip();
        try (Pending<Integer> writing =
                Pending.start(Pending.Kind.VIRTUAL, () -> pipe.writer().write(sent))) {
            writing.mustWait().interrupt();
            assertThat(writing.failure())
                    .isInstanceOfSatisfying(
                            TransferInterruptedException.class,
                            e -> assertThat(e.bytesMoved()).isEqualTo(sent.position()));
        }
        assertThat(pipe.reader().availableBytes()).isEqualTo(sent.position()).isPositive();
        assertThat(pipe.writer().isOpen()).isTrue();
    }

    @Test
    void closingAChannelWakesItsReader() throws Exception {
        Pipe pipe = keep(sluice.pipe());
        try (Pending<Integer> reading = Pending.start(() -> pipe.reader().read(ByteBuffer.allocate(1)))) {
            reading.mustWait();
            pipe.reader().close();
            assertThat(reading.failure()).isInstanceOf(AsynchronousCloseException.class);
        }
    }

    @Test
    void theClassesOfJavaNioTakeThemForWhatTheyAre(@TempDir Path host) throws Exception {
        Path file = Files.write(host.resolve("file"), data);
        Pipe pipe = keep(sluice.pipe(1 << 20));
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            assertThat(channel.transferTo(0, BYTES, pipe.writer())).isEqualTo(BYTES);
            assertThat(channel.transferFrom(pipe.reader(), BYTES, BYTES)).isEqualTo(BYTES);
        }
        assertThat(Files.readAllBytes(file)).startsWith(data).endsWith(data).hasSize(2 * BYTES);
        pipe.writer().write(text("one\ntwo\n"));
        pipe.writer().close();
        try (BufferedReader lines = new BufferedReader(Channels.newReader(pipe.reader(), UTF_8))) {
            assertThat(lines.readAllLines()).isEqualTo(List.of("one", "two"));
        }
    }

    // As streams.

    @Test
    void streamsCarryAllBytesAndCloseTheirEnds() throws Exception {
        Pipe pipe = keep(sluice.pipe());
        SocketEnd[] pair = tcp();
        for (int i = 0; i < 2; i++) {
            Sink to = i == 0 ? pipe.writer() : pair[0];
            Source from = i == 0 ? pipe.reader() : pair[1];
            try (InputStream in = from.asInputStream();
                    Pending<Void> writing = Pending.start(Pending.Kind.VIRTUAL, () -> {
                        try (OutputStream out = to.asOutputStream()) {
                            out.write(data[0]);
                            out.write(data, 1, BYTES - 1);
                        }
                        return null;
                    })) {
                assertThat(in.read()).isEqualTo(data[0] & 0xff);
                byte[] rest = in.readAllBytes();
                assertThat(rest.length).isEqualTo(BYTES - 1);
                assertThat(rest).endsWith(data[BYTES - 2], data[BYTES - 1]);
                assertThat(in.read()).isEqualTo(-1);
                writing.value();
            }
            assertThat(List.of(to.isOpen(), from.isOpen())).containsOnly(false);
        }
    }

    @Test
    void aFileIsAStreamFromItsPositionOn() throws Exception {
        FileEnd file = file();
        try (OutputStream out = file.asOutputStream()) {
            out.write(data);
            file.position(100);
            byte[] rest = file.asInputStream().readAllBytes();
            assertThat(rest).hasSize(BYTES - 100).startsWith(data[100], data[101]);
        }
        assertThat(file.isOpen()).isFalse();
    }

    @Test
    void aStreamTakesNoMoreThanIsAskedForSoItsEndGoesOn() throws Exception {
        Pipe pipe = keep(sluice.pipe());
        pipe.writer().write(text("head rest"));
        assertThat(pipe.reader().asInputStream().readNBytes(5)).asString(UTF_8).isEqualTo("head ");
        assertThat(read(pipe.reader(), 10)).isEqualTo("rest");
    }

    @Test
    void aStreamsFailureIsTheEnds() throws Exception {
        Pipe pipe = keep(sluice.pipe());
        pipe.reader().close();
        OutputStream out = pipe.writer().asOutputStream();
        assertThatThrownBy(() -> out.write(1))
                .isInstanceOfSatisfying(
                        ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EPIPE));
    }

    @Test
    void closingAStreamWakesItsReader() throws Exception {
        Pipe pipe = keep(sluice.pipe());
        InputStream in = pipe.reader().asInputStream();
        for (Pending.Kind kind : Pending.Kind.values()) {
            Pipe other = keep(sluice.pipe());
            InputStream stream = other.reader().asInputStream();
            try (Pending<Integer> reading = Pending.start(kind, stream::read)) {
                reading.mustWait();
                stream.close();
                assertThat(reading.failure()).isInstanceOf(AsynchronousCloseException.class);
            }
        }
        try (Pending<Integer> reading = Pending.start(in::read)) {
            reading.mustWait().interrupt();
            assertThat(reading.failure()).isInstanceOf(TransferInterruptedException.class);
        }
        assertThat(pipe.reader().isOpen()).isTrue();
    }
}
