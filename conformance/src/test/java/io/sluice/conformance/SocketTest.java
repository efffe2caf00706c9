// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static io.sluice.conformance.Rig.assertErrno;
import static io.sluice.conformance.Rig.bytes;
import static io.sluice.conformance.Rig.room;
import static io.sluice.kernel.Flags.AF_INET;
import static io.sluice.kernel.Flags.AF_UNIX;
import static io.sluice.kernel.Flags.F_SETFL;
import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static io.sluice.kernel.Flags.MSG_DONTWAIT;
import static io.sluice.kernel.Flags.MSG_MORE;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.POLLIN;
import static io.sluice.kernel.Flags.SHUT_RD;
import static io.sluice.kernel.Flags.SOCK_STREAM;
import static io.sluice.kernel.Flags.SOL_SOCKET;
import static io.sluice.kernel.Flags.SO_SNDBUF;
import static io.sluice.kernel.Flags.SPLICE_F_MORE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.conformance.Rig.PipeEnds;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.function.IntToLongFunction;

/** splice between pipes and stream sockets, as far as scenarios cannot say it. */
class SocketTest {
    private static final int SO_RCVTIMEO = 20;

    @OnEachKernel
    @Holds("H04")
    void aReceiveTimeoutEndsASpliceFromAnEmptySocketWithEagain(Rig rig) {
        for (int[] socket : new int[][] {rig.socketpair(AF_UNIX, SOCK_STREAM), rig.tcp()}) {
            int[] timeval = {0, 0, 400_000, 0}; // 64-bit seconds and microseconds, low halves first
            assertThat(rig.kernel().setsockopt(socket[1], SOL_SOCKET, SO_RCVTIMEO, timeval))
                    .isZero();
            PipeEnds pipe = rig.pipe();

            Pending splice = rig.start(() -> rig.kernel().splice(socket[1], null, pipe.w(), null, 10, 0))
                    .mustSleep();

            assertErrno(splice.answer(), Errno.EAGAIN);
            rig.write(socket[0], "late");
            assertThat(rig.kernel().splice(socket[1], null, pipe.w(), null, 10, 0))
                    .isEqualTo(4);
        }
    }

    @OnEachKernel
    @Holds("H05")
    void afterShutRdComeTheRemainingBytesThenZero(Rig rig) {
        for (int[] socket : new int[][] {rig.socketpair(AF_UNIX, SOCK_STREAM), rig.tcp()}) {
            PipeEnds pipe = rig.pipe();
            rig.write(socket[0], "rest");
            assertThat(rig.kernel().poll(socket[1], POLLIN, -1)).isEqualTo(POLLIN);
            assertThat(rig.kernel().shutdown(socket[1], SHUT_RD)).isZero();

            assertThat(rig.kernel().splice(socket[1], null, pipe.w(), null, 10, 0))
                    .isEqualTo(4);
            assertThat(rig.kernel().splice(socket[1], null, pipe.w(), null, 10, 0))
                    .isZero();
            assertThat(rig.read(pipe.r())).isEqualTo("rest");
        }
    }

    @OnEachKernel
    @Holds("H07")
    void aNonblockingSocketTakesWhatFitsAndTheRestStaysInThePipe(Rig rig) {
        for (int[] socket : new int[][] {rig.socketpair(AF_UNIX, SOCK_STREAM), rig.tcp()}) {
            PipeEnds pipe = rig.pipe(O_NONBLOCK);
            assertThat(rig.kernel().fcntl(socket[0], F_SETFL, O_NONBLOCK)).isZero();
            int moved = spliceNumbersUntilFull(rig.kernel(), pipe, socket[0]);

            int rest = (int) rig.kernel().fionread(pipe.r());
            assertThat(rest).as("bytes left in the pipe").isPositive();
            MemorySegment all = room(moved + rest);
            receive(rig.kernel(), socket[1], all.asSlice(0, moved));
            assertThat(rig.kernel().recv(socket[1], room(1), MSG_DONTWAIT)).isEqualTo(-Errno.EAGAIN);
            assertThat(rig.kernel().read(pipe.r(), all.asSlice(moved, rest))).isEqualTo(rest);
            assertThat(all.toArray(JAVA_INT)).isEqualTo(numbers((moved + rest) / 4));
        }
    }

    /** Feeds the pipe with numbers, four bytes each, until the socket takes no more. Answers what the socket took. */
    private static int spliceNumbersUntilFull(Kernel kernel, PipeEnds pipe, int socket) {
        MemorySegment numbers = room(32 << 20);
        MemorySegment.copy(MemorySegment.ofArray(numbers(8 << 20)), 0, numbers, 0, 32 << 20);
        int written = 0;
        int moved = 0;
        while (true) {
            long fed = kernel.write(pipe.w(), numbers.asSlice(written, 65536));
            written += fed > 0 ? (int) fed : 0;
            long result = kernel.splice(pipe.r(), null, socket, null, 65536, 0);
            if (result == -Errno.EAGAIN) {
                assertThat(moved + kernel.fionread(pipe.r())).isEqualTo(written);
                return moved;
            }
            assertThat(result).isPositive();
            moved += (int) result;
        }
    }

    private static int[] numbers(int count) {
        int[] numbers = new int[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = i;
        }
        return numbers;
    }

    private static void receive(Kernel kernel, int socket, MemorySegment all) {
        for (long at = 0; at < all.byteSize(); ) {
            long result = kernel.recv(socket, all.asSlice(at), 0);
            assertThat(result).isPositive();
            at += result;
        }
    }

    @OnEachKernel
    @Holds("H13")
    void anUnconnectedTcpSocketAnswersEnotconnAsASourceAndEpipeAsASink(Rig rig) {
        int socket = rig.keep(rig.kernel().socket(AF_INET, SOCK_STREAM, 0));
        PipeEnds pipe = rig.pipe();
        rig.write(pipe.w(), "abc");

        assertErrno(rig.kernel().splice(socket, null, pipe.w(), null, 10, 0), Errno.ENOTCONN);
        assertErrno(rig.kernel().splice(pipe.r(), null, socket, null, 10, 0), Errno.EPIPE);
        assertThat(rig.read(pipe.r())).isEqualTo("abc");
    }

    @OnEachKernel
    @Holds("H13")
    void aListeningTcpSocketAnswersEnotconn(Rig rig) {
        int listener = rig.listener();
        PipeEnds pipe = rig.pipe();

        assertErrno(rig.kernel().splice(listener, null, pipe.w(), null, 10, 0), Errno.ENOTCONN);
        assertThat(rig.kernel().fionread(pipe.r())).isZero();
    }

    @OnEachKernel
    @Holds("H13")
    void anUnconnectedUnixSocketAnswersEinvalAsASourceAndEnotconnAsASink(Rig rig) {
        int socket = rig.keep(rig.kernel().socket(AF_UNIX, SOCK_STREAM, 0));
        PipeEnds pipe = rig.pipe();
        rig.write(pipe.w(), "abc");

        assertErrno(rig.kernel().splice(socket, null, pipe.w(), null, 10, 0), Errno.EINVAL);
        assertErrno(rig.kernel().splice(pipe.r(), null, socket, null, 10, 0), Errno.ENOTCONN);
        assertThat(rig.read(pipe.r())).isEqualTo("abc");
    }

    /** What is held back goes out by itself after some 200 ms, so a try that took too long proves nothing. */
    @OnEachKernel
    @Holds("H24")
    void moreHoldsAPartialSegmentBackUntilTheNextSplice(Rig rig) {
        for (int attempt = 0; attempt < 20; attempt++) {
            int[] socket = rig.tcp();
            PipeEnds pipe = rig.pipe();
            rig.write(pipe.w(), "abcdef");
            long before = System.nanoTime();
            assertThat(rig.kernel().splice(pipe.r(), null, socket[0], null, 3, SPLICE_F_MORE))
                    .isEqualTo(3);
            long held = rig.kernel().poll(socket[1], POLLIN, 0);
            assertThat(rig.kernel().splice(pipe.r(), null, socket[0], null, 3, 0))
                    .isEqualTo(3);
            if (System.nanoTime() - before < TimeUnit.MILLISECONDS.toNanos(100)) {
                assertThat(held).as("events while the first half is held back").isZero();
                assertThat(rig.read(socket[1])).isEqualTo("abcdef");
                return;
            }
        }
        throw new AssertionError("this machine never made three calls within 100 ms");
    }

    /** Else both sides would wait, the one for bytes and the other for room, until some 200 ms are over. */
    @OnEachKernel
    @Holds("H24")
    void moreHoldsNothingBackWhenNotAllFoundRoom(Rig rig) {
        assertNothingIsHeldBack(rig, sink -> rig.kernel().send(sink, room(64 << 20), MSG_MORE | MSG_DONTWAIT));
    }

    @OnEachKernel
    @Holds("H24")
    void moreHoldsNothingBackWhenNotAllOfAPipeFoundRoom(Rig rig) {
        assertNothingIsHeldBack(rig, sink -> {
            PipeEnds pipe = rig.pipe();
            assertThat(rig.kernel().fcntl(pipe.w(), F_SETPIPE_SZ, 1 << 20)).isEqualTo(1 << 20);
            assertThat(rig.kernel().write(pipe.w(), room(1 << 20))).isEqualTo(1 << 20);
            assertThat(rig.kernel().fcntl(sink, F_SETFL, O_NONBLOCK)).isZero();
            return rig.kernel().splice(pipe.r(), null, sink, null, 1 << 20, SPLICE_F_MORE);
        });
    }

    private static void assertNothingIsHeldBack(Rig rig, IntToLongFunction sendWhatFindsRoom) {
        for (int attempt = 0; attempt < 20; attempt++) {
            int[] socket = rig.tcp();
            rig.kernel().setsockopt(socket[0], SOL_SOCKET, SO_SNDBUF, 16 << 10);
            long before = System.nanoTime();
            long sent = sendWhatFindsRoom.applyAsLong(socket[0]);
            assertThat(sent).isPositive();
            for (long heard = 0; heard < sent; ) {
                heard += rig.kernel().recv(socket[1], room(1 << 20), 0);
            }
            if (System.nanoTime() - before < TimeUnit.MILLISECONDS.toNanos(150)) {
                return;
            }
        }
        throw new AssertionError("what found room never came within 150 ms");
    }

    @OnEachKernel
    @Holds("H06")
    void aTcpPeerThatResetTheConnectionIsNoticedAndThePipeKeepsItsBytes(Rig rig) {
        int[] socket = rig.tcp();
        PipeEnds pipe = rig.pipe();
        rig.write(socket[0], "unread");
        assertThat(rig.kernel().poll(socket[1], POLLIN, -1)).isEqualTo(POLLIN);
        rig.close(socket[1]); // with bytes unread: a reset
        assertThat(rig.kernel().poll(socket[0], POLLIN, -1) & POLLIN).isEqualTo(POLLIN);
        assertErrno(rig.kernel().recv(socket[0], room(1), 0), Errno.ECONNRESET); // takes the reset itself
        assertThat(rig.kernel().write(pipe.w(), bytes("abc"))).isEqualTo(3);

        assertErrno(rig.kernel().splice(pipe.r(), null, socket[0], null, 10, 0), Errno.EPIPE);
        assertThat(rig.read(pipe.r())).isEqualTo("abc");
    }
}
