// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Flags.FALLOC_FL_KEEP_SIZE;
import static io.sluice.kernel.Flags.FALLOC_FL_PUNCH_HOLE;
import static io.sluice.kernel.Flags.FALLOC_FL_ZERO_RANGE;
import static io.sluice.kernel.Flags.F_ADD_SEALS;
import static io.sluice.kernel.Flags.F_GETFL;
import static io.sluice.kernel.Flags.F_GET_SEALS;
import static io.sluice.kernel.Flags.F_SEAL_GROW;
import static io.sluice.kernel.Flags.F_SEAL_SEAL;
import static io.sluice.kernel.Flags.F_SEAL_WRITE;
import static io.sluice.kernel.Flags.O_APPEND;
import static io.sluice.kernel.Flags.O_CREAT;
import static io.sluice.kernel.Flags.O_DIRECT;
import static io.sluice.kernel.Flags.O_LARGEFILE;
import static io.sluice.kernel.Flags.O_RDWR;
import static io.sluice.kernel.Flags.SEEK_DATA;
import static io.sluice.kernel.Flags.SEEK_HOLE;
import static io.sluice.kernel.Flags.SEEK_SET;
import static io.sluice.kernel.Flags.SPLICE_F_GIFT;
import static io.sluice.kernel.Flags.SPLICE_F_MOVE;
import static io.sluice.kernel.user.Machine.PAGE;
import static io.sluice.kernel.user.Machine.answer;
import static io.sluice.kernel.user.Machine.bytes;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Offset;
import io.sluice.kernel.Stat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Files in memory: what reads, writes and splices do to their pages. */
class MemoryFileTest {
    /** The two kinds of memory file. */
    enum Kind {
        NAMED,
        MEMFD;

        int make(Machine machine) {
            return this == NAMED ? machine.file() : machine.memfd();
        }
    }

    @ParameterizedTest
    @EnumSource
    void takesOneSlotForEachPageThatASpliceTouches(Kind kind) {
        try (Machine m = new Machine()) {
            int file = kind.make(m);
            m.write(file, "x".repeat(3 * PAGE));
            int[] pipe = m.pipe();
            assertThat(m.kernel.splice(file, new Offset(4000), pipe[1], null, 200, 0))
                    .isEqualTo(200);
            assertThat(m.slots(pipe[0])).isEqualTo(2);
        }
    }

    @ParameterizedTest
    @EnumSource
    void showsALaterWriteInThePipe(Kind kind) {
        try (Machine m = new Machine()) {
            int file = kind.make(m);
            m.write(file, "before");
            int[] pipe = m.pipe();
            m.kernel.splice(file, new Offset(0), pipe[1], null, 6, 0);
            m.pwrite(file, "AFT", 0);
            assertThat(m.read(pipe[0], 9)).isEqualTo("AFTore");
        }
    }

    @ParameterizedTest
    @EnumSource
    void zeroesTheCutPartInPlaceAndLeavesWholePagesToThePipe(Kind kind) {
        try (Machine m = new Machine()) {
            int file = kind.make(m);
            m.write(file, "a".repeat(PAGE));
            m.write(file, "b".repeat(PAGE));
            int[] pipe = m.pipe();
            m.kernel.splice(file, new Offset(0), pipe[1], null, 2 * PAGE, 0);
            assertThat(m.kernel.ftruncate(file, 10)).isZero();
            assertThat(m.read(pipe[0], PAGE)).isEqualTo("a".repeat(10) + "\0".repeat(PAGE - 10)); // [E14]
            assertThat(m.read(pipe[0], PAGE)).isEqualTo("b".repeat(PAGE)); // [E12]
            assertThat(m.kernel.ftruncate(file, 20)).isZero();
            assertThat(m.pread(file, 99, 0)).isEqualTo("a".repeat(10) + "\0".repeat(10));
        }
    }

    @ParameterizedTest
    @EnumSource
    void keepsPunchedPagesInThePipeAndZeroesParts(Kind kind) {
        try (Machine m = new Machine()) {
            int file = kind.make(m);
            m.write(file, "a".repeat(3 * PAGE));
            int[] pipe = m.pipe();
            m.kernel.splice(file, new Offset(0), pipe[1], null, 3 * PAGE, 0);
            int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
            assertThat(m.kernel.fallocate(file, punch, 100, 2 * PAGE)).isZero();
            String zeros = "\0".repeat(PAGE - 100);
            assertThat(m.read(pipe[0], PAGE)).isEqualTo("a".repeat(100) + zeros);
            assertThat(m.read(pipe[0], PAGE)).isEqualTo("a".repeat(PAGE));
            assertThat(m.read(pipe[0], PAGE)).isEqualTo("\0".repeat(100) + "a".repeat(PAGE - 100));
            assertThat(m.pread(file, PAGE, PAGE)).isEqualTo("\0".repeat(PAGE));
        }
    }

    @Test
    void fillsAHoleUnderThePipeOnDiskAndNotInAMemfd() {
        try (Machine m = new Machine()) {
            for (Kind kind : Kind.values()) {
                int file = kind.make(m);
                m.kernel.ftruncate(file, PAGE);
                int[] pipe = m.pipe();
                m.kernel.splice(file, new Offset(0), pipe[1], null, 4, 0);
                m.pwrite(file, "data", 0);
                assertThat(m.read(pipe[0], 4)).isEqualTo(kind == Kind.NAMED ? "data" : "\0\0\0\0"); // [E18]
                assertThat(m.pread(file, 4, 0)).isEqualTo("data");
            }
        }
    }

    @Test
    void isAsSparseAsOffsetsGo() {
        try (Machine m = new Machine()) {
            int file = m.memfd();
            assertThat(m.pwrite(file, "z", Long.MAX_VALUE - 1)).isEqualTo(1);
            assertThat(answer(m.pwrite(file, "z", Long.MAX_VALUE))).isEqualTo("EINVAL");
            assertThat(m.pwrite(file, "a", 1L << 40)).isEqualTo(1);
            assertThat(m.pages()).isEqualTo(2);
            assertThat(m.pread(file, 3, (1L << 40) - 1)).isEqualTo("\0a\0");
            assertThat(m.kernel.lseek(file, 5, SEEK_DATA)).isEqualTo(1L << 40);
            assertThat(m.kernel.lseek(file, 1L << 40, SEEK_HOLE)).isEqualTo((1L << 40) + PAGE);
            assertThat(m.kernel.lseek(file, (1L << 40) + PAGE, SEEK_DATA)).isEqualTo(Long.MAX_VALUE / PAGE * PAGE);
            assertThat(answer(m.kernel.lseek(file, Long.MAX_VALUE, SEEK_HOLE))).isEqualTo("ENXIO");
            assertThat(m.kernel.ftruncate(file, Long.MAX_VALUE)).isZero();
            assertThat(m.kernel.ftruncate(file, 1)).isZero();
            assertThat(m.pages()).isZero();
        }
    }

    @Test
    void endsWhereTheFileSystemEnds() {
        long most = 0xffffffffL * PAGE;
        try (Machine m = new Machine()) {
            int file = m.file();
            assertThat(m.pwrite(file, "ab", most - 1)).isEqualTo(1);
            assertThat(answer(m.pwrite(file, "ab", most))).isEqualTo("EFBIG");
            assertThat(answer(m.kernel.ftruncate(file, most + 1))).isEqualTo("EFBIG");
            assertThat(answer(m.kernel.lseek(file, most + 1, SEEK_SET))).isEqualTo("EINVAL");
            assertThat(m.sigxfszs()).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource
    void writesUpToTheLimitOfSizeAndCountsTheSignalBeyondIt(Kind kind) {
        try (Machine m = new Machine(UserKernel.builder().fileSizeLimit(5000))) {
            int file = kind.make(m);
            assertThat(m.write(file, "x".repeat(6000))).isEqualTo(5000);
            assertThat(m.sigxfszs()).isZero();
            assertThat(answer(m.write(file, "x"))).isEqualTo("EFBIG");
            assertThat(m.sigxfszs()).isEqualTo(1);
            assertThat(answer(m.kernel.ftruncate(file, 5001))).isEqualTo("EFBIG");
            assertThat(m.sigxfszs()).isEqualTo(2);
            int[] pipe = m.pipe();
            m.write(pipe[1], "0123456789");
            assertThat(m.kernel.splice(pipe[0], null, file, new Offset(4995), 10, 0))
                    .isEqualTo(5); // [F08]
            assertThat(answer(m.kernel.splice(pipe[0], null, file, new Offset(5000), 10, 0)))
                    .isEqualTo("EFBIG");
            assertThat(m.read(pipe[0], 10)).isEqualTo("56789");
        }
    }

    @Test
    void refusesWhatIsSealed() {
        try (Machine m = new Machine()) {
            int file = m.memfd();
            m.write(file, "x".repeat(6000));
            assertThat(m.kernel.fcntl(file, F_ADD_SEALS, F_SEAL_GROW)).isZero();
            assertThat(m.pwrite(file, "y".repeat(3000), 4000)).isEqualTo(96); // up to the page that would grow
            assertThat(m.pwrite(file, "y".repeat(3000), 2000)).isEqualTo(3000);
            assertThat(answer(m.pwrite(file, "y".repeat(3000), 5000))).isEqualTo("EPERM");
            assertThat(answer(m.kernel.ftruncate(file, 7000))).isEqualTo("EPERM");
            assertThat(m.kernel.fcntl(file, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL))
                    .isZero();
            assertThat(answer(m.kernel.fcntl(file, F_ADD_SEALS, 1))).isEqualTo("EPERM");
            int[] pipe = m.pipe();
            m.write(pipe[1], "data");
            assertThat(answer(m.kernel.splice(pipe[0], null, file, null, 4, 0))).isEqualTo("EPERM"); // [F11]
            assertThat(m.read(pipe[0], 4)).isEqualTo("data");
            assertThat(answer(m.kernel.fcntl(m.file(), F_GET_SEALS, 0))).isEqualTo("EINVAL");
        }
    }

    @ParameterizedTest
    @EnumSource
    void writesWhatComesBeforeMemoryThatCannotBeReached(Kind kind) {
        MemorySegment gone;
        try (Arena arena = Arena.ofShared()) {
            gone = arena.allocate(10);
        }
        try (Machine m = new Machine()) {
            int file = kind.make(m);
            assertThat(m.kernel.writev(file, List.of(bytes("hello"), gone))).isEqualTo(5);
            assertThat(answer(m.kernel.write(file, gone))).isEqualTo("EFAULT");
            m.kernel.lseek(file, 0, SEEK_SET);
            MemorySegment here = Arena.ofAuto().allocate(3);
            assertThat(m.kernel.readv(file, List.of(here, gone))).isEqualTo(3);
            assertThat(m.read(file, 9)).isEqualTo("lo");
        }
    }

    @ParameterizedTest
    @EnumSource
    void consumesNothingWhenMemoryIsUsedUp(Kind kind) {
        try (Machine m = new Machine(UserKernel.builder().pages(3))) {
            int file = kind.make(m);
            assertThat(m.write(file, "x".repeat(2 * PAGE))).isEqualTo(2 * PAGE);
            int[] pipe = m.pipe();
            assertThat(m.write(pipe[1], "data")).isEqualTo(4);
            assertThat(answer(m.kernel.splice(pipe[0], null, file, null, 4, 0))).isEqualTo("ENOMEM");
            assertThat(answer(m.kernel.fallocate(file, 0, 0, 3 * PAGE))).isEqualTo("ENOMEM");
            assertThat(m.read(pipe[0], 9)).isEqualTo("data");
            assertThat(m.write(file, "x".repeat(2 * PAGE))).isEqualTo(PAGE);
            assertThat(answer(m.write(file, "x"))).isEqualTo("ENOMEM");
        }
    }

    @Test
    void keepsFallocatedMemoryForLaterWrites() {
        try (Machine m = new Machine(UserKernel.builder().pages(2))) {
            int file = m.memfd();
            assertThat(m.kernel.fallocate(file, 0, 0, 2 * PAGE)).isZero();
            assertThat(m.pages()).isEqualTo(2);
            assertThat(answer(m.kernel.lseek(file, 0, SEEK_DATA))).isEqualTo("ENXIO"); // still a hole
            assertThat(m.write(file, "x".repeat(2 * PAGE))).isEqualTo(2 * PAGE);
            assertThat(answer(m.kernel.fallocate(file, FALLOC_FL_ZERO_RANGE, 0, 9)))
                    .isEqualTo("EOPNOTSUPP");
        }
    }

    @Test
    void copiesAGiftAsLinuxAndTakesItOverAsThePagesPromise() {
        for (UserKernel.Profile profile : UserKernel.Profile.values()) {
            try (Machine m = new Machine(UserKernel.builder().profile(profile))) {
                MemorySegment[] out = new MemorySegment[1];
                assertThat(m.kernel.mmap(2 * PAGE, false, out)).isZero();
                out[0].fill((byte) 'g');
                int[] pipe = m.pipe();
                int file = m.memfd();
                m.write(file, "x".repeat(PAGE));
                m.kernel.vmsplice(pipe[1], List.of(out[0].asSlice(PAGE, PAGE)), SPLICE_F_GIFT);
                assertThat(m.kernel.splice(pipe[0], null, file, new Offset(0), PAGE, SPLICE_F_MOVE))
                        .isEqualTo(PAGE);
                out[0].set(JAVA_BYTE, PAGE, (byte) 'h');
                boolean moved = profile == UserKernel.Profile.MAN_PAGES;
                assertThat(m.pread(file, 2, 0)).isEqualTo(moved ? "hg" : "gg"); // [F07]
                assertThat(m.kernel.munmap(out[0])).isZero();
                assertThat(m.pread(file, 2, 0)).isEqualTo(moved ? "hg" : "gg");
                assertThat(m.pwrite(file, "new", 0)).isEqualTo(3);
                assertThat(m.pread(file, 4, 0)).isEqualTo("newg");
            }
        }
    }

    @Test
    void appendsEvenWhereAPositionWasGiven() {
        try (Machine m = new Machine()) {
            int file = m.open("/tmp/log", O_CREAT | O_RDWR | O_APPEND);
            m.write(file, "one");
            assertThat(m.pwrite(file, "two", 0)).isEqualTo(3);
            assertThat(m.read(file, 9)).isEqualTo("two"); // the position stood behind the first write
            assertThat(m.kernel.fcntl(file, F_GETFL, 0)).isEqualTo(O_RDWR | O_APPEND | O_LARGEFILE);
            m.kernel.unlink("/tmp/log");
            assertThat(m.pread(file, 9, 0)).isEqualTo("onetwo"); // [E17]
        }
    }

    @Test
    void sharesNothingWhenOpenWithODirect() {
        try (Machine m = new Machine()) {
            int file = m.open("/tmp/direct", O_CREAT | O_RDWR | O_DIRECT);
            m.kernel.unlink("/tmp/direct");
            m.write(file, "x".repeat(2 * PAGE));
            int[] pipe = m.pipe();
            assertThat(m.kernel.splice(file, new Offset(100), pipe[1], null, PAGE, 0))
                    .isEqualTo(PAGE);
            assertThat(m.slots(pipe[0])).isEqualTo(1);
            m.pwrite(file, "y", 100);
            assertThat(m.read(pipe[0], 1)).isEqualTo("x"); // [E20]
        }
    }

    @Test
    void copiesRangesWithTheChecksOfTheKernel() {
        try (Machine m = new Machine()) {
            int in = m.file();
            int out = m.file();
            m.write(in, "0123456789".repeat(900));
            m.kernel.lseek(in, 0, SEEK_SET);
            assertThat(m.kernel.copyFileRange(in, null, out, null, 100, 0)).isEqualTo(100);
            assertThat(m.kernel.copyFileRange(in, null, out, null, Long.MIN_VALUE, 0))
                    .isEqualTo(8900); // a huge size_t
            assertThat(m.pread(out, 9000, 0)).isEqualTo("0123456789".repeat(900));
            assertThat(range(m, in, 0, out, 0, 10, 1)).isEqualTo("EINVAL");
            assertThat(range(m, in, -1, out, 0, 10, 0)).isEqualTo("EOVERFLOW");
            assertThat(range(m, in, 0, out, 1L << 62, 10, 0)).isEqualTo("EFBIG");
            assertThat(range(m, in, 100000, out, 0, 10, 0)).isEqualTo("0");
            assertThat(range(m, in, 0, in, 50, 100, 0)).isEqualTo("EINVAL");
            assertThat(range(m, in, 0, in, 9000, 5000, 0)).isEqualTo("5000");
            assertThat(range(m, in, 0, m.memfd(), 0, 10, 0)).isEqualTo("EXDEV");
            assertThat(range(m, m.open("/tmp", 0), 0, out, 0, 10, 0)).isEqualTo("EISDIR");
            assertThat(range(m, m.pipe()[0], 0, out, 0, 10, 0)).isEqualTo("EINVAL");
        }
    }

    private static String range(Machine m, int in, long from, int out, long to, long len, int flags) {
        return answer(m.kernel.copyFileRange(in, new Offset(from), out, new Offset(to), len, flags));
    }

    @Test
    void tellsLaterChangesByItsTime() {
        try (Machine m = new Machine()) {
            int file = m.file();
            Stat before = new Stat();
            Stat after = new Stat();
            m.kernel.fstat(file, before);
            m.write(file, "x");
            m.kernel.fstat(file, after);
            assertThat(after.mtimeNanos()).isGreaterThan(before.mtimeNanos()); // [F19]
            assertThat(after.ino()).isEqualTo(before.ino());
            assertThat(after.size()).isEqualTo(1);
            assertThat(after.nlink()).isZero();
        }
    }
}
