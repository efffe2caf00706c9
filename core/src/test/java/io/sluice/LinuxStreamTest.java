// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.TransferPath;
import io.sluice.testing.AdoptingChild;
import io.sluice.testing.Commands;
import io.sluice.testing.NeedsLinux;
import io.sluice.testing.Pending;
import io.sluice.testing.Stand;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Streams on the real system, where those of files and java.nio's pipes have descriptors that can be adopted. */
@NeedsLinux
final class LinuxStreamTest extends StreamContract {
    @Override
    Stand newStand() {
        return Stand.onLinux();
    }

    private Path file(byte[] bytes) throws IOException {
        return Files.write(directory.resolve("file"), bytes);
    }

    // Streams of files.

    @Test
    void fileStreamsAreAdoptedAtTheirPositionAndNothingIsCopied() throws Exception {
        Path copy = directory.resolve("copy");
        try (FileInputStream in = new FileInputStream(file(data).toFile());
                FileOutputStream out = new FileOutputStream(copy.toFile())) {
            in.skipNBytes(10);
            out.write("head ".getBytes(UTF_8));
            try (Source source = sluice.source((InputStream) in);
                    Sink sink = sluice.sink((OutputStream) out)) {
                assertThat(List.of(source, sink)).hasOnlyElementsOfType(FileEnd.class);
                TransferResult result =
                        sluice.transfer(source).to(sink).limit(1000).run();
                assertThat(result.userSpaceBytes()).isZero();
            }
            assertThat(in.read()).as("the stream goes on").isEqualTo(data[1010] & 0xff);
            out.write('!');
        }
        byte[] expected = new byte[5 + 1000 + 1];
        System.arraycopy("head ".getBytes(UTF_8), 0, expected, 0, 5);
        System.arraycopy(data, 10, expected, 5, 1000);
        expected[1005] = '!';
        assertThat(Files.readAllBytes(copy)).isEqualTo(expected);
    }

    @Test
    void aFileStreamOverAPipeIsAPipe() throws Exception {
        try (OutputStream out = new FileOutputStream("/dev/null");
                Sink sink = sluice.sink(out)) {
            assertThat(sink).isInstanceOf(FileEnd.class);
        }
        Pipe pipe = keep(sluice.pipe());
        pipe.writer().write(text("x"));
        try (InputStream in = new FileInputStream(pipe.reader().redirect().file());
                Source source = sluice.source(in)) {
            assertThat(source).isInstanceOf(PipeReader.class);
            assertThat(read((End) source, 10)).isEqualTo("x");
        }
    }

    @Test
    void aStreamDerivedFromAFilesIsCopiedBecauseItMayReadSomethingElse() throws Exception {
        try (FileInputStream in = new FileInputStream(file(data).toFile()) {
                    @Override
                    public int read(byte[] array) {
                        return -1;
                    }
                };
                Source source = sluice.source((InputStream) in)) {
            assertThat(source).isInstanceOf(CodeSource.class);
            assertThat(source.read(room(1))).isEqualTo(-1);
        }
    }

    @Test
    void whatAChildProcessPrintsIsCopiedFromItsStream() throws Exception {
        Process process = new ProcessBuilder("cat", file(data).toString()).start();
        Path copy = directory.resolve("copy");
        try (Source source = sluice.source(process.getInputStream());
                FileEnd target = sluice.open(copy, CREATE, WRITE)) {
            sluice.transfer(source).to(target).run();
        }
        assertThat(process.waitFor()).isZero();
        assertThat(copy).hasBinaryContent(data);
    }

    @Test
    void whatAChildProcessReadsIsCopiedToItsStream() throws Exception {
        Path copy = directory.resolve("copy");
        Process process =
                new ProcessBuilder("cat").redirectOutput(copy.toFile()).start();
        try (OutputStream in = process.getOutputStream();
                Sink sink = sluice.sink(in);
                FileEnd file = sluice.open(file(data))) {
            sluice.transfer(file).to(sink).run();
        }
        assertThat(process.waitFor()).isZero();
        assertThat(copy).hasBinaryContent(data);
    }

    @Test
    void withoutAddOpensAFileStreamIsCopied() throws Exception {
        assertThat(Commands.run(Commands.java(
                                List.of("--enable-native-access=ALL-UNNAMED"),
                                AdoptingChild.class,
                                "stream",
                                file(new byte[] {1, 2, 3}).toString()))
                        .ok()
                        .out())
                .containsExactly("CodeSource, 3 bytes");
    }

    // The pipe of java.nio.

    @Test
    void bytesThatJavaWritesIntoItsPipeAreSplicedOutOfIt() throws Exception {
        java.nio.channels.Pipe nio = java.nio.channels.Pipe.open();
        keep(nio.source());
        Path copy = directory.resolve("copy");
        try (Source source = sluice.source(nio.source());
                FileEnd target = sluice.open(copy, CREATE, WRITE);
                Pending<Integer> writing = Pending.start(() -> {
                    try (java.nio.channels.Pipe.SinkChannel sink = nio.sink()) {
                        return sink.write(ByteBuffer.wrap(data));
                    }
                })) {
            TransferResult result = sluice.transfer(source).to(target).run();
            assertThat(result.bytesByPath()).isEqualTo(Map.of(TransferPath.SPLICE, (long) data.length));
            assertThat(writing.value()).isEqualTo(data.length);
            assertThat(nio.source().isBlocking()).isFalse();
        }
        assertThat(nio.source().isBlocking()).isTrue();
        assertThat(copy).hasBinaryContent(data);
    }

    @Test
    void bytesThatAreSplicedIntoThePipeOfJavaAreReadByIt() throws Exception {
        java.nio.channels.Pipe nio = java.nio.channels.Pipe.open();
        keep(nio.source());
        keep(nio.sink());
        ByteBuffer received = ByteBuffer.allocate(data.length);
        try (Sink sink = sluice.sink(nio.sink());
                FileEnd file = sluice.open(file(data));
                Pending<TransferResult> writing =
                        Pending.start(sluice.transfer(file).to(sink)::run)) {
            while (received.hasRemaining()) {
                assertThat(nio.source().read(received)).isPositive();
            }
            assertThat(writing.value().bytesByPath()).containsOnlyKeys(TransferPath.SPLICE);
        }
        assertThat(nio.sink().isBlocking()).isTrue();
        assertThat(received.array()).isEqualTo(data);
    }
}
