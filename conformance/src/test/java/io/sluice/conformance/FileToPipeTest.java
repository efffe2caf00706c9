// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static io.sluice.conformance.Rig.bytes;
import static io.sluice.conformance.Rig.room;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.sluice.conformance.Rig.PipeEnds;
import io.sluice.kernel.Capabilities.Outcome;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Flags;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Offset;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** Files as the source of splice, by more ways of opening and changing them than the scenario language has. */
class FileToPipeTest {
    private static final int PAGE = 4096;

    @OnEachKernel
    @Holds("E09")
    void aMemoryFilesLaterBytesAreReadToo(Rig rig) {
        assumeSpliceShares(rig);
        PipeEnds pipe = rig.pipe();
        int file = rig.keep(rig.kernel().memfdCreate("pages", 0));
        rig.write(file, "abcdef");
        assertThat(rig.kernel().splice(file, new Offset(0), pipe.w(), null, 6, 0))
                .isEqualTo(6);

        assertThat(rig.kernel().pwrite(file, bytes("XY"), 1)).isEqualTo(2);

        assertThat(rig.read(pipe.r())).isEqualTo("aXYdef");
    }

    @OnEachKernel
    @Holds("E17")
    void unlinkingAndClosingTheFileLeavesThePipeItsBytes(Rig rig) {
        Kernel kernel = rig.kernel();
        PipeEnds pipe = rig.pipe();
        String path = rig.path();
        int file = rig.keep(kernel.open(path, Flags.O_CREAT | Flags.O_RDWR, 0600));
        rig.write(file, "abcdef");
        assertThat(kernel.splice(file, new Offset(0), pipe.w(), null, 6, 0)).isEqualTo(6);

        assertThat(kernel.unlink(path)).isZero();
        rig.close(file);

        assertThat(rig.read(pipe.r())).isEqualTo("abcdef");
    }

    @OnEachKernel
    @Holds("E20")
    void aFileOpenedWithoutTheCacheIsCopied(Rig rig) {
        Kernel kernel = rig.kernel();
        PipeEnds pipe = rig.pipe();
        int cached = rig.file("a".repeat(PAGE), Flags.O_RDWR);
        assertThat(kernel.fsync(cached)).isZero();
        long direct = kernel.open("/proc/self/fd/" + cached, Flags.O_RDONLY | Flags.O_DIRECT, 0);
        assumeThat(direct).as("O_DIRECT on this file system").isNotNegative();
        rig.keep(direct);
        assertThat(kernel.splice((int) direct, null, pipe.w(), null, PAGE, 0)).isEqualTo(PAGE);

        assertThat(kernel.pwrite(cached, bytes("ZZ"), 0)).isEqualTo(2);

        assertThat(rig.read(pipe.r())).startsWith("aaa");
    }

    @OnEachKernel
    @Holds("E28")
    void sendfileFollowsTheSameRulesForSlotsAndReferences(Rig rig) {
        assumeSpliceShares(rig);
        Kernel kernel = rig.kernel();
        PipeEnds pipe = rig.pipe();
        assertThat(kernel.fcntl(pipe.w(), Flags.F_SETPIPE_SZ, 2 * PAGE)).isEqualTo(2 * PAGE);
        int file = rig.file("a".repeat(3 * PAGE), Flags.O_RDWR);
        Offset offset = new Offset(PAGE - 2);

        assertThat(kernel.sendfile(pipe.w(), file, offset, 4)).isEqualTo(4);

        assertThat(offset.value()).isEqualTo(PAGE + 2);
        assertThat(kernel.lseek(file, 0, Flags.SEEK_CUR)).isZero();
        assertThat(kernel.poll(pipe.w(), Flags.POLLOUT, 0))
                .as("two slots taken")
                .isZero();
        assertThat(kernel.pwrite(file, bytes("ZZ"), PAGE - 1)).isEqualTo(2);
        assertThat(rig.read(pipe.r())).isEqualTo("aZZa");
    }

    @OnEachKernel
    @Holds("E28")
    void sendfileWaitsForRoomUnlessThePipeForbidsIt(Rig rig) {
        Kernel kernel = rig.kernel();
        PipeEnds pipe = rig.pipe(Flags.O_NONBLOCK);
        assertThat(kernel.fcntl(pipe.w(), Flags.F_SETPIPE_SZ, PAGE)).isEqualTo(PAGE);
        int file = rig.file("abc", Flags.O_RDONLY);
        rig.write(pipe.w(), "x");

        Rig.assertErrno(kernel.sendfile(pipe.w(), file, null, 3), Errno.EAGAIN);

        assertThat(kernel.lseek(file, 0, Flags.SEEK_CUR)).isZero();
    }

    /** What file systems keep in one large folio is zeroed as one; nothing says which do, so both are right. */
    @OnEachKernel
    @Holds("E29")
    void aPageBehindTheCutIsOldOrZeroedButNothingElse(Rig rig) {
        Kernel kernel = rig.kernel();
        PipeEnds pipe = rig.pipe();
        int file = rig.file("", Flags.O_RDWR);
        assertThat(kernel.write(file, room(2 * PAGE).fill((byte) 'a'))).isEqualTo(2 * PAGE);
        assertThat(kernel.splice(file, new Offset(0), pipe.w(), null, 2 * PAGE, 0))
                .isEqualTo(2 * PAGE);

        assertThat(kernel.ftruncate(file, PAGE)).isZero();

        MemorySegment read = room(2 * PAGE);
        assertThat(kernel.read(pipe.r(), read)).isEqualTo(2 * PAGE);
        assertThat(read.asSlice(0, PAGE).mismatch(room(PAGE).fill((byte) 'a'))).isEqualTo(-1);
        MemorySegment behind = read.asSlice(PAGE, PAGE);
        boolean old = behind.mismatch(room(PAGE).fill((byte) 'a')) == -1;
        boolean zeroed = behind.mismatch(room(PAGE)) == -1;
        assertThat(List.of(old, zeroed)).containsExactlyInAnyOrder(true, false);
    }

    @OnEachKernel
    @Holds("E33")
    void aFileWrittenAnewHasNewPages(Rig rig) {
        Kernel kernel = rig.kernel();
        PipeEnds pipe = rig.pipe();
        String path = rig.path();
        int file = rig.keep(kernel.open(path, Flags.O_CREAT | Flags.O_RDWR, 0600));
        rig.write(file, "abcdef");
        assertThat(kernel.splice(file, new Offset(0), pipe.w(), null, 6, 0)).isEqualTo(6);

        int anew = rig.keep(kernel.open(path, Flags.O_WRONLY | Flags.O_TRUNC, 0));
        rig.write(anew, "uvwxyz");

        assertThat(rig.read(pipe.r())).isEqualTo("abcdef");
    }

    private static void assumeSpliceShares(Rig rig) {
        assumeThat(rig.kernel().capabilities().splice().outcome()).isEqualTo(Outcome.SHARES);
    }
}
