// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.FD_CLOEXEC;
import static io.sluice.kernel.Flags.F_GETFD;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.S_IFIFO;
import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.DELETE_ON_CLOSE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Flags;
import io.sluice.testing.Pending;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Opening what a path names: options, refusals, and FIFOs whose other side is not there yet. */
abstract class OpeningContract extends SluiceFixture {

    private FileEnd written(Path path, String text, OpenOption... options) throws IOException {
        FileEnd end = keep(sluice.open(path, options));
        end.write(text(text));
        return end;
    }

    private String contents(Path path) throws IOException {
        try (FileEnd end = sluice.open(path)) {
            return end.sizeBytes() == 0 ? "" : read(end, 1000);
        }
    }

    private void assertRefused(int errno, Path path, OpenOption... options) {
        assertThatThrownBy(() -> sluice.open(path, options))
                .isInstanceOfSatisfying(ErrnoException.class, e -> {
                    assertThat(e.errno()).isEqualTo(errno);
                    assertThat(e.call()).isEqualTo("open");
                })
                .hasMessageContaining(path.toString());
    }

    // Options.

    @Test
    void withoutOptionsAFileIsOpenedForReading() throws Exception {
        Path path = directory.resolve("file");
        written(path, "text", CREATE, WRITE);
        FileEnd end = keep(sluice.open(path));
        assertThat(read(end, 10)).isEqualTo("text");
        assertThat(read(end, 10)).isEqualTo("end");
        assertThatThrownBy(() -> end.write(text("x")))
                .isInstanceOfSatisfying(
                        ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EBADF));
    }

    @Test
    void whatIsWrittenGoesOverWhatWasThereUnlessItIsTruncatedOrAppended() throws Exception {
        Path path = directory.resolve("file");
        written(path, "12345", CREATE, WRITE);
        written(path, "ab", WRITE);
        assertThat(contents(path)).isEqualTo("ab345");
        written(path, "z", APPEND);
        assertThat(contents(path)).isEqualTo("ab345z");
        written(path, "new", WRITE, TRUNCATE_EXISTING);
        assertThat(contents(path)).isEqualTo("new");
    }

    @Test
    void createNewRefusesWhatExists() throws Exception {
        Path path = directory.resolve("file");
        written(path, "1", CREATE_NEW, WRITE);
        assertRefused(Errno.EEXIST, path, CREATE_NEW, WRITE);
    }

    @Test
    void readAndWriteShareOnePosition() throws Exception {
        FileEnd end = written(directory.resolve("file"), "0123456789", CREATE, READ, WRITE);
        assertThat(end.position()).isEqualTo(10);
        end.position(4);
        assertThat(read(end, 2)).isEqualTo("45");
        end.write(text("ab"));
        end.position(0);
        assertThat(read(end, 100)).isEqualTo("012345ab89");
        end.truncate(3);
        assertThat(end.sizeBytes()).isEqualTo(3);
        end.sync();
    }

    @Test
    void anOptionThatIsGivenTwiceIsGiven() throws Exception {
        FileEnd end = written(directory.resolve("file"), "x", CREATE, WRITE, WRITE);
        assertThat(end.position()).isEqualTo(1);
    }

    /** A path within an archive once opened what has the same name outside. */
    @Test
    void aPathOfAnotherFileSystemIsRefused(@TempDir Path outside) throws Exception {
        Path archive = outside.resolve("archive.zip");
        try (FileSystem zip = FileSystems.newFileSystem(archive, Map.of("create", "true"))) {
            assertThatThrownBy(() -> sluice.open(zip.getPath("/dev/null")))
                    .isInstanceOf(ProviderMismatchException.class)
                    .hasMessageContaining("/dev/null");
        }
    }

    @Test
    void anOptionThatCannotBeKeptIsRefused() {
        assertThatThrownBy(() -> sluice.open(directory.resolve("file"), CREATE, WRITE, DELETE_ON_CLOSE))
                .isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> sluice.open(directory, LinkOption.NOFOLLOW_LINKS))
                .isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void theDescriptorIsOursNonBlockingAndClosedInChildren() throws Exception {
        FileEnd end = written(directory.resolve("file"), "x", CREATE, WRITE);
        assertThat(statusFlags(end.endpoint.fd()) & O_NONBLOCK).isNotZero();
        assertThat(kernel.fcntl(end.endpoint.fd(), F_GETFD, 0)).isEqualTo(FD_CLOEXEC);
    }

    // Refusals.

    @Test
    void aMissingFileIsNamed() {
        assertRefused(Errno.ENOENT, directory.resolve("missing"));
        assertRefused(Errno.ENOENT, directory.resolve("missing"), WRITE);
        assertRefused(Errno.ENOENT, directory.resolve("no/such/directory"), WRITE, CREATE);
    }

    @Test
    void aDirectoryIsRefusedForReadingAndWritingAlike() {
        assertRefused(Errno.EISDIR, directory);
        assertRefused(Errno.EISDIR, directory, WRITE);
    }

    @Test
    void aSocketIsNotWaitedForAsAFifoIs() throws Exception {
        Path path = directory.resolve("socket");
        keep(sluice.listen(UnixDomainSocketAddress.of(path)));
        assertRefused(Errno.ENXIO, path);
        assertRefused(Errno.ENXIO, path, WRITE);
    }

    // Devices.

    @Test
    void devicesOpenLikeFiles() throws Exception {
        FileEnd zero = keep(sluice.open(Path.of("/dev/zero")));
        assertThat(zero.read(room(100))).isEqualTo(100);
        FileEnd nowhere = keep(sluice.open(Path.of("/dev/null"), WRITE));
        nowhere.write(room(100));
        FileEnd full = keep(sluice.open(Path.of("/dev/full"), WRITE));
        assertThatThrownBy(() -> full.write(room(1)))
                .isInstanceOfSatisfying(
                        ErrnoException.class, e -> assertThat(e.errnoName()).isEqualTo("ENOSPC"));
    }

    // FIFOs.

    @ParameterizedTest
    @EnumSource
    void openingAFifoForWritingWaitsForItsReader(Pending.Kind kind) throws Exception {
        Path fifo = fifo();
        try (Pending<FileEnd> opening = Pending.start(kind, () -> keep(sluice.open(fifo, WRITE)))) {
            opening.mustWait();
            FileEnd reader = keep(sluice.open(fifo));
            FileEnd writer = opening.value();
            assertThat(statusFlags(writer.endpoint.fd()) & O_NONBLOCK)
                    .as("it is our own description")
                    .isNotZero();
            writer.write(text("through"));
            assertThat(read(reader, 10)).isEqualTo("through");
            writer.close();
            assertThat(read(reader, 10)).isEqualTo("end");
        }
    }

    @ParameterizedTest
    @EnumSource
    void openingAFifoForReadingWaitsWithItsFirstRead(Pending.Kind kind) throws Exception {
        Path fifo = fifo();
        FileEnd reader = keep(sluice.open(fifo));
        try (Pending<String> reading = Pending.start(kind, () -> read(reader, 10))) {
            reading.mustWait();
            FileEnd writer = keep(sluice.open(fifo, WRITE));
            reading.mustWait();
            writer.write(text("first"));
            assertThat(reading.value()).isEqualTo("first");
        }
    }

    @Test
    void aWriterThatComesAndGoesWithoutAWordEndsTheRead() throws Exception {
        Path fifo = fifo();
        FileEnd reader = keep(sluice.open(fifo));
        try (Pending<String> reading = Pending.start(() -> read(reader, 10))) {
            reading.mustWait();
            sluice.open(fifo, WRITE).close();
            assertThat(reading.value()).isEqualTo("end");
        }
    }

    @Test
    void aTransferFromAFifoWaitsForItsFirstWriterToo() throws Exception {
        Path fifo = fifo();
        FileEnd reader = keep(sluice.open(fifo));
        FileEnd sink = keep(sluice.open(directory.resolve("sink"), CREATE, WRITE));
        try (Pending<TransferResult> running =
                Pending.start(() -> sluice.transfer(reader).to(sink).run())) {
            running.mustWait();
            try (FileEnd writer = sluice.open(fifo, WRITE)) {
                writer.write(text("late"));
            }
            assertThat(running.value().bytes()).isEqualTo(4);
        }
    }

    @ParameterizedTest
    @EnumSource
    void waitingForAReaderCanBeInterruptedAndLeavesNothing(Pending.Kind kind) throws Exception {
        Path fifo = fifo();
        try (Pending<FileEnd> opening = Pending.start(kind, () -> sluice.open(fifo, WRITE))) {
            opening.mustWait().interrupt();
            assertThat(opening.failure()).isInstanceOf(TransferInterruptedException.class);
        }
        assertThat(kernel.open(fifo.toString(), Flags.O_WRONLY | O_NONBLOCK, 0))
                .as("nobody reads it")
                .isEqualTo(-Errno.ENXIO);
    }

    /** It hung: the other side could not be opened to end the wait. */
    @Test
    void waitingForTheReaderOfAFifoThatHasLostItsNameCanBeInterruptedToo() throws Exception {
        Path fifo = fifo();
        int witness = (int) kernel.open(fifo.toString(), Flags.O_PATH | Flags.O_CLOEXEC, 0);
        try (Pending<FileEnd> opening = Pending.start(() -> sluice.open(fifo, WRITE))) {
            opening.mustWait();
            kernel.unlink(fifo.toString());
            opening.interrupt();
            assertThat(opening.failure()).isInstanceOf(TransferInterruptedException.class);
        }
        // Its thread waits on, until a reader comes by another way, and closes what it gets.
        keep((int) kernel.open("/proc/self/fd/" + witness, O_RDONLY | O_NONBLOCK | Flags.O_CLOEXEC, 0));
        kernel.close(witness);
    }

    @Test
    void aFifoOpenedForReadingAndWritingWaitsForNobody() throws Exception {
        FileEnd both = keep(sluice.open(fifo(), READ, WRITE));
        assertThat(both.stat().type()).isEqualTo(S_IFIFO);
        both.write(text("self"));
        assertThat(read(both, 10)).isEqualTo("self");
    }

    @Test
    void aClosedEndStaysClosedWhateverItsPathNames() throws Exception {
        FileEnd end = written(directory.resolve("file"), "x", CREATE, WRITE);
        end.close();
        assertThatThrownBy(end::sync).isInstanceOf(ClosedChannelException.class);
    }
}
