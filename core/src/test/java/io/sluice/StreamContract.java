// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.TransferResult.Ending;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.user.UserKernel;
import io.sluice.testing.Pending;
import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.IllegalBlockingModeException;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;

/**
 * Streams of java.io and channels of java.nio that have no descriptor of the kernel below: sources and sinks by copy.
 */
abstract class StreamContract extends SluiceFixture {
    private static final int BYTES = 1_000_003;

    final byte[] data = TransferContract.random(BYTES);

    private FileEnd source() throws IOException {
        return keep(sluice.open(stand.write(directory.resolve("source"), data)));
    }

    private FileEnd target() throws IOException {
        return keep(sluice.open(directory.resolve("target"), StandardOpenOption.WRITE, StandardOpenOption.CREATE));
    }

    private byte[] arrived() {
        return stand.read(directory.resolve("target"));
    }

    // Streams.

    @Test
    void anInputStreamIsReadToItsEndAndStaysItsOwnersToClose() throws Exception {
        AtomicBoolean closed = new AtomicBoolean();
        InputStream in = new ByteArrayInputStream(data) {
            @Override
            public synchronized int read(byte[] array, int offset, int length) {
                return super.read(array, offset, Math.min(length, 4097));
            }

            @Override
            public void close() {
                closed.set(true);
            }
        };
        try (Source source = sluice.source(in)) {
            TransferResult result = sluice.transfer(source).to(target()).run();
            assertThat(result.ending()).isEqualTo(Ending.SOURCE_ENDED);
        }
        assertThat(arrived()).isEqualTo(data);
        assertThat(closed).isFalse();
    }

    @Test
    void anOutputStreamGetsAllIsFlushedAndStaysItsOwnersToClose() throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        AtomicBoolean closed = new AtomicBoolean();
        OutputStream out = new BufferedOutputStream(bytes, 2 * BYTES) {
            @Override
            public void close() {
                closed.set(true);
            }
        };
        try (Sink sink = sluice.sink(out)) {
            sluice.transfer(source()).to(sink).run();
        }
        assertThat(bytes.toByteArray()).isEqualTo(data);
        assertThat(closed).isFalse();
    }

    @Test
    void filtersOfJavaIoGoBetween() throws Exception {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(packed);
                Sink sink = sluice.sink(out)) {
            sluice.transfer(source()).to(sink).run();
        }
        try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(packed.toByteArray()));
                Source source = sluice.source(in)) {
            sluice.transfer(source).to(target()).run();
        }
        assertThat(arrived()).isEqualTo(data);
    }

    @Test
    void aTransferWaitsForAStreamThatWaits() throws Exception {
        try (PipedOutputStream feed = new PipedOutputStream();
                Source source = sluice.source(new PipedInputStream(feed));
                Pending<TransferResult> running =
                        Pending.start(sluice.transfer(source).to(target()).limit(5)::run)) {
            running.mustWait();
            feed.write("12345".getBytes(UTF_8));
            feed.flush();
            assertThat(running.value().ending()).isEqualTo(Ending.LIMIT_REACHED);
        }
        assertThat(arrived()).asString(UTF_8).isEqualTo("12345");
    }

    @Test
    void anInputStreamThatFailsFailsTheTransferAndIsNoEndOfFile() throws Exception {
        IOException broken = new IOException("line cut");
        InputStream in = new InputStream() {
            @Override
            public int read() throws IOException {
                throw broken;
            }

            @Override
            public int read(byte[] array, int offset, int length) throws IOException {
                throw broken;
            }
        };
        try (Source source = sluice.source(in)) {
            assertThatThrownBy(sluice.transfer(source).to(target())::run)
                    .isInstanceOf(CodeException.class)
                    .hasCause(broken);
        }
    }

    @Test
    void anOutputStreamThatFailsIsASinkThatHasClosedAndClosingItSaysWhy() throws Exception {
        IOException broken = new IOException("disk full");
        OutputStream out = new OutputStream() {
            @Override
            public void write(int value) throws IOException {
                throw broken;
            }
        };
        Sink sink = sluice.sink(out);
        assertThat(sluice.transfer(source()).to(sink).run().ending()).isEqualTo(Ending.SINK_CLOSED);
        assertThatThrownBy(sink::close).isInstanceOf(CodeException.class).hasCause(broken);
    }

    @Test
    void anOutputStreamThatCannotBeFlushedFailsAtTheEnd() throws Exception {
        IOException broken = new IOException("disk full");
        OutputStream out = new ByteArrayOutputStream() {
            @Override
            public void flush() throws IOException {
                throw broken;
            }
        };
        Sink sink = sluice.sink(out);
        assertThat(sluice.transfer(source()).to(sink).run().ending()).isEqualTo(Ending.SOURCE_ENDED);
        assertThatThrownBy(sink::close).isInstanceOf(CodeException.class).hasCause(broken);
    }

    @Test
    void aPrintStreamThatHasFailedInSilenceIsAFailureAllTheSame() throws Exception {
        OutputStream full = new OutputStream() {
            @Override
            public void write(int value) throws IOException {
                throw new IOException("disk full");
            }
        };
        PrintStream out = new PrintStream(full, false, UTF_8);
        Sink sink = sluice.sink(out);
        sink.write(text("printed"));
        assertThatThrownBy(sink::close).isInstanceOf(CodeException.class).hasMessageContaining("PrintStream");
    }

    // Channels.

    @Test
    void channelsWithoutADescriptorAreReadAndWrittenByTheirOwnMethods() throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ReadableByteChannel in = Channels.newChannel(new ByteArrayInputStream(data));
                WritableByteChannel out = Channels.newChannel(bytes)) {
            try (Source source = sluice.source(in);
                    Sink sink = sluice.sink(out)) {
                TransferResult result = sluice.transfer(source).to(sink).run();
                assertThat(result.bytes()).isEqualTo(BYTES);
            }
            assertThat(in.isOpen()).isTrue();
            assertThat(out.isOpen()).isTrue();
        }
        assertThat(bytes.toByteArray()).isEqualTo(data);
    }

    /** A channel that takes and gives a few bytes at a time, or none. */
    private static final class Narrow implements ReadableByteChannel, WritableByteChannel {
        private final ByteBuffer held;
        private final int most;

        Narrow(ByteBuffer held, int most) {
            this.held = held;
            this.most = most;
        }

        @Override
        public int read(ByteBuffer into) {
            if (!held.hasRemaining()) {
                return -1;
            }
            int count = Math.min(most, Math.min(into.remaining(), held.remaining()));
            into.put(held.slice(held.position(), count));
            held.position(held.position() + count);
            return count;
        }

        @Override
        public int write(ByteBuffer from) {
            int count = Math.min(most, from.remaining());
            held.put(from.slice(from.position(), count));
            from.position(from.position() + count);
            return count;
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }

    @Test
    void channelsThatTakeOnlyAFewBytesAtATimeGetAll() throws Exception {
        ByteBuffer received = ByteBuffer.allocate(BYTES);
        try (Source source = sluice.source(new Narrow(ByteBuffer.wrap(data), 1021));
                Sink sink = sluice.sink(new Narrow(received, 511))) {
            sluice.transfer(source).to(sink).run();
        }
        assertThat(received.flip()).isEqualTo(ByteBuffer.wrap(data));
    }

    @Test
    void channelsThatDoNotWaitAreAFailureAndNoBusyLoop() throws Exception {
        try (Source source = sluice.source((ReadableByteChannel) new Narrow(ByteBuffer.wrap(data), 0))) {
            assertThatThrownBy(sluice.transfer(source).to(target())::run)
                    .isInstanceOf(CodeException.class)
                    .hasCauseInstanceOf(IllegalStateException.class);
        }
        Sink sink = sluice.sink((WritableByteChannel) new Narrow(ByteBuffer.allocate(10), 0));
        assertThat(sluice.transfer(source()).to(sink).run().ending()).isEqualTo(Ending.SINK_CLOSED);
        assertThatThrownBy(sink::close)
                .isInstanceOf(CodeException.class)
                .hasCauseInstanceOf(IllegalBlockingModeException.class);
    }

    @Test
    void aClosedChannelIsRefused() throws Exception {
        ReadableByteChannel in = Channels.newChannel(new ByteArrayInputStream(data));
        in.close();
        assertThatThrownBy(() -> sluice.source(in)).isInstanceOf(ClosedChannelException.class);
    }

    // Ends of ours.

    @Test
    void anEndOfThisSluiceIsRefusedBecauseItNeedsNoCopying() throws Exception {
        Pipe pipe = keep(sluice.pipe());
        assertThatThrownBy(() -> sluice.source(pipe.reader())).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> sluice.sink(pipe.writer())).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void endsOfAnotherKernelAreCopiedFromAndTo() throws Exception {
        try (Kernel kernel = UserKernel.builder().build();
                Sluice other = Sluice.on(kernel);
                Pipe there = other.pipe();
                Pending<Void> feeding = Pending.start(() -> {
                    try (Sink sink = sluice.sink(there.writer())) {
                        sluice.transfer(source()).to(sink).run();
                    }
                    there.writer().close();
                    return null;
                });
                Source source = sluice.source(there.reader())) {
            sluice.transfer(source).to(target()).run();
            feeding.value();
        }
        assertThat(arrived()).isEqualTo(data);
    }
}
