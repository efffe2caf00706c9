// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Flags.O_APPEND;
import static io.sluice.kernel.Flags.O_CREAT;
import static io.sluice.kernel.Flags.O_EXCL;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_RDWR;
import static io.sluice.kernel.Flags.O_TRUNC;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.Flags.POLLHUP;
import static io.sluice.kernel.Flags.POLLIN;
import static io.sluice.kernel.Flags.SEEK_SET;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;
import static io.sluice.kernel.Flags.S_IFREG;
import static io.sluice.kernel.user.Machine.PAGE;
import static io.sluice.kernel.user.Machine.answer;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.kernel.Offset;
import io.sluice.kernel.Stat;
import io.sluice.kernel.user.Machine.Running;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.SequenceInputStream;
import java.lang.foreign.MemorySegment;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Directories of the host in the tree, and what is done there by threads of the kernel's own. */
class HostTest {
    @TempDir
    Path directory;

    private Machine m = new Machine();

    @BeforeEach
    void mount() {
        m.close();
        m = new Machine(UserKernel.builder().mount("/data", directory));
    }

    @AfterEach
    void close() {
        m.close();
    }

    @Test
    void readsAndWritesTheHostsFiles() throws IOException {
        String text = "0123456789".repeat(20_000);
        Files.writeString(directory.resolve("in"), text);
        int in = m.open("/data/in", O_RDONLY);
        assertThat(m.read(in, 100_000) + m.read(in, 200_000)).isEqualTo(text);
        assertThat(m.read(in, 1)).isEmpty();
        assertThat(m.pread(in, 5, 199_998)).isEqualTo("89");
        int out = m.open("/data/out", O_CREAT | O_EXCL | O_RDWR);
        assertThat(m.write(out, text)).isEqualTo(text.length());
        assertThat(m.pwrite(out, "x", 3)).isEqualTo(1);
        assertThat(m.kernel.fsync(out)).isZero();
        assertThat(directory.resolve("out")).hasContent("012x" + text.substring(4));
        Stat stat = new Stat();
        m.kernel.fstat(out, stat);
        assertThat(stat.type()).isEqualTo(S_IFREG);
        assertThat(stat.size()).isEqualTo(text.length());
        assertThat(m.kernel.ftruncate(out, 4)).isZero();
        assertThat(m.kernel.ftruncate(out, 6)).isZero();
        assertThat(directory.resolve("out")).hasContent("012x\0\0");
    }

    @Test
    void splicesBothWaysWithPositionsAndOffsets() throws IOException {
        Files.writeString(directory.resolve("in"), "a".repeat(5000) + "b".repeat(5000));
        int in = m.open("/data/in", O_RDONLY);
        int[] pipe = m.pipe();
        assertThat(m.kernel.splice(in, null, pipe[1], null, 6000, SPLICE_F_NONBLOCK))
                .isEqualTo(6000);
        assertThat(m.slots(pipe[0])).isEqualTo(2);
        Offset offset = new Offset(9998);
        assertThat(m.kernel.splice(in, offset, pipe[1], null, 6000, 0)).isEqualTo(2);
        assertThat(offset.value()).isEqualTo(10_000);
        assertThat(m.kernel.splice(in, offset, pipe[1], null, 6000, 0)).isZero();
        int out = m.open("/data/out", O_CREAT | O_WRONLY);
        Offset target = new Offset(10);
        assertThat(m.kernel.splice(pipe[0], null, out, target, 5999, 0)).isEqualTo(5999);
        assertThat(target.value()).isEqualTo(6009);
        assertThat(m.kernel.fionread(pipe[0])).isEqualTo(3);
        assertThat(m.kernel.splice(pipe[0], null, out, null, 99, 0)).isEqualTo(3);
        assertThat(directory.resolve("out")).hasContent("bbb" + "\0".repeat(7) + "a".repeat(5000) + "b".repeat(999));
    }

    @Test
    void sendsAFileThroughAPipeOfItsOwn() throws IOException {
        Files.writeString(directory.resolve("in"), "x".repeat(200_000));
        int in = m.open("/data/in", O_RDONLY);
        int out = m.open("/data/out", O_CREAT | O_WRONLY);
        assertThat(m.kernel.sendfile(out, in, null, 1 << 20)).isEqualTo(200_000);
        assertThat(directory.resolve("out")).hasSize(200_000);
        assertThat(m.pages()).isZero();
    }

    @Test
    void leavesToThePipeWhatTheLimitKeepsFromTheFile() {
        m.close();
        m = new Machine(UserKernel.builder().mount("/data", directory).fileSizeLimit(5));
        int out = m.open("/data/out", O_CREAT | O_WRONLY);
        int[] pipe = m.pipe();
        m.write(pipe[1], "0123456789");
        assertThat(m.kernel.splice(pipe[0], null, out, null, 99, 0)).isEqualTo(5);
        assertThat(answer(m.kernel.splice(pipe[0], null, out, null, 99, 0))).isEqualTo("EFBIG");
        assertThat(m.read(pipe[0], 99)).isEqualTo("56789");
    }

    @Test
    void keepsAnInterruptForLaterWhileItWaitsForTheDisk() throws IOException {
        Files.writeString(directory.resolve("in"), "text");
        int in = m.open("/data/in", O_RDONLY);
        Thread.currentThread().interrupt();
        assertThat(m.read(in, 9)).isEqualTo("text");
        assertThat(Thread.interrupted()).isTrue();
        m.kernel.lseek(in, 0, SEEK_SET);
        assertThat(m.read(in, 9)).isEqualTo("text");
    }

    @Test
    void answersWhatTheHostAnswers() throws IOException {
        Files.createDirectory(directory.resolve("below"));
        Files.writeString(directory.resolve("file"), "x");
        assertThat(answer(m.kernel.open("/data/none", O_RDONLY, 0))).isEqualTo("ENOENT");
        assertThat(answer(m.kernel.open("/data/below", O_RDWR, 0))).isEqualTo("EISDIR");
        assertThat(answer(m.kernel.open("/data/file/x", O_RDWR, 0))).isEqualTo("ENOTDIR");
        assertThat(answer(m.kernel.open("/data/file", O_CREAT | O_EXCL, 0))).isEqualTo("EEXIST");
        assertThat(answer(m.kernel.mkfifo("/data/fifo", 0))).isEqualTo("EPERM");
        assertThat(answer(m.kernel.unlink("/data/below"))).isEqualTo("EISDIR");
        assertThat(m.kernel.unlink("/data/file")).isZero();
        assertThat(answer(m.kernel.unlink("/data/file"))).isEqualTo("ENOENT");
        assertThat(directory.resolve("file")).doesNotExist();
        assertThat(m.write(m.open("/data/below/new", O_CREAT | O_WRONLY), "in")).isEqualTo(2);
        assertThat(directory.resolve("below/new")).hasContent("in");
    }

    @Test
    void truncatesAndAppendsAtOpen() throws IOException {
        Files.writeString(directory.resolve("log"), "one");
        assertThat(m.write(m.open("/data/log", O_WRONLY | O_APPEND), "two")).isEqualTo(3);
        assertThat(m.write(m.open("/data/log", O_RDWR | O_APPEND), "three")).isEqualTo(5);
        assertThat(directory.resolve("log")).hasContent("onetwothree");
        m.open("/data/log", O_WRONLY | O_TRUNC);
        assertThat(directory.resolve("log")).isEmptyFile();
    }

    @Test
    void followsTheHostsLinksWithinTheTreeOnly() throws IOException {
        Path secret = Files.createTempFile("sluice-outside-", null);
        try {
            Files.createSymbolicLink(directory.resolve("out"), secret);
            Files.writeString(directory.resolve("file"), "inside");
            Files.createSymbolicLink(directory.resolve("in"), Path.of("file"));
            Files.createSymbolicLink(directory.resolve("loop"), Path.of("loop"));
            assertThat(answer(m.kernel.open("/data/out", O_RDONLY, 0))).isEqualTo("ENOENT");
            assertThat(answer(m.kernel.open("/data/loop", O_RDONLY, 0))).isEqualTo("ELOOP");
            assertThat(m.read(m.open("/data/in", O_RDONLY), 9)).isEqualTo("inside");
        } finally {
            Files.delete(secret);
        }
    }

    @Test
    void keepsItsOwnDevicesWhenTheHostIsMountedAtTheRoot() throws IOException {
        Files.createDirectory(directory.resolve("tmp"));
        Files.writeString(directory.resolve("tmp/file"), "host");
        try (Machine root = new Machine(UserKernel.builder().mount("/", directory))) {
            assertThat(root.read(root.open("/tmp/file", O_RDONLY), 9)).isEqualTo("host");
            int[] pipe = root.pipe();
            root.write(pipe[1], "data");
            int sink = root.open("/dev/null", O_WRONLY);
            assertThat(root.kernel.splice(pipe[0], null, sink, null, 9, 0)).isEqualTo(4);
            assertThat(root.read(root.open("/proc/self/fd/" + pipe[0], O_RDONLY), 0))
                    .isEmpty();
        }
    }

    private Path fifo(String name) throws Exception {
        Path fifo = directory.resolve(name);
        boolean made;
        try {
            made = new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor() == 0;
        } catch (IOException noCommand) {
            made = false;
        }
        assumeTrue(made, "the host makes no FIFOs");
        return fifo;
    }

    @Test
    void letsAFifoThatNeverAnswersDelayNothingElse() throws Exception {
        fifo("silent");
        Running<Long> opening =
                Machine.start(() -> m.kernel.open("/data/silent", O_RDONLY, 0)).asleep();
        Files.writeString(directory.resolve("file"), "text");
        int file = m.open("/data/file", O_RDONLY);
        for (int i = 0; i < 1000; i++) {
            assertThat(m.pread(file, 9, 0)).isEqualTo("text");
        }
        opening.thread().interrupt();
        assertThat(answer(opening.answer())).isEqualTo("EINTR");
    }

    @Test
    void readsAFifoOfTheHostAsAPipe() throws Exception {
        Path fifo = fifo("in");
        Running<Long> writer = Machine.start(() -> {
            try (OutputStream stream = Files.newOutputStream(fifo)) {
                stream.write("x".repeat(3 * PAGE).getBytes(UTF_8));
            }
            return 0L;
        });
        int in = m.open("/data/in", O_RDONLY);
        int[] pipe = m.pipe();
        long moved = 0;
        long got;
        do {
            got = m.kernel.splice(in, null, pipe[1], null, 1 << 20, 0);
            moved += got;
        } while (got > 0);
        assertThat(moved).isEqualTo(3 * PAGE);
        assertThat(m.kernel.poll(in, POLLIN, 0)).isEqualTo(POLLHUP);
        assertThat(writer.answer()).isZero();
    }

    @Test
    void writesAFifoOfTheHostToItsEndBeforeTheKernelEnds() throws Exception {
        Path fifo = fifo("out");
        Running<byte[]> reader = Machine.start(() -> Files.readAllBytes(fifo));
        int out = m.open("/data/out", O_WRONLY);
        assertThat(m.write(out, "y".repeat(10 * PAGE))).isEqualTo(10 * PAGE);
        m.kernel.close(out);
        m.kernel.close();
        assertThat(reader.answer()).hasSize(10 * PAGE).containsOnly('y');
        m = new Machine();
    }

    /** A stream of the host that broke, or for which there was no memory, once looked like one that had ended. */
    @Test
    void tellsReadersWhatAStreamBrokeOffWith() {
        try (PagePool pages = new PagePool(1, true)) {
            Resources resources = new Resources(UserKernel.Profile.LINUX, pages, 1 << 20, 0, Long.MAX_VALUE);
            InputStream broken = new InputStream() {
                @Override
                public int read() throws IOException {
                    throw new IOException("No such device");
                }

                @Override
                public int read(byte[] to, int at, int count) throws IOException {
                    return read();
                }
            };
            InputStream onePage = new ByteArrayInputStream(new byte[PAGE]);
            assertBreaksOff(resources, new SequenceInputStream(onePage, broken), "ENODEV");
            assertBreaksOff(resources, new ByteArrayInputStream(new byte[2 * PAGE]), "ENOMEM");
        }
    }

    private static void assertBreaksOff(Resources resources, InputStream stream, String errno) {
        Pipe pipe = Pipe.withBothEnds(resources);
        HostPump.readInto(pipe, Channels.newChannel(stream));
        Iov room = new Iov().of(MemorySegment.ofArray(new byte[2 * PAGE]));
        assertThat(pipe.read(room, false)).isEqualTo(PAGE);
        assertThat(answer(pipe.read(room, false))).isEqualTo(errno);
        pipe.closeEnd(true, false);
    }

    /** A pump asleep when the last bytes came may learn of the kernel's end before it learns of them. */
    @Test
    void writesWhatIsLeftAlsoWhenThePumpWakesForTheEndOfTheKernel() throws Exception {
        try (PagePool pages = new PagePool(1, true)) {
            Pipe pipe = Pipe.withBothEnds(new Resources(UserKernel.Profile.LINUX, pages, 1 << 20, 0, Long.MAX_VALUE));
            ByteArrayOutputStream written = new ByteArrayOutputStream();
            Running<Long> pump = Machine.start(() -> {
                        HostPump.writeFrom(pipe, Channels.newChannel(written));
                        return 0L;
                    })
                    .asleep();
            Page page = pages.take();
            MemorySegment.copy(Machine.bytes("last"), 0, page.bytes(), 0, 4);
            pipe.lock();
            pipe.ring.add(page, 0, 4, 0);
            pipe.die();
            pipe.unlock();
            pipe.closeEnd(false, true);
            assertThat(pump.answer()).isZero();
            assertThat(written.toString(UTF_8)).isEqualTo("last");
        }
    }

    @Test
    void keepsWhatWasWrittenForAReaderOfTheHostThatComesLate() throws Exception {
        Path fifo = fifo("late");
        int out = m.open("/data/late", O_WRONLY | O_NONBLOCK);
        assertThat(m.write(out, "kept")).isEqualTo(4);
        assertThat(m.kernel.close(out)).isZero();
        Running<Long> ending = Machine.start(() -> {
                    m.kernel.close();
                    return 0L;
                })
                .asleep();
        assertThat(Files.readString(fifo)).isEqualTo("kept");
        assertThat(ending.answer()).isZero();
        m = new Machine();
    }

    @Test
    void waitsForNobodyOnTheHostWhenNothingWasWritten() throws Exception {
        fifo("unread");
        fifo("unwritten");
        m.open("/data/unread", O_WRONLY | O_NONBLOCK);
        m.open("/data/unwritten", O_RDONLY | O_NONBLOCK);
        m.kernel.close();
        assertThat(m.pages()).isZero();
        m = new Machine();
    }

    @Test
    void answersEpipeWhenTheHostsReaderIsGone() throws Exception {
        Path fifo = fifo("broken");
        Running<Long> reader = Machine.start(() -> {
            Files.newInputStream(fifo).close();
            return 0L;
        });
        int out = m.open("/data/broken", O_WRONLY);
        reader.answer();
        long written;
        do {
            written = m.write(out, "z".repeat(PAGE));
        } while (written > 0);
        assertThat(answer(written)).isEqualTo("EPIPE");
    }
}
