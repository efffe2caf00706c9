// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static io.sluice.conformance.Rig.assertErrno;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.conformance.Rig.PipeEnds;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Flags;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Offset;
import java.util.List;

/** Descriptors of odd kinds as arguments of splice. */
class SpliceArgumentsTest {
    @OnEachKernel
    @Holds("D03")
    void aDescriptorThatOnlyNamesAFileIsNotOpen(Rig rig) {
        PipeEnds pipe = rig.pipe();
        rig.write(pipe.w(), "abc");
        int name = rig.keep(rig.kernel().open(rig.stand().directory(), Flags.O_PATH, 0));

        assertErrno(rig.kernel().splice(name, null, pipe.w(), null, 3, 0), Errno.EBADF);
        assertErrno(rig.kernel().splice(pipe.r(), null, name, null, 3, 0), Errno.EBADF);
    }

    @OnEachKernel
    @Holds("D10")
    void aRefusedOffsetVariableKeepsItsValue(Rig rig) {
        PipeEnds pipe = rig.pipe();
        int file = rig.file("abc", Flags.O_RDWR);
        Offset offset = new Offset(-1);

        assertErrno(rig.kernel().splice(file, offset, pipe.w(), null, 3, 0), Errno.EINVAL);

        assertThat(offset.value()).isEqualTo(-1);
    }

    /** How large a file may become is the file system's own; some have no limit below 2^63. */
    @OnEachKernel
    @Holds("D10")
    void beyondTheLargestFileNothingIsConsumed(Rig rig) {
        PipeEnds pipe = rig.pipe();
        rig.write(pipe.w(), "abc");
        int file = rig.file("", Flags.O_RDWR);
        Offset offset = new Offset(Long.MAX_VALUE - 7);

        long result = rig.kernel().splice(pipe.r(), null, file, offset, 3, 0);

        assertThat(result).isIn((long) -Errno.EFBIG, 3L);
        assertThat(offset.value()).isEqualTo(Long.MAX_VALUE - 7 + Math.max(result, 0));
        assertThat(rig.kernel().fionread(pipe.r())).isEqualTo(result < 0 ? 3 : 0);
    }

    @OnEachKernel
    @Holds("D13")
    void whatHasNoBytesToShareIsRefusedInEitherDirection(Rig rig) {
        Kernel kernel = rig.kernel();
        PipeEnds pipe = rig.pipe();
        rig.write(pipe.w(), "12345678");
        int counter = rig.keep(kernel.eventfd(1, 0));
        int epoll = rig.keep(kernel.epollCreate1(0));
        int directory = rig.keep(kernel.open(rig.stand().directory(), Flags.O_RDONLY | Flags.O_DIRECTORY, 0));

        for (int fd : List.of(counter, epoll, directory)) {
            assertErrno(kernel.splice(fd, null, pipe.w(), null, 8, 0), Errno.EINVAL);
        }
        assertErrno(kernel.splice(pipe.r(), null, counter, null, 8, 0), Errno.EINVAL);
        assertThat(kernel.fionread(pipe.r())).isEqualTo(8);
    }

    @OnEachKernel
    @Holds("D19")
    void noCallChangesTheFlagsOfItsDescriptors(Rig rig) {
        Kernel kernel = rig.kernel();
        PipeEnds from = rig.pipe();
        PipeEnds to = rig.pipe(Flags.O_NONBLOCK);
        int file = rig.file("abc", Flags.O_RDWR);
        List<Integer> all = List.of(from.r(), from.w(), to.r(), to.w(), file);
        List<Long> before = flags(kernel, all);

        assertThat(kernel.splice(file, null, from.w(), null, 3, Flags.SPLICE_F_NONBLOCK))
                .isEqualTo(3);
        assertThat(kernel.tee(from.r(), to.w(), 3, Flags.SPLICE_F_NONBLOCK)).isEqualTo(3);
        assertThat(kernel.splice(from.r(), null, file, null, 3, 0)).isEqualTo(3);
        assertErrno(kernel.splice(from.r(), null, file, null, 3, Flags.SPLICE_F_NONBLOCK), Errno.EAGAIN);
        assertThat(kernel.vmsplice(to.r(), List.of(Rig.room(3)), 0)).isEqualTo(3);

        assertThat(flags(kernel, all)).isEqualTo(before);
    }

    private static List<Long> flags(Kernel kernel, List<Integer> descriptors) {
        return descriptors.stream()
                .map(fd -> kernel.fcntl(fd, Flags.F_GETFL, 0))
                .toList();
    }
}
