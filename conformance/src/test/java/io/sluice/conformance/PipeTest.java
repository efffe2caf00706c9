// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static io.sluice.conformance.Rig.assertErrno;
import static io.sluice.conformance.Rig.bytes;
import static io.sluice.conformance.Rig.room;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.conformance.Rig.PipeEnds;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Flags;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Stat;
import java.util.List;
import org.assertj.core.api.SoftAssertions;

/** What pipe2 makes, as seen from its descriptors. */
class PipeTest {
    private static final int KNOWN_FLAGS =
            Flags.O_CLOEXEC | Flags.O_NONBLOCK | Flags.O_DIRECT | Flags.O_NOTIFICATION_PIPE;

    @OnEachKernel
    @Holds("A01")
    void theReadEndComesFirstAndNoFlagIsSet(Rig rig) {
        PipeEnds pipe = rig.pipe();

        assertThat(rig.kernel().fcntl(pipe.r(), Flags.F_GETFL, 0)).isEqualTo(Flags.O_RDONLY);
        assertThat(rig.kernel().fcntl(pipe.w(), Flags.F_GETFL, 0)).isEqualTo(Flags.O_WRONLY);
        assertThat(rig.kernel().fcntl(pipe.r(), Flags.F_GETFD, 0)).isZero();
        assertThat(rig.kernel().fcntl(pipe.w(), Flags.F_GETFD, 0)).isZero();
    }

    @OnEachKernel
    @Holds("A02")
    void everyUnknownFlagIsRefusedAndTheArrayLeftAlone(Rig rig) {
        SoftAssertions each = new SoftAssertions();
        for (int bit = 0; bit < Integer.SIZE; bit++) {
            int flag = 1 << bit;
            if ((KNOWN_FLAGS & flag) == 0) {
                int[] fds = {-7, -8};
                long result = rig.kernel().pipe2(fds, flag);
                each.assertThat(result).as("flag %#o", flag).isEqualTo(-Errno.EINVAL);
                each.assertThat(fds).containsExactly(-7, -8);
            }
        }
        each.assertAll();
    }

    @OnEachKernel
    @Holds("A03")
    void closeOnExecConcernsBothDescriptorsAndNoStatusFlag(Rig rig) {
        PipeEnds pipe = rig.pipe(Flags.O_CLOEXEC);

        assertThat(rig.kernel().fcntl(pipe.r(), Flags.F_GETFD, 0)).isEqualTo(Flags.FD_CLOEXEC);
        assertThat(rig.kernel().fcntl(pipe.w(), Flags.F_GETFD, 0)).isEqualTo(Flags.FD_CLOEXEC);
        assertThat(rig.kernel().fcntl(pipe.r(), Flags.F_GETFL, 0)).isEqualTo(Flags.O_RDONLY);
        assertThat(rig.kernel().fcntl(pipe.w(), Flags.F_GETFL, 0)).isEqualTo(Flags.O_WRONLY);
    }

    @OnEachKernel
    @Holds("A03")
    void packetModeShowsOnTheWriteEndAlone(Rig rig) {
        PipeEnds pipe = rig.pipe(Flags.O_CLOEXEC | Flags.O_NONBLOCK | Flags.O_DIRECT);

        assertThat(rig.kernel().fcntl(pipe.r(), Flags.F_GETFL, 0)).isEqualTo(Flags.O_RDONLY | Flags.O_NONBLOCK);
        assertThat(rig.kernel().fcntl(pipe.w(), Flags.F_GETFL, 0))
                .isEqualTo(Flags.O_WRONLY | Flags.O_NONBLOCK | Flags.O_DIRECT);
        assertThat(rig.kernel().fcntl(pipe.r(), Flags.F_GETFD, 0)).isEqualTo(Flags.FD_CLOEXEC);
    }

    @OnEachKernel
    @Holds("A08")
    void aNotificationPipeNeedsAKernelBuiltForIt(Rig rig) {
        int[] fds = {-7, -8};

        long result = rig.kernel().pipe2(fds, Flags.O_NOTIFICATION_PIPE);

        if (result == 0) {
            rig.keep(fds[0]);
            rig.keep(fds[1]);
        } else {
            assertErrno(result, Errno.ENOPKG);
            assertThat(fds).containsExactly(-7, -8);
        }
    }

    @OnEachKernel
    @Holds("A09")
    void bothEndsAreOneFifoOfSizeZeroWhateverItHolds(Rig rig) {
        PipeEnds pipe = rig.pipe();
        PipeEnds other = rig.pipe();
        rig.write(pipe.w(), "abc");

        Stat read = rig.stat(pipe.r());
        Stat write = rig.stat(pipe.w());

        assertThat(read.ino())
                .isEqualTo(write.ino())
                .isNotEqualTo(rig.stat(other.r()).ino());
        assertThat(read.dev()).isEqualTo(write.dev());
        assertThat(read.mode()).isEqualTo(Flags.S_IFIFO | 0600);
        assertThat(read.blksize()).isEqualTo(4096);
        assertThat(read.size()).isZero();
        assertThat(write.size()).isZero();
    }

    @OnEachKernel
    @Holds("A10")
    void noWayOfSeekingAndNoVectorAtAnOffset(Rig rig) {
        PipeEnds pipe = rig.pipe();

        for (int end : new int[] {pipe.r(), pipe.w()}) {
            assertErrno(rig.kernel().lseek(end, 0, Flags.SEEK_SET), Errno.ESPIPE);
            assertErrno(rig.kernel().lseek(end, 0, Flags.SEEK_CUR), Errno.ESPIPE);
            assertErrno(rig.kernel().lseek(end, 0, Flags.SEEK_END), Errno.ESPIPE);
            assertErrno(rig.kernel().pread(end, room(1), 0), Errno.ESPIPE);
            assertErrno(rig.kernel().pwritev(end, List.of(bytes("x")), 0), Errno.ESPIPE);
        }
    }

    @OnEachKernel
    @Holds("A12")
    void thereIsNothingToBringToADevice(Rig rig) {
        PipeEnds pipe = rig.pipe();

        assertErrno(rig.kernel().fsync(pipe.w()), Errno.EINVAL);
        assertErrno(rig.kernel().fsync(pipe.r()), Errno.EINVAL);
    }

    @OnEachKernel
    @Holds("A16")
    void theSecondCloseFindsNothing(Rig rig) {
        Kernel kernel = rig.kernel();
        PipeEnds pipe = rig.pipe();
        // A number far above what the JVM uses, which nobody else can be given between the two calls.
        long high = kernel.fcntl(pipe.w(), Flags.F_DUPFD, 700);
        assertThat(high).isGreaterThanOrEqualTo(700);

        assertThat(kernel.close((int) high)).isZero();
        assertErrno(kernel.close((int) high), Errno.EBADF);

        rig.write(pipe.w(), "x");
    }
}
