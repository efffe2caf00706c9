// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.linux;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.EBADF;
import static io.sluice.kernel.Errno.EBUSY;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.EPIPE;
import static io.sluice.kernel.Errno.ESPIPE;
import static io.sluice.kernel.Flags.FD_CLOEXEC;
import static io.sluice.kernel.Flags.F_GETFD;
import static io.sluice.kernel.Flags.F_GETFL;
import static io.sluice.kernel.Flags.F_GETPIPE_SZ;
import static io.sluice.kernel.Flags.F_SETFL;
import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_DIRECT;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.kernel.Capabilities.Outcome;
import io.sluice.kernel.Offset;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Pipes and the splice family against the kernel of this machine. */
final class LinuxPipesTest extends OnLinux {

    @Test
    void aPipeHasTheFlagsItWasMadeWith() {
        int[] plain = new int[2];
        ok(kernel.pipe2(plain, 0));
        assertThat(kernel.fcntl(plain[0], F_GETFD, 0)).isZero();
        assertThat(kernel.fcntl(plain[0], F_GETFL, 0)).isZero();
        assertThat(kernel.fcntl(plain[1], F_GETFL, 0)).isEqualTo(O_WRONLY);
        ok(kernel.close(plain[0]));
        ok(kernel.close(plain[1]));

        int[] flagged = pipe(O_CLOEXEC | O_NONBLOCK | O_DIRECT);
        assertThat(kernel.fcntl(flagged[0], F_GETFD, 0)).isEqualTo(FD_CLOEXEC);
        assertThat(kernel.fcntl(flagged[1], F_GETFD, 0)).isEqualTo(FD_CLOEXEC);
        assertThat(kernel.fcntl(flagged[0], F_GETFL, 0)).isEqualTo(O_NONBLOCK); // [A03]
        assertThat(kernel.fcntl(flagged[1], F_GETFL, 0)).isEqualTo(O_WRONLY | O_NONBLOCK | O_DIRECT);
    }

    @Test
    void aRefusedPipeLeavesTheArrayAlone() {
        int[] fds = {-7, -8};
        assertThat(kernel.pipe2(fds, 0x40000000)).isEqualTo(-EINVAL);
        assertThat(fds).containsExactly(-7, -8);
        assertThatThrownBy(() -> kernel.pipe2(new int[1], 0)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void aSizeIsRoundedUpAndReadBack() {
        int[] pipe = pipe(O_NONBLOCK);
        int page = kernel.capabilities().pageSizeBytes();
        assertThat(kernel.fcntl(pipe[1], F_SETPIPE_SZ, page + 1)).isEqualTo(2L * page); // [C01]
        assertThat(kernel.fcntl(pipe[0], F_GETPIPE_SZ, 0)).isEqualTo(2L * page);
        ok(kernel.write(pipe[1], arena.allocate(2L * page)));
        assertThat(kernel.fcntl(pipe[0], F_SETPIPE_SZ, page)).isEqualTo(-EBUSY);
        assertThat(kernel.fcntl(pipe[0], F_SETPIPE_SZ, -1)).isEqualTo(-EINVAL); // [C02]
    }

    @Test
    void fionreadCountsWhatWaits() {
        int[] pipe = pipe(O_NONBLOCK);
        assertThat(kernel.fionread(pipe[0])).isZero();
        assertThat(kernel.write(pipe[1], text("seven b"))).isEqualTo(7);
        assertThat(kernel.fionread(pipe[0])).isEqualTo(7);
        assertThat(kernel.fionread(-1)).isEqualTo(-EBADF);
    }

    @Test
    void inPacketModeAReadEndsWithItsPacket() {
        int[] pipe = pipe(O_NONBLOCK | O_DIRECT);
        ok(kernel.write(pipe[1], text("first")));
        ok(kernel.write(pipe[1], text("second")));
        assertThat(readText(pipe[0])).isEqualTo("first");
        MemorySegment three = arena.allocate(3);
        assertThat(kernel.read(pipe[0], three)).isEqualTo(3);
        assertThat(kernel.read(pipe[0], three)).isEqualTo(-EAGAIN); // the packet's rest is dropped [C11]
        assertThat(kernel.fcntl(pipe[1], F_SETFL, O_NONBLOCK)).isZero();
        assertThat(kernel.fcntl(pipe[1], F_GETFL, 0)).isEqualTo(O_WRONLY | O_NONBLOCK);
    }

    @Test
    void bytesGoInAndComeOut() {
        int[] pipe = pipe(O_NONBLOCK);
        assertThat(kernel.write(pipe[1], text("hello "))).isEqualTo(6);
        assertThat(kernel.writev(pipe[1], List.of(text("wide"), text(" "), text("world"))))
                .isEqualTo(10);
        MemorySegment a = arena.allocate(8);
        MemorySegment b = arena.allocate(100);
        assertThat(kernel.readv(pipe[0], List.of(a, b))).isEqualTo(16);
        assertThat(string(a)).isEqualTo("hello wi");
        assertThat(string(b.asSlice(0, 8))).isEqualTo("de world");
        assertThat(kernel.pread(pipe[0], a, 0)).isEqualTo(-ESPIPE);
        assertThat(kernel.pwrite(pipe[1], a, 0)).isEqualTo(-ESPIPE);
        ok(kernel.close((int) ok(kernel.dup(pipe[1]))));
    }

    @Test
    void spliceMovesFromAnOffsetAndAdvancesIt() {
        int file = opened(kernel.memfdCreate("source", 0));
        ok(kernel.write(file, text("0123456789")));
        int[] pipe = pipe(O_NONBLOCK);
        Offset from = new Offset(4);
        assertThat(kernel.splice(file, from, pipe[1], null, 5, SPLICE_F_NONBLOCK))
                .isEqualTo(5);
        assertThat(from.value()).isEqualTo(9);

        int target = opened(kernel.memfdCreate("target", 0));
        Offset to = new Offset(2);
        assertThat(kernel.splice(pipe[0], null, target, to, 100, SPLICE_F_NONBLOCK))
                .isEqualTo(5);
        assertThat(to.value()).isEqualTo(7);
        MemorySegment room = arena.allocate(20);
        assertThat(kernel.pread(target, room, 0)).isEqualTo(7);
        assertThat(string(room.asSlice(0, 7))).isEqualTo("\0\0" + "45678");
    }

    @Test
    void anOffsetStaysWhereItWasWhenNothingMoves() {
        int file = opened(kernel.memfdCreate("source", 0));
        int[] pipe = pipe(O_NONBLOCK);
        Offset offset = new Offset(12);
        assertThat(kernel.splice(file, offset, pipe[1], null, 5, 0)).isZero();
        assertThat(kernel.splice(pipe[0], offset, pipe[1], null, 5, 0)).isEqualTo(-ESPIPE);
        assertThat(kernel.splice(-1, offset, pipe[1], null, 5, 0)).isEqualTo(-EBADF);
        assertThat(offset.value()).isEqualTo(12);
        assertThat(kernel.splice(file, new Offset(-1), pipe[1], null, 5, 0)).isEqualTo(-EINVAL);
    }

    @Test
    void teeLeavesTheSourceUntouched() {
        int[] source = pipe(O_NONBLOCK);
        int[] target = pipe(O_NONBLOCK);
        assertThat(kernel.tee(source[0], target[1], 10, 0)).isEqualTo(-EAGAIN);
        ok(kernel.write(source[1], text("twice")));
        assertThat(kernel.tee(source[0], target[1], 4, SPLICE_F_NONBLOCK)).isEqualTo(4);
        assertThat(readText(target[0])).isEqualTo("twic");
        assertThat(readText(source[0])).isEqualTo("twice");
        assertThat(kernel.tee(source[0], source[1], 4, 0)).isEqualTo(-EINVAL);
    }

    @Test
    void vmspliceWorksInBothDirections() {
        int[] pipe = pipe(O_NONBLOCK);
        assertThat(kernel.vmsplice(pipe[1], List.of(text("memory "), text("to pipe")), SPLICE_F_NONBLOCK))
                .isEqualTo(14);
        MemorySegment a = arena.allocate(6);
        MemorySegment b = arena.allocate(50);
        assertThat(kernel.vmsplice(pipe[0], List.of(a, b), SPLICE_F_NONBLOCK)).isEqualTo(14); // [L01]
        assertThat(string(a) + string(b.asSlice(0, 8))).isEqualTo("memory to pipe");
        assertThat(kernel.vmsplice(pipe[1], List.of(), 0)).isZero(); // [K07]
    }

    @Test
    void vmspliceHandsOverMemoryByReference() {
        assumeTrue(
                kernel.capabilities().vmsplice().outcome() == Outcome.SHARES,
                () -> "vmsplice here: " + kernel.capabilities().vmsplice());
        int[] pipe = pipe(O_NONBLOCK);
        MemorySegment memory = text("before");
        ok(kernel.vmsplice(pipe[1], List.of(memory), 0));
        memory.set(ValueLayout.JAVA_BYTE, 0, (byte) 'B');
        assertThat(readText(pipe[0])).isEqualTo("Before"); // [K01]
    }

    @Test
    void aPipeWithoutReaderIsBroken() {
        int[] pipe = new int[2];
        ok(kernel.pipe2(pipe, O_CLOEXEC));
        ok(kernel.close(pipe[0]));
        assertThat(kernel.write(pipe[1], text("x"))).isEqualTo(-EPIPE); // and no SIGPIPE has ended us (pitfall 69)
        assertThat(kernel.vmsplice(pipe[1], List.of(text("x")), 0)).isEqualTo(-EPIPE);
        ok(kernel.close(pipe[1]));
        assertThat(kernel.close(pipe[1])).isEqualTo(-EBADF);
    }
}
