// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static io.sluice.conformance.Rig.assertErrno;
import static io.sluice.conformance.Rig.room;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.sluice.conformance.Rig.PipeEnds;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Flags;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Offset;
import java.time.Duration;

/** Files as the sink of splice, by more ways of opening and changing them than the scenario language has. */
class PipeToFileTest {
    private static final int PAGE = 4096;

    @OnEachKernel
    @Holds("F11")
    void aFileSealedAgainstWritingTakesNothing(Rig rig) {
        Kernel kernel = rig.kernel();
        PipeEnds pipe = rig.pipe();
        rig.write(pipe.w(), "abc");
        int file = rig.keep(kernel.memfdCreate("sealed", Flags.MFD_ALLOW_SEALING));
        rig.write(file, "xyz");
        assertThat(kernel.fcntl(file, Flags.F_ADD_SEALS, Flags.F_SEAL_WRITE)).isZero();

        assertErrno(kernel.splice(pipe.r(), null, file, new Offset(0), 3, 0), Errno.EPERM);

        assertThat(rig.read(pipe.r())).isEqualTo("abc");
    }

    @OnEachKernel
    @Holds("F11")
    void aFileSealedAgainstGrowingTakesOnlyWhatItHasRoomFor(Rig rig) {
        Kernel kernel = rig.kernel();
        PipeEnds pipe = rig.pipe();
        rig.write(pipe.w(), "abcdef");
        int file = rig.keep(kernel.memfdCreate("sealed", Flags.MFD_ALLOW_SEALING));
        rig.write(file, "xyz");
        assertThat(kernel.fcntl(file, Flags.F_ADD_SEALS, Flags.F_SEAL_GROW)).isZero();

        assertErrno(kernel.splice(pipe.r(), null, file, new Offset(3), 3, 0), Errno.EPERM);
        assertThat(kernel.splice(pipe.r(), null, file, new Offset(0), 3, 0)).isEqualTo(3);

        assertThat(rig.read(pipe.r())).isEqualTo("def");
        assertThat(rig.stat(file).size()).isEqualTo(3);
    }

    @OnEachKernel
    @Holds("F19")
    void sizeAndTimeOfTheFileChange(Rig rig) {
        Kernel kernel = rig.kernel();
        PipeEnds pipe = rig.pipe();
        int file = rig.file("", Flags.O_RDWR);
        long before = rig.stat(file).mtimeNanos();
        long deadline = System.nanoTime() + Duration.ofSeconds(3).toNanos();

        // The clock of a file system may be coarse, so one splice may fall into the tick of the file's making.
        int splices = 0;
        do {
            rig.write(pipe.w(), "abc");
            assertThat(kernel.splice(pipe.r(), null, file, null, 3, 0)).isEqualTo(3);
            splices++;
            assertThat(System.nanoTime()).as("the time changes").isLessThan(deadline);
        } while (rig.stat(file).mtimeNanos() == before);

        assertThat(rig.stat(file).mtimeNanos()).isGreaterThan(before);
        assertThat(rig.stat(file).size()).isEqualTo(3L * splices);
    }

    /** File systems differ: some refuse what is not aligned, some take it; none may lose bytes. */
    @OnEachKernel
    @Holds("F21")
    void aFileOpenedWithoutTheCacheMayAskForWholePages(Rig rig) {
        Kernel kernel = rig.kernel();
        PipeEnds pipe = rig.pipe();
        int made = rig.file("", Flags.O_RDWR);
        long direct = kernel.open("/proc/self/fd/" + made, Flags.O_WRONLY | Flags.O_DIRECT, 0);
        assumeThat(direct).as("O_DIRECT on this file system").isNotNegative();
        rig.keep(direct);
        rig.write(pipe.w(), "abc");

        long unaligned = kernel.splice(pipe.r(), null, (int) direct, null, 3, 0);

        assertThat(unaligned).isIn((long) -Errno.EINVAL, 3L);
        assertThat(kernel.fionread(pipe.r())).isEqualTo(unaligned < 0 ? 3 : 0);
        PipeEnds whole = rig.pipe();
        assertThat(kernel.write(whole.w(), room(PAGE).fill((byte) 'p'))).isEqualTo(PAGE);
        assertThat(kernel.splice(whole.r(), null, (int) direct, new Offset(0), PAGE, 0))
                .isEqualTo(PAGE);
        assertThat(rig.read(made)).startsWith("ppp");
    }
}
