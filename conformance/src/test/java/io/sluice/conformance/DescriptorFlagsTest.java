// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static io.sluice.conformance.Rig.assertErrno;
import static io.sluice.conformance.Rig.room;
import static io.sluice.kernel.Flags.FD_CLOEXEC;
import static io.sluice.kernel.Flags.F_DUPFD;
import static io.sluice.kernel.Flags.F_DUPFD_CLOEXEC;
import static io.sluice.kernel.Flags.F_GETFD;
import static io.sluice.kernel.Flags.F_GETFL;
import static io.sluice.kernel.Flags.F_SETFD;
import static io.sluice.kernel.Flags.F_SETFL;
import static io.sluice.kernel.Flags.O_APPEND;
import static io.sluice.kernel.Flags.O_ASYNC;
import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_CREAT;
import static io.sluice.kernel.Flags.O_DIRECT;
import static io.sluice.kernel.Flags.O_EXCL;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_RDWR;
import static io.sluice.kernel.Flags.O_TRUNC;
import static io.sluice.kernel.Flags.O_WRONLY;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.conformance.Rig.PipeEnds;
import io.sluice.kernel.Errno;

/** What belongs to a descriptor and what to the open file description behind it. */
class DescriptorFlagsTest {
    @OnEachKernel
    @Holds("P03")
    void duplicatesShareStatusFlagsAndTheOtherEndDoesNot(Rig rig) {
        PipeEnds pipe = rig.pipe();
        int duplicate = rig.keep(rig.kernel().dup(pipe.r()));
        assertThat(rig.kernel().fcntl(duplicate, F_SETFL, O_NONBLOCK)).isZero();

        assertThat(flags(rig, pipe.r())).isEqualTo(O_RDONLY | O_NONBLOCK);
        assertThat(flags(rig, pipe.w())).isEqualTo(O_WRONLY);
        assertErrno(rig.kernel().read(pipe.r(), room(1)), Errno.EAGAIN);
    }

    @OnEachKernel
    @Holds("P04")
    void setflIgnoresAccessModeAndCreationFlags(Rig rig) {
        PipeEnds pipe = rig.pipe();
        int ignored = O_RDWR | O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC;
        assertThat(rig.kernel().fcntl(pipe.r(), F_SETFL, ignored)).isZero();
        assertThat(rig.kernel().fcntl(pipe.w(), F_SETFL, ignored)).isZero();

        assertThat(flags(rig, pipe.r())).isEqualTo(O_RDONLY);
        assertThat(flags(rig, pipe.w())).isEqualTo(O_WRONLY);
        assertThat(rig.kernel().fcntl(pipe.r(), F_GETFD, 0)).isZero();
        assertErrno(rig.kernel().read(pipe.w(), room(1)), Errno.EBADF);
        assertErrno(rig.kernel().write(pipe.r(), room(1)), Errno.EBADF);
    }

    /** Nobody owns the descriptors, so that O_ASYNC sends no signal to anybody. */
    @OnEachKernel
    @Holds("P04")
    void setflSetsAndClearsAppendAsyncNonblockAndDirect(Rig rig) {
        PipeEnds pipe = rig.pipe();
        int all = 0;
        for (int flag : new int[] {O_APPEND, O_ASYNC, O_NONBLOCK, O_DIRECT}) {
            assertThat(rig.kernel().fcntl(pipe.w(), F_SETFL, flag)).isZero();
            assertThat(flags(rig, pipe.w())).isEqualTo(O_WRONLY | flag);
            all |= flag;
        }
        assertThat(rig.kernel().fcntl(pipe.w(), F_SETFL, all)).isZero();
        assertThat(flags(rig, pipe.w())).isEqualTo(O_WRONLY | all);
        assertThat(rig.kernel().fcntl(pipe.w(), F_SETFL, 0)).isZero();
        assertThat(flags(rig, pipe.w())).isEqualTo(O_WRONLY);
    }

    @OnEachKernel
    @Holds("P05")
    void closeOnExecBelongsToTheDescriptorAlone(Rig rig) {
        PipeEnds pipe = rig.pipe(O_CLOEXEC);
        int duplicate = rig.keep(rig.kernel().dup(pipe.r()));
        int plain = rig.keep(rig.kernel().fcntl(pipe.r(), F_DUPFD, 0));
        int closing = rig.keep(rig.kernel().fcntl(duplicate, F_DUPFD_CLOEXEC, 0));

        assertThat(rig.kernel().fcntl(pipe.r(), F_GETFD, 0)).isEqualTo(FD_CLOEXEC);
        assertThat(rig.kernel().fcntl(duplicate, F_GETFD, 0)).isZero();
        assertThat(rig.kernel().fcntl(plain, F_GETFD, 0)).isZero();
        assertThat(rig.kernel().fcntl(closing, F_GETFD, 0)).isEqualTo(FD_CLOEXEC);

        assertThat(rig.kernel().fcntl(pipe.r(), F_SETFD, 0)).isZero();
        assertThat(rig.kernel().fcntl(duplicate, F_SETFD, FD_CLOEXEC)).isZero();
        assertThat(rig.kernel().fcntl(pipe.r(), F_GETFD, 0)).isZero();
        assertThat(rig.kernel().fcntl(duplicate, F_GETFD, 0)).isEqualTo(FD_CLOEXEC);
        assertThat(flags(rig, duplicate)).isEqualTo(O_RDONLY);
    }

    @OnEachKernel
    @Holds("P05")
    void aDuplicateHasTheLowestFreeNumberFromTheAskedOneOn(Rig rig) {
        PipeEnds pipe = rig.pipe();
        int high = rig.keep(rig.kernel().fcntl(pipe.r(), F_DUPFD_CLOEXEC, 200));
        int higher = rig.keep(rig.kernel().fcntl(pipe.r(), F_DUPFD, high));

        assertThat(high).isGreaterThanOrEqualTo(200);
        assertThat(higher).isGreaterThan(high);
    }

    private static long flags(Rig rig, int fd) {
        return rig.kernel().fcntl(fd, F_GETFL, 0);
    }
}
