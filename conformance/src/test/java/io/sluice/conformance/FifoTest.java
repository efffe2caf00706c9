// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static io.sluice.conformance.Rig.assertErrno;
import static io.sluice.conformance.Rig.room;
import static io.sluice.kernel.Flags.F_GETFL;
import static io.sluice.kernel.Flags.F_SETFL;
import static io.sluice.kernel.Flags.O_APPEND;
import static io.sluice.kernel.Flags.O_DIRECT;
import static io.sluice.kernel.Flags.O_LARGEFILE;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_RDWR;
import static io.sluice.kernel.Flags.O_TRUNC;
import static io.sluice.kernel.Flags.O_WRONLY;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Errno;

/** Opening FIFOs and the flags of what was opened. */
class FifoTest {
    @OnEachKernel
    @Holds("Q01")
    void aWriterThatWillNotWaitNeedsAReader(Rig rig) {
        String path = fifo(rig);
        assertErrno(rig.kernel().open(path, O_WRONLY | O_NONBLOCK, 0), Errno.ENXIO);
        int reader = rig.keep(rig.kernel().open(path, O_RDONLY | O_NONBLOCK, 0));
        int writer = rig.keep(rig.kernel().open(path, O_WRONLY | O_NONBLOCK, 0));
        rig.write(writer, "abc");
        assertThat(rig.read(reader)).isEqualTo("abc");
        rig.close(reader);
        assertErrno(rig.kernel().open(path, O_WRONLY | O_NONBLOCK, 0), Errno.ENXIO);
    }

    @OnEachKernel
    @Holds("Q02")
    void aReaderAndAWriterThatWaitForEachOtherBothGetIn(Rig rig) {
        String path = fifo(rig);
        Pending reader = rig.start(() -> rig.kernel().open(path, O_RDONLY, 0)).mustSleep();
        int writer = rig.keep(rig.kernel().open(path, O_WRONLY, 0));
        int read = rig.keep(reader.answer());
        rig.write(writer, "abc");
        assertThat(rig.read(read)).isEqualTo("abc");
    }

    @OnEachKernel
    @Holds("Q06")
    void statusFlagsAreThoseOfAnOpenedFile(Rig rig) {
        String path = fifo(rig);
        int both = rig.keep(rig.kernel().open(path, O_RDWR, 0));
        int reader = rig.keep(rig.kernel().open(path, O_RDONLY | O_NONBLOCK, 0));
        int writer = rig.keep(rig.kernel().open(path, O_WRONLY | O_APPEND, 0));

        assertThat(rig.kernel().fcntl(both, F_GETFL, 0)).isEqualTo(O_RDWR | O_LARGEFILE);
        assertThat(rig.kernel().fcntl(reader, F_GETFL, 0)).isEqualTo(O_RDONLY | O_NONBLOCK | O_LARGEFILE);
        assertThat(rig.kernel().fcntl(writer, F_GETFL, 0)).isEqualTo(O_WRONLY | O_APPEND | O_LARGEFILE);
    }

    @OnEachKernel
    @Holds("Q06")
    void truncationIsIgnoredAtOpenAndRefusedAfterwards(Rig rig) {
        String path = fifo(rig);
        int both = rig.keep(rig.kernel().open(path, O_RDWR, 0));
        rig.write(both, "abc");
        int truncating = rig.keep(rig.kernel().open(path, O_RDWR | O_TRUNC, 0));

        assertThat(rig.kernel().fionread(truncating)).isEqualTo(3);
        assertErrno(rig.kernel().ftruncate(truncating, 0), Errno.EINVAL);
        assertThat(rig.read(both)).isEqualTo("abc");
    }

    @OnEachKernel
    @Holds("Q08")
    void packetModeIsRefusedAtOpenAndTakenByFcntl(Rig rig) {
        String path = fifo(rig);
        assertErrno(rig.kernel().open(path, O_RDWR | O_DIRECT, 0), Errno.EINVAL);

        int both = rig.keep(rig.kernel().open(path, O_RDWR, 0));
        assertThat(rig.kernel().fcntl(both, F_SETFL, O_DIRECT)).isZero();
        rig.write(both, "abcd");
        rig.write(both, "ef");
        assertThat(rig.kernel().read(both, room(3))).isEqualTo(3); // the packet's rest is dropped
        assertThat(rig.read(both)).isEqualTo("ef");
    }

    private static String fifo(Rig rig) {
        String path = rig.path();
        assertThat(rig.kernel().mkfifo(path, 0600)).isZero();
        return path;
    }
}
