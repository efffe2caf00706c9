// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.O_NONBLOCK;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.kernel.TransferPath;
import io.sluice.testing.AdoptingChild;
import io.sluice.testing.Commands;
import io.sluice.testing.NeedsLinux;
import io.sluice.testing.Pending;
import io.sluice.testing.Pty;
import io.sluice.testing.Stand;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Adoption on the real system: terminals and the channels of java.nio too. Tests run with the flag that these need. */
@NeedsLinux
final class LinuxAdoptionTest extends AdoptionContract {
    @Override
    Stand newStand() {
        return Stand.onLinux();
    }

    // Terminals.

    @Test
    void anInheritedTerminalIsReopenedAndItsDescriptionLeftAlone() throws Exception {
        Pty pty = keep(Pty.open());
        int before = statusFlags(pty.terminal());
        FileEnd in = (FileEnd) keep(sluice.source(pty.terminal()));
        FileEnd out = (FileEnd) keep(sluice.sink(pty.terminal()));
        assertThat(statusFlags(in.endpoint.fd()) & O_NONBLOCK).isNotZero();
        try (Pending<String> line = Pending.start(Pending.Kind.VIRTUAL, () -> read(in, 100))) {
            line.mustWait();
            kernel.write(pty.master(), text("typed\n"));
            assertThat(line.value()).isEqualTo("typed\n");
        }
        out.write(text("shown"));
        assertThat(screenUntil(pty, "shown")).contains("typed");
        assertThat(statusFlags(pty.terminal())).isEqualTo(before);
    }

    /** What the terminal shows, read until it ends so. */
    private String screenUntil(Pty pty, String last) {
        MemorySegment room = room(100);
        StringBuilder screen = new StringBuilder();
        while (!screen.toString().endsWith(last)) {
            long count = kernel.read(pty.master(), room);
            assertThat(count).isPositive();
            screen.append(new String(room.asSlice(0, count).toArray(JAVA_BYTE), UTF_8));
        }
        return screen.toString();
    }

    /** Pitfall 37. */
    @Test
    void oneEndOfInputKeystrokeEndsATransferFromATerminal() throws Exception {
        Pty pty = keep(Pty.open());
        Path file = directory.resolve("typed");
        try (FileEnd sink = sluice.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                Source source = sluice.source(pty.terminal());
                Pending<TransferResult> running =
                        Pending.start(() -> sluice.transfer(source).to(sink).run())) {
            running.mustWait();
            kernel.write(pty.master(), text("line\n"));
            kernel.write(pty.master(), bytes(4));
            assertThat(running.value().bytesByPath()).isEqualTo(Map.of(TransferPath.COPY, 5L));
        }
        assertThat(file).hasContent("line\n");
    }

    @Test
    void theMasterOfATerminalIsNotReopenedBecauseThatWouldMakeAnotherTerminal() throws Exception {
        Pty pty = keep(Pty.open());
        FileEnd master = (FileEnd) keep(sluice.sink(pty.master()));
        assertThat(terminalIndex(master.endpoint.fd())).isEqualTo(terminalIndex(pty.master()));
        master.write(text("typed\n"));
        assertThat(kernel.read(pty.terminal(), room(100))).isEqualTo(6);
    }

    private static String terminalIndex(int fd) throws Exception {
        return Files.readAllLines(Path.of("/proc/self/fdinfo/" + fd)).stream()
                .filter(line -> line.startsWith("tty-index"))
                .findFirst()
                .orElseThrow();
    }

    // Channels of java.nio.

    private SocketChannel[] channels() throws Exception {
        try (ServerSocketChannel server = ServerSocketChannel.open()) {
            server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            SocketChannel client = keep(SocketChannel.open(server.getLocalAddress()));
            return new SocketChannel[] {client, keep(server.accept())};
        }
    }

    @Test
    void aFileChannelIsAdoptedWithItsPosition() throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "0123456789");
        Path copy = directory.resolve("copy");
        try (FileChannel in = FileChannel.open(file);
                FileChannel out = FileChannel.open(copy, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            in.position(4);
            sluice.transfer(keep(sluice.source(in)))
                    .to(keep(sluice.sink(out)))
                    .limit(3)
                    .run();
            assertThat(in.position()).isEqualTo(7);
            assertThat(out.position()).isEqualTo(3);
        }
        assertThat(copy).hasContent("456");
    }

    @Test
    void aSocketChannelIsSplicedInNonBlockingModeAndBlocksAgainWhenReleased() throws Exception {
        SocketChannel[] pair = channels();
        assertThat(pair[0].isBlocking()).isTrue();
        Path file = directory.resolve("received");
        try (Source source = sluice.source(pair[0]);
                FileEnd sink = sluice.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            assertThat(pair[0].isBlocking()).as("the channel knows").isFalse();
            pair[1].write(ByteBuffer.wrap("hello".getBytes(UTF_8)));
            TransferResult result = sluice.transfer(source).to(sink).limit(5).run();
            assertThat(result.bytesByPath()).isEqualTo(Map.of(TransferPath.SPLICE, 5L));
        }
        assertThat(pair[0].isBlocking()).isTrue();
        pair[1].write(ByteBuffer.allocate(3));
        assertThat(pair[0].read(ByteBuffer.allocate(10)))
                .as("the channel goes on")
                .isEqualTo(3);
    }

    /** It was restored with the first of the two, and the second would have slept in splice. */
    @Test
    void aSocketChannelThatIsSourceAndSinkStaysNonBlockingUntilBothAreReleased() throws Exception {
        SocketChannel[] pair = channels();
        Source source = sluice.source(pair[0]);
        Sink sink = sluice.sink(pair[0]);
        source.close();
        assertThat(pair[0].isBlocking()).isFalse();
        sink.close();
        assertThat(pair[0].isBlocking()).isTrue();
    }

    @Test
    void aSocketChannelIsRestoredOnlyWhenTheRunningTransferHasLetGo() throws Exception {
        SocketChannel[] pair = channels();
        SocketEnd source = (SocketEnd) sluice.source(pair[0]);
        assertThat(source.descriptor().enter()).isTrue();
        source.close();
        assertThat(pair[0].isBlocking()).isFalse();
        source.descriptor().leave();
        assertThat(pair[0].isBlocking()).isTrue();
    }

    @Test
    void aChannelThatItsOwnerMadeNonBlockingStaysSo() throws Exception {
        SocketChannel[] pair = channels();
        pair[0].configureBlocking(false);
        sluice.source(pair[0]).close();
        assertThat(pair[0].isBlocking()).isFalse();
    }

    @Test
    void aChannelThatWasRegisteredMeanwhileIsLeftToItsSelector() throws Exception {
        SocketChannel[] pair = channels();
        Source source = sluice.source(pair[0]);
        try (Selector selector = Selector.open()) {
            SelectionKey key = pair[0].register(selector, SelectionKey.OP_READ);
            source.close();
            assertThat(key.isValid()).isTrue();
            assertThat(pair[0].isBlocking()).isFalse();
        }
    }

    @Test
    void aChannelThatItsOwnerClosedMeanwhileIsOursStillAndReleasedQuietly() throws Exception {
        SocketChannel[] pair = channels();
        SocketEnd source = (SocketEnd) sluice.source(pair[0]);
        pair[1].write(ByteBuffer.wrap("late".getBytes(UTF_8)));
        pair[0].close();
        assertThat(read(source, 10)).isEqualTo("late");
        source.close();
        assertThat(source.isOpen()).isFalse();
    }

    @Test
    void closingTheEndOfAnAdoptedChannelWakesItsReader() throws Exception {
        SocketChannel[] pair = channels();
        SocketEnd source = (SocketEnd) sluice.source(pair[0]);
        try (Pending<Long> reading = Pending.start(Pending.Kind.VIRTUAL, () -> source.read(room(1)))) {
            reading.mustWait();
            source.close();
            assertThat(reading.failure()).isInstanceOf(AsynchronousCloseException.class);
        }
        assertThat(pair[0].isOpen()).isTrue();
        assertThat(pair[0].isBlocking()).isTrue();
    }

    @Test
    void thePipeOfJavaNioIsAdoptedAtBothEnds() throws Exception {
        java.nio.channels.Pipe nio = java.nio.channels.Pipe.open();
        keep(nio.source());
        keep(nio.sink());
        PipeReader reader = (PipeReader) keep(sluice.source(nio.source()));
        PipeWriter writer = (PipeWriter) keep(sluice.sink(nio.sink()));
        writer.write(text("through"));
        assertThat(read(reader, 10)).isEqualTo("through");
        assertThat(List.of(nio.source().isBlocking(), nio.sink().isBlocking())).containsOnly(false);
        reader.close();
        writer.close();
        assertThat(List.of(nio.source().isBlocking(), nio.sink().isBlocking())).containsOnly(true);
    }

    @Test
    void aClosedChannelIsRefused() throws Exception {
        SocketChannel[] pair = channels();
        pair[0].close();
        assertThatThrownBy(() -> sluice.source(pair[0])).isInstanceOf(ClosedChannelException.class);
    }

    // Without the flag.

    @Test
    void withoutAddOpensTheErrorNamesTheFlagOfTheClassPath() throws Exception {
        assertThat(Commands.run(Commands.java(
                                List.of("--enable-native-access=ALL-UNNAMED"), AdoptingChild.class, "channel"))
                        .ok()
                        .out())
                .singleElement()
                .asString()
                .contains("--add-opens java.base/sun.nio.ch=ALL-UNNAMED");
    }

    @Test
    void withoutAddOpensTheErrorNamesTheFlagOfTheModuleAndWithItTheChannelIsAdopted() throws Exception {
        assertThat(Commands.run(Commands.javaWithModule(
                                List.of("--enable-native-access=io.sluice.core"), AdoptingChild.class, "channel"))
                        .ok()
                        .out())
                .singleElement()
                .asString()
                .contains("--add-opens java.base/sun.nio.ch=io.sluice.core");
        assertThat(Commands.run(Commands.javaWithModule(
                                List.of(
                                        "--enable-native-access=io.sluice.core",
                                        "--add-opens",
                                        "java.base/sun.nio.ch=io.sluice.core"),
                                AdoptingChild.class,
                                "channel"))
                        .ok()
                        .out())
                .containsExactly("adopted");
    }
}
