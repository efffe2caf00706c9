// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Flags;
import io.sluice.testing.Pending;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.Channel;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** "Ends are owned": closing, interrupting and misusing them, for each way in which a thread can wait on one. */
abstract class EndContract extends SluiceFixture {
    private static final int MORE_THAN_FITS = 8 << 20;

    /**
     * A wait that can be begun.
     *
     * @param end what the thread waits on
     * @param call waits
     * @param satisfy lets the wait end well
     * @param arrived how many bytes the call has moved, counted at the far side; asked when the wait has ended
     */
    record Wait(Channel end, Callable<?> call, Callable<?> satisfy, Callable<Long> arrived) {}

    enum Waiting {
        TO_READ_A_PIPE {
            @Override
            Wait on(EndContract t) throws IOException {
                Pipe pipe = t.keep(t.sluice.pipe());
                return reading(pipe.reader(), () -> write(pipe.writer(), 1));
            }
        },
        TO_READ_A_SOCKET {
            @Override
            Wait on(EndContract t) throws IOException {
                SocketEnd[] pair = t.tcp();
                return reading(pair[0], () -> write(pair[1], 1));
            }
        },
        TO_READ_A_UNIX_SOCKET {
            @Override
            Wait on(EndContract t) throws IOException {
                SocketEnd[] pair = t.unix();
                return reading(pair[0], () -> write(pair[1], 1));
            }
        },
        TO_READ_A_FIFO_THAT_NOBODY_WRITES {
            @Override
            Wait on(EndContract t) throws IOException {
                Path fifo = t.fifo();
                FileEnd reader = t.keep(t.sluice.open(fifo));
                return reading(reader, () -> write(t.keep(t.sluice.open(fifo, StandardOpenOption.WRITE)), 1));
            }
        },
        TO_WRITE_A_PIPE {
            @Override
            Wait on(EndContract t) throws IOException {
                Pipe pipe = t.keep(t.sluice.pipe());
                return writing(pipe.writer(), pipe.reader());
            }
        },
        TO_WRITE_A_SOCKET {
            @Override
            Wait on(EndContract t) throws IOException {
                SocketEnd[] pair = t.tcp();
                return writing(pair[0], pair[1]);
            }
        },
        TO_GIVE_MEMORY_TO_A_PIPE {
            @Override
            Wait on(EndContract t) throws IOException {
                Pipe pipe = t.keep(t.sluice.pipe());
                PageMemory memory = t.keep(t.sluice.pages(MORE_THAN_FITS, false));
                return new Wait(
                        pipe.writer(),
                        () -> pipe.writer().vmsplice(memory.slice(0, MORE_THAN_FITS)),
                        () -> drain(pipe.reader(), MORE_THAN_FITS),
                        () -> rest(pipe.writer(), pipe.reader()));
            }
        },
        TO_ACCEPT {
            @Override
            Wait on(EndContract t) throws IOException {
                Listener listener = t.keep(t.sluice.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)));
                return new Wait(
                        listener,
                        () -> t.keep(listener.accept()),
                        () -> t.keep(t.sluice.connect(listener.localAddress())),
                        () -> 0L);
            }
        },
        TO_TRANSFER_FROM_A_PIPE {
            @Override
            Wait on(EndContract t) throws IOException {
                Pipe in = t.keep(t.sluice.pipe());
                Pipe out = t.keep(t.sluice.pipe());
                write(in.writer(), 1000);
                return new Wait(
                        in.reader(),
                        () -> t.sluice.transfer(in.reader()).to(out.writer()).run(),
                        () -> {
                            in.writer().close();
                            return null;
                        },
                        () -> rest(out.writer(), out.reader()));
            }
        },
        TO_TRANSFER_TO_A_SOCKET {
            @Override
            Wait on(EndContract t) throws IOException {
                FileEnd zero = t.keep(t.sluice.open(Path.of("/dev/zero")));
                SocketEnd[] out = t.tcp();
                return new Wait(
                        out[0],
                        () -> t.sluice
                                .transfer(zero)
                                .to(out[0])
                                .limit(MORE_THAN_FITS)
                                .run(),
                        () -> drain(out[1], MORE_THAN_FITS),
                        () -> rest(out[0], out[1]));
            }
        };

        abstract Wait on(EndContract t) throws IOException;

        private static Wait reading(End end, Callable<?> satisfy) {
            return new Wait(end, () -> end.readSome(room(10)), satisfy, () -> 0L);
        }

        private static Wait writing(End end, End far) {
            return new Wait(
                    end,
                    () -> {
                        end.writeAll(room(MORE_THAN_FITS));
                        return null;
                    },
                    () -> drain(far, MORE_THAN_FITS),
                    () -> rest(end, far));
        }

        private static Void write(End end, int bytes) throws IOException {
            end.writeAll(room(bytes));
            return null;
        }

        private static Void drain(End end, long bytes) throws IOException {
            for (long left = bytes; left > 0; ) {
                left -= end.readSome(room(1 << 16));
            }
            return null;
        }

        /** What is on its way when nothing more is sent. */
        private static long rest(End sender, End receiver) throws IOException {
            sender.close();
            return countToEnd(receiver);
        }
    }

    static Stream<Arguments> waits() {
        return Arrays.stream(Waiting.values())
                .flatMap(waiting -> Arrays.stream(Pending.Kind.values()).map(kind -> Arguments.of(waiting, kind)));
    }

    // Waiting.

    @ParameterizedTest
    @MethodSource("waits")
    void aWaitEndsWhenTheOtherSideDoesItsPart(Waiting waiting, Pending.Kind kind) throws Exception {
        Wait wait = waiting.on(this);
        try (Pending<?> pending = Pending.start(kind, wait.call)) {
            pending.mustWait();
            wait.satisfy.call();
            pending.value();
        }
    }

    @ParameterizedTest
    @MethodSource("waits")
    void closingAnEndWakesTheThreadThatWaitsOnIt(Waiting waiting, Pending.Kind kind) throws Exception {
        Wait wait = waiting.on(this);
        try (Pending<?> pending = Pending.start(kind, wait.call)) {
            pending.mustWait();
            wait.end.close();
            assertThat(pending.failure()).isInstanceOf(AsynchronousCloseException.class);
        }
        assertThat(wait.end.isOpen()).isFalse();
    }

    @ParameterizedTest
    @MethodSource("waits")
    void interruptingAWaitTellsTheBytesMovedAndLeavesTheEndOpen(Waiting waiting, Pending.Kind kind) throws Exception {
        Wait wait = waiting.on(this);
        try (Pending<?> pending = Pending.start(kind, wait.call)) {
            pending.mustWait();
            pending.interrupt();
            assertThat(pending.failure())
                    .isInstanceOf(InterruptedIOException.class)
                    .isInstanceOfSatisfying(TransferInterruptedException.class, e -> {
                        assertThat(wait.end.isOpen()).isTrue();
                        assertThat(e.bytesTransferred).isEqualTo((int) e.bytesMoved());
                        assertThat(Pending.<Long>start(wait.arrived).value()).isEqualTo(e.bytesMoved());
                    });
            assertThat(pending.thread().isInterrupted())
                    .as("as with InterruptedException")
                    .isFalse();
        }
    }

    @ParameterizedTest
    @MethodSource("waits")
    void anInterruptThatCameBeforeTheWaitEndsItToo(Waiting waiting, Pending.Kind kind) throws Exception {
        Wait wait = waiting.on(this);
        try (Pending<?> pending = Pending.start(kind, () -> {
            Thread.currentThread().interrupt();
            return wait.call.call();
        })) {
            assertThat(pending.failure()).isInstanceOf(TransferInterruptedException.class);
        }
        assertThat(wait.end.isOpen()).isTrue();
    }

    @ParameterizedTest
    @MethodSource("waits")
    void anInterruptedWaitCanBeTakenUpAgain(Waiting waiting, Pending.Kind kind) throws Exception {
        Wait wait = waiting.on(this);
        try (Pending<?> first = Pending.start(kind, wait.call)) {
            first.mustWait().interrupt();
            assertThat(first.failure()).isInstanceOf(TransferInterruptedException.class);
        }
        try (Pending<?> second = Pending.start(kind, wait.call)) {
            second.mustWait();
            wait.end.close();
            assertThat(second.failure()).isInstanceOf(AsynchronousCloseException.class);
        }
    }

    @Test
    void severalThreadsThatWaitOnOneEndAreAllWokenByItsClosing() throws Exception {
        Pipe pipe = keep(sluice.pipe());
        List<Pending<Long>> readers = Stream.generate(() ->
                        Pending.start(Pending.Kind.VIRTUAL, () -> pipe.reader().read(room(1))))
                .limit(20)
                .toList();
        readers.forEach(Pending::mustWait);
        pipe.reader().close();
        for (Pending<Long> reader : readers) {
            assertThat(reader.failure()).isInstanceOf(AsynchronousCloseException.class);
            reader.close();
        }
    }

    // Closing.

    @Test
    void closingAnEndFreesItsDescriptorAtOnceWhenNobodyUsesIt() throws Exception {
        Pipe pipe = sluice.pipe();
        int fd = pipe.reader().endpoint.fd();
        assertThat(isOpen(fd)).isTrue();
        pipe.close();
        assertThat(isOpen(fd)).isFalse();
    }

    @Test
    void closingAgainDoesNothingNotEvenToAStrangerWithTheSameNumber() throws Exception {
        Pipe pipe = sluice.pipe();
        int fd = pipe.reader().endpoint.fd();
        pipe.close();
        Pipe stranger = keep(sluice.pipe());
        assertThat(stranger.reader().endpoint.fd()).as("the lowest free number").isEqualTo(fd);
        pipe.close();
        assertThat(isOpen(fd)).isTrue();
    }

    @Test
    void closingOneEndLeavesTheOtherSideToFindOut() throws Exception {
        Pipe pipe = keep(sluice.pipe());
        pipe.writer().write(bytes(1, 2));
        pipe.writer().close();
        assertThat(pipe.reader().read(room(10))).isEqualTo(2);
        assertThat(pipe.reader().read(room(10))).as("the end").isEqualTo(-1);
        Pipe other = keep(sluice.pipe());
        other.reader().close();
        assertThatThrownBy(() -> other.writer().write(bytes(1)))
                .isInstanceOfSatisfying(
                        ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EPIPE));
    }

    @Test
    void anEndOutlivesTheSluiceThatMadeIt() throws Exception {
        Pipe pipe = keep(sluice.pipe());
        try (Pending<Long> waiting = Pending.start(() -> pipe.reader().read(room(1)))) {
            waiting.mustWait();
            sluice.close();
            assertThat(waiting.failure()).isInstanceOf(AsynchronousCloseException.class);
        }
        pipe.writer().write(bytes(7));
        assertThat(pipe.reader().read(room(1)))
                .as("what needs no waiting works")
                .isEqualTo(1);
        assertThatThrownBy(() -> pipe.reader().read(room(1))).isInstanceOf(AsynchronousCloseException.class);
    }

    // Misuse.

    @Test
    void everyUseOfAClosedEndThrowsAtOnce() throws Exception {
        Pipe pipe = sluice.pipe();
        PageMemory memory = keep(sluice.pages(1, false));
        SocketEnd[] sockets = tcp();
        FileEnd file = sluice.open(
                directory.resolve("file"),
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE);
        Listener listener = sluice.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        for (Channel end : List.of(pipe.reader(), pipe.writer(), sockets[0], file, listener)) {
            end.close();
        }
        for (ThrowingCallable use : List.<ThrowingCallable>of(
                () -> pipe.reader().read(room(1)),
                () -> pipe.reader().read(room(0)),
                () -> pipe.reader().vmsplice(List.of()),
                () -> pipe.reader().availableBytes(),
                () -> pipe.reader().redirect(),
                () -> pipe.writer().write(room(1)),
                () -> pipe.writer().vmsplice(memory.slice(0, 1)),
                () -> pipe.writer().redirect(),
                pipe::capacityBytes,
                () -> pipe.resize(4096),
                () -> sockets[0].read(room(1)),
                () -> sockets[0].write(room(1)),
                sockets[0]::localAddress,
                sockets[0]::remoteAddress,
                sockets[0]::shutdownOutput,
                sockets[0]::reset,
                () -> file.read(room(1)),
                () -> file.write(room(1)),
                file::position,
                () -> file.position(0),
                () -> file.truncate(0),
                file::sync,
                file::sizeBytes,
                file::stat,
                listener::accept,
                () -> sluice.transfer(file).to(sockets[1]).run(),
                () -> sluice.transfer(sockets[1]).to(file).run())) {
            assertThatThrownBy(use).isExactlyInstanceOf(ClosedChannelException.class);
        }
    }

    @Test
    void anEndOfAnotherSluiceIsRefusedAtOnce() throws Exception {
        try (Sluice other = Sluice.on(kernel)) {
            Pipe mine = keep(sluice.pipe());
            Pipe foreign = keep(other.pipe());
            for (ThrowingCallable misuse : List.<ThrowingCallable>of(
                    () -> sluice.transfer(foreign.reader()),
                    () -> sluice.transfer(mine.reader()).to(foreign.writer()),
                    () -> sluice.transfer(mine.reader()).mirrorTo(foreign.writer(), WhenFull.BLOCK),
                    () -> sluice.fanOut(mine.reader()).to(mine.writer()).to(foreign.writer()))) {
                assertThatThrownBy(misuse)
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("another Sluice");
            }
        }
    }

    @Test
    void aFailureNamesTheCallTheCodeAndTheEnd() throws Exception {
        Pipe pipe = keep(sluice.pipe());
        pipe.reader().close();
        assertThatThrownBy(() -> pipe.writer().write(bytes(1)))
                .isInstanceOfSatisfying(ErrnoException.class, e -> {
                    assertThat(e.call()).isEqualTo("write");
                    assertThat(e.errnoName()).isEqualTo("EPIPE");
                    assertThat(e.result()).isNull();
                })
                .hasMessageContaining("write")
                .hasMessageContaining("EPIPE")
                .hasMessageContaining(pipe.writer().toString());
    }

    // Reading and writing at the edges.

    @Test
    void readingIntoNoRoomReadsNothingAndDoesNotWait() throws Exception {
        Pipe pipe = keep(sluice.pipe());
        assertThat(pipe.reader().read(room(0))).isZero();
    }

    @Test
    void writingWaitsUntilAllOfItIsGone() throws Exception {
        Pipe pipe = keep(sluice.pipe());
        try (Pending<Long> counted = Pending.start(Pending.Kind.VIRTUAL, () -> countToEnd(pipe.reader()))) {
            pipe.writer().write(room((1 << 20) + 1));
            pipe.writer().close();
            assertThat(counted.value()).isEqualTo((1 << 20) + 1);
        }
    }

    @Test
    void aPipeIsCloseOnExecAndNonBlockingAtBothEnds() throws Exception {
        Pipe pipe = keep(sluice.pipe());
        for (End end : List.of(pipe.reader(), pipe.writer())) {
            int fd = end.endpoint.fd();
            assertThat(statusFlags(fd) & Flags.O_NONBLOCK).isNotZero();
            assertThat(kernel.fcntl(fd, Flags.F_GETFD, 0)).isEqualTo(Flags.FD_CLOEXEC);
        }
    }

    /** What is more than the kernel grants once left the pipe as small as it was made. */
    @Test
    void aPipeThatMayNotBeAsLargeAsAskedForIsAsLargeAsItMayBe() throws Exception {
        int most = kernel.capabilities().pipeMaxSizeBytes();
        assertThat(keep(sluice.pipe(8 * most)).capacityBytes()).isGreaterThan(64 << 10);
    }

    @Test
    void aPipeTakesTheSizeThatItIsAskedForAndTellsIt() throws Exception {
        Pipe pipe = keep(sluice.pipe(200_000));
        assertThat(pipe.capacityBytes()).isEqualTo(256 << 10);
        assertThat(pipe.resize(1)).isEqualTo(4096).isEqualTo(pipe.capacityBytes());
        pipe.writer().write(bytes(1, 2, 3));
        assertThat(pipe.reader().availableBytes()).isEqualTo(3);
    }
}
