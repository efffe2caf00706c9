// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Flags.AF_UNIX;
import static io.sluice.kernel.Flags.O_APPEND;
import static io.sluice.kernel.Flags.O_CREAT;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_RDWR;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.Flags.SEEK_CUR;
import static io.sluice.kernel.Flags.SEEK_SET;
import static io.sluice.kernel.Flags.SOCK_STREAM;
import static io.sluice.kernel.user.Machine.PAGE;
import static io.sluice.kernel.user.Machine.answer;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Offset;
import io.sluice.kernel.SignalCounts;
import io.sluice.testing.NoLeaks;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** sendfile: its checks in their order, and the position where what was sent ends. */
@NoLeaks
class SendfileTest {
    /** More than goes through a pipe at once. */
    private static final String TEXT = "0123456789".repeat(20_000);

    private final Machine m = new Machine();
    private final int in = m.file();
    private final int out = m.file();

    SendfileTest() {
        m.write(in, TEXT);
        assertThat(m.kernel.lseek(in, 0, SEEK_SET)).isZero();
    }

    @AfterEach
    void close() {
        m.close();
    }

    private String send(int to, int from, long offset, long count) {
        return answer(m.kernel.sendfile(to, from, new Offset(offset), count));
    }

    private long position(int fd) {
        return m.kernel.lseek(fd, 0, SEEK_CUR);
    }

    private void limitFilesTo(long bytes) {
        m.kernel.feature(SignalCounts.class).orElseThrow().limitFileSize(bytes);
    }

    @Test
    void sendsAsMuchAsIsAskedForHoweverManyPipesThatTakes() {
        assertThat(m.kernel.sendfile(out, in, null, 150_000)).isEqualTo(150_000);
        assertThat(position(in)).isEqualTo(150_000);
        assertThat(position(out)).isEqualTo(150_000);
        assertThat(m.pread(out, 200_000, 0)).isEqualTo(TEXT.substring(0, 150_000));
        Offset offset = new Offset(7);
        assertThat(m.kernel.sendfile(out, in, offset, 70_000)).isEqualTo(70_000);
        assertThat(offset.value()).isEqualTo(70_007);
        assertThat(position(in)).as("not touched").isEqualTo(150_000);
        assertThat(m.pread(out, 200_000, 150_000)).isEqualTo(TEXT.substring(7, 70_007));
    }

    @Test
    void endsWhereTheFileEnds() {
        assertThat(send(out, in, 199_990, Long.MAX_VALUE / 2)).isEqualTo("10");
        assertThat(send(out, in, 200_000, 10)).isEqualTo("0");
        assertThat(m.kernel.sendfile(out, in, null, 1L << 40)).isEqualTo(200_000);
        assertThat(m.kernel.sendfile(out, in, null, 1)).isZero();
    }

    @Test
    void sendsNothingWhenNothingIsAskedFor() {
        assertThat(m.kernel.sendfile(out, in, null, 0)).isZero();
        assertThat(send(out, in, 0, 0)).isEqualTo("0");
        assertThat(send(m.pipe()[1], in, 0, 0)).isEqualTo("0");
        assertThat(position(in)).isZero();
    }

    @Test
    void putsAFilesPagesIntoThePipeThatTheOutputIs() {
        int[] pipe = m.pipe();
        Offset offset = new Offset(PAGE - 1);
        assertThat(m.kernel.sendfile(pipe[1], in, offset, 2)).isEqualTo(2);
        assertThat(offset.value()).isEqualTo(PAGE + 1);
        assertThat(m.slots(pipe[0])).isEqualTo(2);
        m.pwrite(in, "!", PAGE);
        assertThat(m.read(pipe[0], 9)).isEqualTo("5!");
        assertThat(m.kernel.sendfile(pipe[1], in, null, 1L << 40)).isEqualTo(65536);
        assertThat(position(in)).isEqualTo(65536);
    }

    @Test
    void goesBackToWhatTheOutputTook() {
        limitFilesTo(65_600);
        assertThat(m.kernel.lseek(in, 3, SEEK_SET)).isEqualTo(3);
        assertThat(m.kernel.sendfile(out, in, null, 100_000)).isEqualTo(65_600);
        assertThat(position(in)).isEqualTo(65_603);
        assertThat(answer(m.kernel.sendfile(out, in, null, 100_000))).isEqualTo("EFBIG");
        assertThat(position(in)).isEqualTo(65_603);
        Offset offset = new Offset(5);
        assertThat(answer(m.kernel.sendfile(out, in, offset, 100))).isEqualTo("EFBIG");
        assertThat(offset.value()).isEqualTo(5);
        assertThat(m.kernel.lseek(out, 65_590, SEEK_SET)).isEqualTo(65_590);
        assertThat(m.kernel.sendfile(out, in, offset, 100)).isEqualTo(10);
        assertThat(offset.value()).isEqualTo(15);
        assertThat(m.pread(out, 100, 65_590)).isEqualTo(TEXT.substring(5, 15));
    }

    @Test
    void refusesInTheOrderOfTheKernel() {
        int[] pipe = m.pipe();
        int[] sockets = new int[2];
        assertThat(m.kernel.socketpair(AF_UNIX, SOCK_STREAM, 0, sockets)).isZero();
        int reads = m.open("/proc/self/fd/" + out, O_RDONLY);
        int writes = m.open("/proc/self/fd/" + in, O_WRONLY);
        assertThat(send(out, writes, -1, -1)).isEqualTo("EBADF");
        assertThat(send(-1, pipe[0], -1, -1)).isEqualTo("ESPIPE");
        assertThat(send(-1, in, -1, -1)).isEqualTo("EBADF");
        assertThat(send(reads, in, -1, -1)).isEqualTo("EBADF");
        assertThat(answer(m.kernel.sendfile(reads, in, null, -1))).isEqualTo("EBADF");
        assertThat(answer(m.kernel.sendfile(out, in, null, -1))).isEqualTo("EINVAL");
        assertThat(send(out, in, -1, 1)).isEqualTo("EINVAL");
        assertThat(send(out, in, Long.MAX_VALUE, 1)).isEqualTo("EINVAL");
        assertThat(answer(m.kernel.sendfile(out, pipe[0], null, 1))).isEqualTo("EINVAL");
        assertThat(answer(m.kernel.sendfile(out, sockets[0], null, 1))).isEqualTo("EINVAL");
        assertThat(answer(m.kernel.sendfile(out, m.open("/dev/null", O_RDONLY), null, 1)))
                .isEqualTo("EINVAL");
    }

    @Test
    void appendsToAPipeAndToNoFile() {
        int appends = m.open("/tmp/log", O_CREAT | O_RDWR | O_APPEND);
        assertThat(m.kernel.unlink("/tmp/log")).isZero();
        assertThat(send(appends, in, 0, 5)).isEqualTo("EINVAL");
        assertThat(m.kernel.mkfifo("/tmp/fifo", 0666)).isZero();
        int fifo = m.open("/tmp/fifo", O_RDWR | O_APPEND);
        assertThat(m.kernel.unlink("/tmp/fifo")).isZero();
        assertThat(send(fifo, in, 0, 5)).isEqualTo("5");
    }
}
