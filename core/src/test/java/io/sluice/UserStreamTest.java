// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.testing.Pending;
import io.sluice.testing.Stand;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.IllegalBlockingModeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a kernel in user space the numbers of this process's descriptors mean nothing, so everything is copied. */
final class UserStreamTest extends StreamContract {
    @TempDir
    Path host;

    @Override
    Stand newStand() {
        return Stand.inUserSpace();
    }

    @Test
    void filesOfTheHostAreCopiedFromAndTo() throws Exception {
        Path from = Files.write(host.resolve("from"), data);
        Path to = host.resolve("to");
        try (FileInputStream in = new FileInputStream(from.toFile());
                FileOutputStream out = new FileOutputStream(to.toFile());
                Source source = sluice.source((InputStream) in);
                Sink sink = sluice.sink((OutputStream) out)) {
            assertThat(source).isInstanceOf(CodeSource.class);
            sluice.transfer(source).to(sink).run();
        }
        assertThat(to).hasBinaryContent(data);
    }

    /** The number of the channel's descriptor was looked up in the other kernel, where it was a stranger's. */
    @Test
    void channelsOfTheHostAreCopiedFromAndTo() throws Exception {
        Path from = Files.write(host.resolve("from"), data);
        Path to = host.resolve("to");
        try (FileChannel in = FileChannel.open(from);
                FileChannel out = FileChannel.open(to, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                Source source = sluice.source(in);
                Sink sink = sluice.sink(out)) {
            assertThat(List.of(source, sink)).doesNotHaveAnyElementsOfTypes(FileEnd.class);
            sluice.transfer(source).to(sink).run();
        }
        assertThat(to).hasBinaryContent(data);
    }

    @Test
    void thePipeOfJavaNioIsCopiedAtBothEnds() throws Exception {
        java.nio.channels.Pipe nio = java.nio.channels.Pipe.open();
        keep(nio.source());
        keep(nio.sink());
        try (Source source = sluice.source(nio.source());
                Pending<Integer> writing = Pending.start(() -> {
                    try (Sink sink = sluice.sink(nio.sink())) {
                        return sink.write(ByteBuffer.wrap(data));
                    }
                })) {
            ByteBuffer received = ByteBuffer.allocate(data.length);
            while (received.hasRemaining()) {
                assertThat(source.read(received)).isPositive();
            }
            assertThat(received.flip()).isEqualTo(ByteBuffer.wrap(data));
            assertThat(writing.value()).isEqualTo(data.length);
        }
        // Whether the source is still open depends on where its thread was interrupted: in a read, which closes it.
        assertThat(nio.sink().isBlocking()).isTrue();
    }

    @Test
    void aNonBlockingChannelCannotBeCopied() throws Exception {
        java.nio.channels.Pipe nio = java.nio.channels.Pipe.open();
        keep(nio.source()).configureBlocking(false);
        keep(nio.sink()).configureBlocking(false);
        assertThatThrownBy(() -> sluice.source(nio.source())).isInstanceOf(IllegalBlockingModeException.class);
        assertThatThrownBy(() -> sluice.sink(nio.sink())).isInstanceOf(IllegalBlockingModeException.class);
    }

    @Test
    void aChildProcessGetsNoEndThatItCannotSee() throws Exception {
        // The number in /proc/self/fd/N would have been a stranger's.
        Pipe pipe = keep(sluice.pipe());
        assertThatThrownBy(() -> pipe.reader().redirect()).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> pipe.writer().redirect()).isInstanceOf(UnsupportedOperationException.class);
        ProcessBuilder builder = new ProcessBuilder("cat");
        assertThatThrownBy(() -> sluice.pipeline(List.of(builder)))
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessageContaining("user space");
    }
}
