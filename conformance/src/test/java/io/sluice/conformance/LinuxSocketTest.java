// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static io.sluice.conformance.Rig.assertErrno;
import static io.sluice.conformance.Rig.room;
import static io.sluice.kernel.Flags.AF_UNIX;
import static io.sluice.kernel.Flags.F_GETPIPE_SZ;
import static io.sluice.kernel.Flags.MSG_DONTWAIT;
import static io.sluice.kernel.Flags.MSG_PEEK;
import static io.sluice.kernel.Flags.MSG_WAITALL;
import static io.sluice.kernel.Flags.O_NOCTTY;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_RDWR;
import static io.sluice.kernel.Flags.POLLIN;
import static io.sluice.kernel.Flags.POLLOUT;
import static io.sluice.kernel.Flags.SOCK_STREAM;
import static io.sluice.kernel.Flags.SOL_SOCKET;
import static io.sluice.kernel.Flags.SO_RCVBUF;
import static io.sluice.kernel.Flags.SO_SNDBUF;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.sluice.conformance.Rig.PipeEnds;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Offset;
import io.sluice.kernel.linux.Signals;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** What splice does with a real kernel's socket buffers, pipe lock and terminals. */
class LinuxSocketTest {
    @OnLinux
    @Holds("H23")
    void slotsFilledFromASocketCanHoldMoreThanThePipesCapacity(Rig rig) {
        int[] socket = rig.tcp();
        PipeEnds pipe = rig.pipe(O_NONBLOCK);
        assertThat(rig.kernel().setsockopt(socket[1], SOL_SOCKET, SO_RCVBUF, 1 << 20))
                .isZero();
        assertThat(rig.kernel().setsockopt(socket[0], SOL_SOCKET, SO_SNDBUF, 1 << 20))
                .isZero();
        assertThat(rig.kernel().write(socket[0], room(150_000))).isEqualTo(150_000);
        MemorySegment all = room(150_000);
        assertThat(rig.kernel().recv(socket[1], all, MSG_PEEK | MSG_WAITALL)).isEqualTo(150_000);

        // One call moves no more than the free slots times a page; where slots are larger, it leaves some free.
        long moved = rig.kernel().splice(socket[1], null, pipe.w(), null, 1 << 20, 0);
        assertThat(moved).isEqualTo(65536);
        long more = rig.kernel().splice(socket[1], null, pipe.w(), null, 1 << 20, 0);
        assumeThat(more)
                .as("bytes beyond the capacity, if this kernel's socket buffers are larger than a page")
                .isPositive();
        moved += more;

        assertThat(rig.kernel().fionread(pipe.r())).isEqualTo(moved);
        assertThat(rig.kernel().fcntl(pipe.r(), F_GETPIPE_SZ, 0)).isEqualTo(65536);
        assertThat(rig.kernel().read(pipe.r(), room(1 << 20))).isEqualTo(moved);
    }

    @OnLinux
    @Holds("H25")
    void aSpliceAsleepInASocketHoldsThePipesLock(Rig rig) throws IOException {
        int[] socket = rig.tcp();
        PipeEnds pipe = rig.pipe(O_NONBLOCK);
        rig.write(pipe.w(), "abc");
        Pending splice = rig.start(() -> rig.kernel().splice(socket[1], null, pipe.w(), null, 10, 0))
                .mustSleep();

        Pending read = stalled(rig, () -> rig.kernel().read(pipe.r(), room(2)));
        Pending question = stalled(rig, () -> rig.kernel().fionread(pipe.r()));
        assertThat(rig.kernel().poll(pipe.r(), POLLIN, 0)).isEqualTo(POLLIN);
        assertThat(rig.kernel().poll(pipe.w(), POLLOUT, 0)).isEqualTo(POLLOUT);

        rig.write(socket[0], "de");
        assertThat(splice.answer()).isEqualTo(2);
        assertThat(read.answer()).isEqualTo(2);
        assertThat(question.answer()).isIn(5L, 3L); // before or after the read
    }

    @OnLinux
    @Holds("H25")
    void aSpliceAsleepForSendSpaceHoldsThePipesLock(Rig rig) throws IOException {
        int[] socket = rig.socketpair(AF_UNIX, SOCK_STREAM);
        PipeEnds pipe = rig.pipe();
        while (rig.kernel().send(socket[0], room(4096), MSG_DONTWAIT) > 0) {
            assertThat(rig.kernel().poll(socket[1], POLLIN, 0)).isEqualTo(POLLIN);
        }
        rig.write(pipe.w(), "abc");
        Pending splice = rig.start(() -> rig.kernel().splice(pipe.r(), null, socket[0], null, 3, 0))
                .mustSleep();

        Pending write = stalled(rig, () -> rig.kernel().write(pipe.w(), room(2)));

        rig.close(socket[1]);
        assertErrno(splice.answer(), Errno.ECONNRESET);
        assertThat(write.answer()).isEqualTo(2);
        assertThat(rig.kernel().fionread(pipe.r())).isEqualTo(5);
    }

    /** A call that is in uninterruptible sleep: state D of its thread. */
    private static Pending stalled(Rig rig, LongSupplier call) throws IOException {
        CompletableFuture<Integer> thread = new CompletableFuture<>();
        Pending pending = rig.start(() -> {
            thread.complete(Signals.currentThread());
            return call.getAsLong();
        });
        Path stat = Path.of("/proc/self/task/" + thread.join() + "/stat");
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(3);
        String state;
        do {
            assertThat(System.nanoTime()).as("time to stall").isLessThan(deadline);
            state = Files.readString(stat); // "id (name) D …"
        } while (state.charAt(state.lastIndexOf(')') + 2) != 'D');
        return pending;
    }

    /**
     * A pseudo terminal's master alone: what is written to it goes to the line discipline, which echoes it back with
     * carriage returns.
     */
    @OnLinux
    @Holds("I10")
    void aTerminalTakesAndGivesBytesThroughItsLineDisciplineButNoOffset(Rig rig) {
        long opened = rig.kernel().open("/dev/ptmx", O_RDWR | O_NOCTTY, 0);
        assumeThat(opened).as("a terminal, where /dev has any").isNotNegative();
        int terminal = rig.keep(opened);
        PipeEnds pipe = rig.pipe();
        PipeEnds back = rig.pipe();
        rig.write(pipe.w(), "hi\n");

        assertErrno(rig.kernel().splice(pipe.r(), null, terminal, new Offset(0), 3, 0), Errno.EINVAL);
        assertErrno(rig.kernel().splice(terminal, new Offset(0), back.w(), null, 3, 0), Errno.EINVAL);
        assertThat(rig.kernel().splice(pipe.r(), null, terminal, null, 3, 0)).isEqualTo(3);

        assertThat(rig.kernel().poll(terminal, POLLIN, 3000)).isEqualTo(POLLIN);
        StringBuilder echoed = new StringBuilder();
        while (echoed.length() < 4) {
            assertThat(rig.kernel().splice(terminal, null, back.w(), null, 100, 0))
                    .isPositive();
            echoed.append(rig.read(back.r()));
        }
        assertThat(echoed).hasToString("hi\r\n");
    }
}
