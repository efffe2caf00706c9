// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Flags.O_APPEND;
import static io.sluice.kernel.Flags.O_CREAT;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_RDWR;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.Flags.SEEK_CUR;
import static io.sluice.kernel.Flags.SEEK_SET;
import static io.sluice.kernel.user.Machine.answer;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Offset;
import io.sluice.kernel.Snapshot;
import io.sluice.kernel.Stat;
import io.sluice.testing.NoLeaks;
import io.sluice.testing.Pending;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** copy_file_range between files in memory: its checks in their order, and where they end. */
@NoLeaks
class FileCopyTest {
    private static final String TEXT = "0123456789".repeat(900);

    private final Machine m = new Machine();
    private final int in = m.file();
    private final int out = m.file();

    FileCopyTest() {
        m.write(in, TEXT);
    }

    /** Another thread finds the locks of all files free. */
    @AfterEach
    void close() {
        for (int fd : m.kernel.feature(Snapshot.class).orElseThrow().descriptors()) {
            assertThat(Pending.start(() -> m.kernel.fstat(fd, new Stat())).value())
                    .isZero();
        }
        m.close();
    }

    private String copy(int from, long offset, int to, long target, long len) {
        return answer(m.kernel.copyFileRange(from, new Offset(offset), to, new Offset(target), len, 0));
    }

    private long position(int fd) {
        return m.kernel.lseek(fd, 0, SEEK_CUR);
    }

    @Test
    void movesTheOffsetsThatWereGivenAndElseThePositions() {
        Offset from = new Offset(5);
        assertThat(m.kernel.copyFileRange(in, from, out, null, 100, 0)).isEqualTo(100);
        assertThat(from.value()).isEqualTo(105);
        assertThat(position(in)).isEqualTo(9000);
        assertThat(position(out)).isEqualTo(100);
        Offset to = new Offset(50);
        assertThat(m.kernel.lseek(in, 7, SEEK_SET)).isEqualTo(7);
        assertThat(m.kernel.copyFileRange(in, null, out, to, 3, 0)).isEqualTo(3);
        assertThat(to.value()).isEqualTo(53);
        assertThat(position(in)).isEqualTo(10);
        assertThat(position(out)).isEqualTo(100);
        assertThat(m.pread(out, 200, 0)).isEqualTo(TEXT.substring(5, 55) + "789" + TEXT.substring(58, 105));
    }

    @Test
    void endsWhereTheFileEnds() {
        assertThat(copy(in, 100, out, 200, 10_000)).isEqualTo("8900");
        assertThat(m.pread(out, 10_000, 200)).isEqualTo(TEXT.substring(100));
        assertThat(copy(in, 8999, out, 0, 1)).isEqualTo("1");
        assertThat(copy(out, 9000, in, 0, 200)).as("to an older file").isEqualTo("100");
        assertThat(copy(in, 9000, out, 0, 1)).isEqualTo("0");
        assertThat(copy(in, 9001, out, 0, 10)).isEqualTo("0");
    }

    @Test
    void takesLengthsAndSumsForUnsigned() {
        assertThat(copy(in, 0, out, 0, Long.MIN_VALUE)).isEqualTo("9000");
        assertThat(copy(in, 0, out, 0, -1)).isEqualTo("9000");
        assertThat(copy(in, 1, out, 0, -1)).isEqualTo("EOVERFLOW");
        assertThat(copy(in, 0, out, 1, -1)).isEqualTo("EOVERFLOW");
        assertThat(copy(in, -5, out, 0, 5)).isEqualTo("EOVERFLOW");
        assertThat(copy(in, -5, out, 0, 4)).isEqualTo("EINVAL");
        assertThat(copy(in, 0, out, -5, 4)).isEqualTo("EINVAL");
        assertThat(copy(in, -5, out, 0, 0)).isEqualTo("EINVAL");
        assertThat(copy(in, 0, out, 0, 0)).isEqualTo("0");
    }

    @Test
    void asksTheLimitsEvenForNothing() {
        assertThat(copy(in, 0, out, 1L << 62, 10)).isEqualTo("EFBIG");
        assertThat(copy(in, 0, out, 1L << 62, 0)).isEqualTo("EFBIG");
    }

    @Test
    void copiesWithinAFileWhatDoesNotOverlap() {
        assertThat(copy(in, 0, in, 50, 100)).isEqualTo("EINVAL");
        assertThat(copy(in, 50, in, 0, 100)).isEqualTo("EINVAL");
        assertThat(copy(in, 0, in, 0, 100)).isEqualTo("EINVAL");
        assertThat(copy(in, 105, in, 5, 100)).isEqualTo("100");
        assertThat(copy(in, 5, in, 105, 100)).isEqualTo("100");
        assertThat(m.pread(in, 9000, 0)).isEqualTo("01234" + "5678901234".repeat(20) + TEXT.substring(205));
        assertThat(copy(in, 0, out, 50, 100)).isEqualTo("100");
    }

    @Test
    void refusesInTheOrderOfTheKernel() {
        int[] pipe = m.pipe();
        int directory = m.open("/tmp", O_RDONLY);
        int reads = m.open("/proc/self/fd/" + out, O_RDONLY);
        int writes = m.open("/proc/self/fd/" + in, O_WRONLY);
        int appends = m.open("/tmp/log", O_CREAT | O_RDWR | O_APPEND);
        int memfd = m.memfd();
        assertThat(m.kernel.unlink("/tmp/log")).isZero();
        assertThat(answer(m.kernel.copyFileRange(directory, null, out, null, 1, 1)))
                .isEqualTo("EINVAL");
        assertThat(copy(directory, 0, pipe[1], 0, 1)).isEqualTo("EISDIR");
        assertThat(copy(pipe[0], 0, directory, 0, 1)).isEqualTo("EISDIR");
        assertThat(copy(pipe[0], 0, reads, 0, 1)).isEqualTo("EINVAL");
        assertThat(copy(writes, 0, pipe[1], 0, 1)).isEqualTo("EINVAL");
        assertThat(copy(writes, 0, memfd, 0, 1)).isEqualTo("EBADF");
        assertThat(copy(memfd, 0, reads, 0, 1)).isEqualTo("EBADF");
        assertThat(copy(memfd, 0, appends, 0, 1)).isEqualTo("EBADF");
        assertThat(copy(in, -1, memfd, 0, 10)).isEqualTo("EXDEV");
    }
}
