// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.AF_UNIX;
import static io.sluice.kernel.Flags.EPOLLIN;
import static io.sluice.kernel.Flags.FD_CLOEXEC;
import static io.sluice.kernel.Flags.F_GETFD;
import static io.sluice.kernel.Flags.F_SETFL;
import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static io.sluice.kernel.Flags.MFD_CLOEXEC;
import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_DIRECTORY;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_RDWR;
import static io.sluice.kernel.Flags.SEEK_CUR;
import static io.sluice.kernel.Flags.SEEK_SET;
import static io.sluice.kernel.Flags.SHUT_WR;
import static io.sluice.kernel.Flags.SOCK_CLOEXEC;
import static io.sluice.kernel.Flags.SOCK_DGRAM;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.TransferResult.Ending;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Flags;
import io.sluice.kernel.TransferPath;
import io.sluice.kernel.wrap.ForwardingKernel;
import io.sluice.kernel.wrap.TracingKernel;
import io.sluice.testing.Pending;
import java.io.IOException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** "Inherited descriptors" and the adoption of bare numbers: the description is shared and stays as it was. */
abstract class AdoptionContract extends SluiceFixture {

    /** A kernel on which nothing can be opened anew through /proc/self/fd, as in some containers. */
    private Sluice withoutReopening() {
        return keep(Sluice.on(new ForwardingKernel(kernel) {
            @Override
            protected long around(String name, LongSupplier call, @Nullable Object... arguments) {
                boolean reopens =
                        name.equals("open") && String.valueOf(arguments[0]).startsWith("/proc/self/fd/");
                return reopens ? -Errno.EACCES : call.getAsLong();
            }
        }));
    }

    // The description stays as it was (pitfall 44).

    @Test
    void anInheritedDescriptionIsNeverMadeNonBlocking() throws Exception {
        int[] pipe = inheritedPipe();
        int[] sockets = inheritedSockets();
        int file = keep((int) kernel.memfdCreate("inherited", MFD_CLOEXEC));
        for (int fd : new int[] {pipe[0], pipe[1], sockets[0], sockets[1], file}) {
            int before = statusFlags(fd);
            if (fd != pipe[1]) {
                keep(sluice.source(fd));
            }
            if (fd != pipe[0]) {
                keep(sluice.sink(fd));
            }
            assertThat(statusFlags(fd)).isEqualTo(before);
            assertThat(before & O_NONBLOCK).isZero();
        }
        // Nor is it during or after a transfer.
        kernel.write(pipe[1], bytes(1, 2, 3));
        sluice.transfer(keep(sluice.source(pipe[0])))
                .to(keep(sluice.sink(sockets[0])))
                .limit(3)
                .run();
        sluice.transfer(keep(sluice.source(sockets[1])))
                .to(keep(sluice.sink(file)))
                .limit(3)
                .run();
        for (int fd : new int[] {pipe[0], pipe[1], sockets[0], sockets[1], file}) {
            assertThat(statusFlags(fd) & O_NONBLOCK).isZero();
        }
        assertThat(callsNamed("fcntl")).noneMatch(call -> call.integer(1) == F_SETFL);
    }

    @Test
    void adoptingDuplicatesAndClosingTheEndLeavesTheOriginalOpen() throws Exception {
        int[] pipe = inheritedPipe();
        Sink sink = sluice.sink(pipe[1]);
        int own = ((End) sink).endpoint.fd();
        assertThat(own).isNotEqualTo(pipe[1]).isGreaterThan(2);
        assertThat(kernel.fcntl(own, F_GETFD, 0))
                .as("children do not inherit it")
                .isEqualTo(FD_CLOEXEC);
        sink.close();
        assertThat(isOpen(own)).isFalse();
        assertThat(kernel.write(pipe[1], bytes(1))).isEqualTo(1);
    }

    @Test
    void closingTheOriginalLeavesTheAdoptedEndOpen() throws Exception {
        int[] pipe = new int[2];
        kernel.pipe2(pipe, O_CLOEXEC);
        keep(pipe[0]);
        PipeWriter sink = (PipeWriter) keep(sluice.sink(pipe[1]));
        kernel.close(pipe[1]);
        sink.write(text("still"));
        assertThat(kernel.read(pipe[0], room(10))).isEqualTo(5);
    }

    // Pipes and FIFOs.

    @Test
    void anInheritedPipeIsReopenedNonBlocking() throws Exception {
        int[] pipe = inheritedPipe();
        for (End end : List.of((End) keep(sluice.source(pipe[0])), (End) keep(sluice.sink(pipe[1])))) {
            assertThat(statusFlags(end.endpoint.fd()) & O_NONBLOCK).isNotZero();
        }
        assertThat(callsNamed("open"))
                .hasSize(2)
                .allMatch(call -> call.arguments().getFirst().toString().startsWith("/proc/self/fd/"));
    }

    @Test
    void aPipeThatIsNonBlockingAlreadyIsOnlyDuplicated() throws Exception {
        Pipe pipe = keep(sluice.pipe());
        Source twin = keep(sluice.source(pipe.reader().endpoint.fd()));
        pipe.writer().write(text("x"));
        assertThat(read((End) twin, 10)).isEqualTo("x");
        assertThat(callsNamed("open")).isEmpty();
    }

    @Test
    void aPipeThatMayNotBeReopenedIsSplicedWithNonblockOnItsBlockingDescription() throws Exception {
        Sluice restricted = withoutReopening();
        int[] in = inheritedPipe();
        int[] out = inheritedPipe();
        Source source = keep(restricted.source(in[0]));
        Sink sink = keep(restricted.sink(out[1]));
        assertThat(statusFlags(((End) source).endpoint.fd()) & O_NONBLOCK).isZero();
        try (Pending<TransferResult> running = Pending.start(
                Pending.Kind.VIRTUAL,
                () -> restricted.transfer(source).to(sink).limit(5).run())) {
            running.mustWait();
            kernel.write(in[1], text("12345"));
            TransferResult result = running.value();
            assertThat(result.bytesByPath()).containsOnlyKeys(TransferPath.SPLICE);
            assertThat(result.ending()).isEqualTo(Ending.LIMIT_REACHED);
        }
        assertThat(callsNamed("splice")).allMatch(call -> (call.integer(5) & SPLICE_F_NONBLOCK) != 0);
        assertThat(kernel.read(out[0], room(10))).isEqualTo(5);
    }

    @Test
    void aPipeThatMayNotBeReopenedIsReadAndWrittenOnlyWhenItIsReady() throws Exception {
        Sluice restricted = withoutReopening();
        int[] pipe = inheritedPipe();
        PipeReader reader = (PipeReader) keep(restricted.source(pipe[0]));
        PipeWriter writer = (PipeWriter) keep(restricted.sink(pipe[1]));
        for (Pending.Kind kind : Pending.Kind.values()) {
            try (Pending<Long> reading = Pending.start(kind, () -> reader.read(room(10)))) {
                reading.mustWait();
                kernel.write(pipe[1], bytes(1));
                assertThat(reading.value()).isEqualTo(1);
            }
            try (Pending<Void> writing = Pending.start(kind, () -> {
                writer.write(room(1 << 20));
                return null;
            })) {
                writing.mustWait();
                for (long left = 1 << 20; left > 0; ) {
                    left -= kernel.read(pipe[0], room(1 << 16));
                }
                writing.value();
            }
        }
    }

    /** A signal that came during the look at its readiness once let the call go on and sleep in the kernel. */
    @Test
    void aLookThatASignalInterruptsIsMadeAgain() throws Exception {
        Sluice interrupted =
                keep(Sluice.on(new ForwardingKernel(withoutReopening().kernel()) {
                    private final AtomicInteger looks = new AtomicInteger();

                    @Override
                    protected long around(String name, LongSupplier call, @Nullable Object... arguments) {
                        long result = call.getAsLong();
                        boolean hit = name.equals("poll") && result == 0 && looks.getAndIncrement() % 2 == 0;
                        return hit ? -Errno.EINTR : result; // poll(2) answers so only when it has found nothing
                    }
                }));
        int[] pipe = inheritedPipe();
        PipeReader reader = (PipeReader) keep(interrupted.source(pipe[0]));
        PipeWriter writer = (PipeWriter) keep(interrupted.sink(pipe[1]));
        calls.clear();
        try (Pending<Long> reading = Pending.start(() -> reader.read(room(10)))) {
            reading.mustWait();
            assertThat(callsNamed("read")).isEmpty();
            kernel.write(pipe[1], bytes(1));
            assertThat(reading.value()).isEqualTo(1);
        }
        kernel.fcntl(pipe[1], F_SETPIPE_SZ, 4096);
        writer.write(room(kernel.fcntl(pipe[1], Flags.F_GETPIPE_SZ, 0)));
        calls.clear();
        try (Pending<Void> writing = Pending.start(() -> {
            writer.write(room(1));
            return null;
        })) {
            writing.mustWait();
            assertThat(callsNamed("write")).isEmpty();
            kernel.read(pipe[0], room(1 << 16));
            writing.value();
        }
        FileEnd nobody = keep(interrupted.open(fifo()));
        try (Pending<Long> reading = Pending.start(() -> nobody.read(room(10)))) {
            reading.mustWait().interrupt(); // [Q01]: before there was a writer there is no end
            assertThat(reading.failure()).isInstanceOf(TransferInterruptedException.class);
        }
    }

    @Test
    void closingAnAdoptedEndWakesItsReaderThoughTheOriginalStaysOpen() throws Exception {
        for (Sluice s : List.of(sluice, withoutReopening())) {
            int[] pipe = inheritedPipe();
            PipeReader reader = (PipeReader) s.source(pipe[0]);
            try (Pending<Long> reading = Pending.start(() -> reader.read(room(1)))) {
                reading.mustWait();
                reader.close();
                assertThat(reading.failure()).isInstanceOf(AsynchronousCloseException.class);
            }
            assertThat(isOpen(pipe[0])).isTrue();
        }
    }

    /** [Q01]: a FIFO that is opened after its last writer has left waits for the next. */
    @Test
    void theEndOfAnInheritedFifoWhoseWriterHasLeftIsSeen() throws Exception {
        String fifo = fifo().toString();
        int reader = keep((int) kernel.open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0));
        int writer = (int) kernel.open(fifo, Flags.O_WRONLY | O_CLOEXEC, 0);
        kernel.write(writer, text("all"));
        kernel.close(writer);
        kernel.fcntl(reader, F_SETFL, 0);
        End source = (End) keep(sluice.source(reader));
        assertThat(read(source, 10)).isEqualTo("all");
        assertThat(read(source, 10)).isEqualTo("end");
    }

    @Test
    void aFifoThatIsOpenInBothDirectionsNeverEnds() throws Exception {
        int both = keep((int) kernel.open(fifo().toString(), O_RDWR | O_CLOEXEC, 0));
        PipeReader reader = (PipeReader) keep(sluice.source(both));
        PipeWriter writer = (PipeWriter) keep(sluice.sink(both));
        writer.write(text("round"));
        assertThat(read(reader, 10)).isEqualTo("round");
        try (Pending<Long> reading = Pending.start(() -> reader.read(room(1)))) {
            reading.mustWait().interrupt();
            assertThat(reading.failure()).isInstanceOf(TransferInterruptedException.class);
        }
    }

    // Sockets.

    @Test
    void aBlockingSocketIsCopiedWithDontwaitAndThePathSaysSo() throws Exception {
        int[] in = inheritedSockets();
        int[] out = inheritedSockets();
        try (Pending<TransferResult> running = Pending.start(
                Pending.Kind.VIRTUAL,
                () -> sluice.transfer(keep(sluice.source(in[0])))
                        .to(keep(sluice.sink(out[0])))
                        .run())) {
            running.mustWait();
            kernel.send(in[1], text("hello"), 0);
            kernel.shutdown(in[1], SHUT_WR);
            TransferResult result = running.value();
            assertThat(result.bytesByPath()).isEqualTo(Map.of(TransferPath.COPY, 5L));
            assertThat(result.userSpaceBytes()).isEqualTo(5);
        }
        assertThat(kernel.recv(out[1], room(10), 0)).isEqualTo(5);
        assertThat(callsNamed("recv").stream().filter(call -> call.thread().isVirtual()))
                .isNotEmpty()
                .allMatch(call -> (call.integer(2) & Flags.MSG_DONTWAIT) != 0);
        assertThat(callsNamed("send").stream().filter(call -> call.thread().isVirtual()))
                .isNotEmpty()
                .allMatch(call -> (call.integer(2) & Flags.MSG_DONTWAIT) != 0);
        assertThat(callsNamed("splice")).isEmpty();
    }

    @Test
    void aBlockingSocketThatIsFullIsWaitedForAndNotSleptOn() throws Exception {
        int[] out = inheritedSockets();
        FileEnd zero = keep(sluice.open(Path.of("/dev/zero")));
        long bytes = 4 << 20;
        try (Pending<TransferResult> running = Pending.start(
                Pending.Kind.VIRTUAL,
                () -> sluice.transfer(zero)
                        .to(keep(sluice.sink(out[0])))
                        .limit(bytes)
                        .run())) {
            running.mustWait();
            for (long left = bytes; left > 0; ) {
                left -= kernel.recv(out[1], room(1 << 16), 0);
            }
            assertThat(running.value().bytes()).isEqualTo(bytes);
        }
    }

    @Test
    void aDatagramSocketIsNoStreamAndRefused() {
        int[] fds = new int[2];
        kernel.socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds);
        keep(fds[0]);
        keep(fds[1]);
        assertRefused(() -> sluice.source(fds[0]), Errno.EPROTOTYPE);
    }

    // Files and /dev/null.

    @Test
    void aRegularFileAndDevNullAreAlwaysReadyAndNeverEnterEpoll() throws Exception {
        int file = keep((int) kernel.memfdCreate("file", MFD_CLOEXEC));
        int nowhere = keep((int) kernel.open("/dev/null", O_RDWR | O_CLOEXEC, 0));
        kernel.write(file, room(300_000));
        kernel.lseek(file, 0, SEEK_SET);
        TransferResult result = sluice.transfer(keep(sluice.source(file)))
                .to(keep(sluice.sink(nowhere)))
                .run();
        assertThat(result.bytes()).as("%s", result).isEqualTo(300_000);
        assertThat(sluice.transfer(keep(sluice.source(nowhere)))
                        .to(keep(sluice.sink(file)))
                        .run()
                        .bytes())
                .isZero();
        FileEnd end = (FileEnd) keep(sluice.sink(file));
        end.write(room(100_000));
        assertThat(callsNamed("epoll_ctl")).isEmpty();
        assertThat(callsNamed("epoll_create1")).isEmpty();
    }

    @Test
    void anAdoptedFileSharesThePositionWithItsOwner() throws Exception {
        int file = keep((int) kernel.memfdCreate("shared", MFD_CLOEXEC));
        FileEnd end = (FileEnd) keep(sluice.sink(file));
        end.write(text("12345"));
        assertThat(kernel.lseek(file, 0, SEEK_CUR)).isEqualTo(5);
        kernel.lseek(file, 2, SEEK_SET);
        assertThat(end.position()).isEqualTo(2);
    }

    // Misuse.

    interface Adopting {
        Object adopt() throws IOException;
    }

    private static void assertRefused(Adopting adopting, int errno) {
        assertThatThrownBy(adopting::adopt)
                .isInstanceOfSatisfying(
                        ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(errno));
    }

    @Test
    void aNumberThatIsNotOpenIsRefused() {
        assertRefused(() -> sluice.source(-1), Errno.EBADF);
        assertRefused(() -> sluice.sink(999_999), Errno.EBADF);
    }

    @Test
    void anEndOfTheWrongDirectionIsRefusedAndNamed() {
        int[] pipe = inheritedPipe();
        assertRefused(() -> sluice.source(pipe[1]), Errno.EBADF);
        assertRefused(() -> sluice.sink(pipe[0]), Errno.EBADF);
        assertThatThrownBy(() -> sluice.sink(pipe[0]))
                .hasMessageContaining("descriptor " + pipe[0])
                .hasMessageContaining("not open for writing");
    }

    @Test
    void aDirectoryIsRefused() {
        int fd = keep((int) kernel.open(directory.toString(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0));
        assertRefused(() -> sluice.source(fd), Errno.EISDIR);
    }

    @Test
    void aThreadThatWaitsOnAnInheritedPipeIsParkedInThePoller() throws Exception {
        int[] pipe = inheritedPipe();
        PipeReader reader = (PipeReader) keep(sluice.source(pipe[0]));
        try (Pending<Long> reading = Pending.start(Pending.Kind.VIRTUAL, () -> reader.read(room(1)))) {
            reading.mustWait();
            TracingKernel.Call armed = callsNamed("epoll_ctl").getLast();
            assertThat(armed.integer(2)).isEqualTo(reader.endpoint.fd());
            assertThat(armed.integer(3) & EPOLLIN).isNotZero();
            kernel.write(pipe[1], bytes(1));
            assertThat(reading.value()).isEqualTo(1);
        }
    }
}
