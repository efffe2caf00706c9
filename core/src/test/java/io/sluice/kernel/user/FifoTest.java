// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Flags.F_GETFL;
import static io.sluice.kernel.Flags.F_GETPIPE_SZ;
import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static io.sluice.kernel.Flags.O_DIRECT;
import static io.sluice.kernel.Flags.O_LARGEFILE;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_RDWR;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.Flags.POLLHUP;
import static io.sluice.kernel.Flags.POLLIN;
import static io.sluice.kernel.user.Machine.answer;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.user.Machine.Running;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** FIFOs: how opens wait for each other, and what lives between them. */
class FifoTest {
    private static final String FIFO = "/tmp/fifo";

    private final Machine m = new Machine();

    @BeforeEach
    void make() {
        assertThat(m.kernel.mkfifo(FIFO, 0666)).isZero();
    }

    @AfterEach
    void close() {
        m.kernel.unlink(FIFO);
        m.close();
    }

    private Running<Long> opening(int flags) {
        return Machine.start(() -> m.kernel.open(FIFO, flags, 0));
    }

    @Test
    void letsAReaderAndAWriterMeet() throws Exception {
        Running<Long> reader = opening(O_RDONLY).asleep();
        int writer = m.open(FIFO, O_WRONLY);
        m.write(writer, "hello");
        assertThat(m.read(Math.toIntExact(reader.answer()), 9)).isEqualTo("hello");
        assertThat(m.kernel.fcntl(writer, F_GETFL, 0)).isEqualTo(O_WRONLY | O_LARGEFILE);
    }

    @Test
    void letsEveryWaitingWriterGoWhenOneReaderComes() throws Exception {
        List<Running<Long>> writers = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            writers.add(opening(O_WRONLY).asleep());
        }
        m.open(FIFO, O_RDONLY);
        for (Running<Long> writer : writers) {
            assertThat(writer.answer()).isNotNegative();
        }
    }

    @Test
    void remembersAPartnerThatLeftAtOnce() throws Exception {
        Running<Long> reader = opening(O_RDONLY).asleep();
        m.kernel.close(m.open(FIFO, O_WRONLY));
        int end = Math.toIntExact(reader.answer());
        assertThat(m.read(end, 1)).isEmpty();
        assertThat(m.kernel.poll(end, POLLIN, 0)).isEqualTo(POLLHUP);
    }

    @Test
    void endsAWaitThatIsInterrupted() throws Exception {
        Running<Long> reader = opening(O_RDONLY).asleep();
        reader.thread().interrupt();
        assertThat(answer(reader.answer())).isEqualTo("EINTR");
        assertThat(answer(m.kernel.open(FIFO, O_WRONLY | O_NONBLOCK, 0))).isEqualTo("ENXIO"); // nobody is left
    }

    @Test
    void showsNoHangUpBeforeTheFirstWriter() {
        int reader = m.open(FIFO, O_RDONLY | O_NONBLOCK);
        assertThat(m.kernel.poll(reader, POLLIN, 0)).isZero();
        assertThat(m.read(reader, 1)).isEmpty();
        int writer = m.open(FIFO, O_WRONLY | O_NONBLOCK);
        assertThat(m.read(reader, 1)).isEqualTo("EAGAIN");
        m.kernel.close(writer);
        assertThat(m.kernel.poll(reader, POLLIN, 0)).isEqualTo(POLLHUP);
        m.open(FIFO, O_WRONLY);
        assertThat(m.kernel.poll(reader, POLLIN, 0)).isZero();
    }

    @Test
    void forgetsDataAndCapacityWithItsLastEnd() {
        int both = m.open(FIFO, O_RDWR);
        m.write(both, "data");
        assertThat(m.kernel.fcntl(both, F_SETPIPE_SZ, 4096)).isEqualTo(4096);
        int other = m.open(FIFO, O_RDWR);
        m.kernel.close(both);
        assertThat(m.kernel.fionread(other)).isEqualTo(4);
        m.kernel.close(other);
        int fresh = m.open(FIFO, O_RDWR | O_NONBLOCK);
        assertThat(m.read(fresh, 9)).isEqualTo("EAGAIN");
        assertThat(m.kernel.fcntl(fresh, F_GETPIPE_SZ, 0)).isEqualTo(65536);
    }

    @Test
    void isNotOpenedWithODirect() {
        assertThat(answer(m.kernel.open(FIFO, O_RDWR | O_DIRECT, 0))).isEqualTo("EINVAL");
        assertThat(answer(m.kernel.open(FIFO, O_WRONLY | O_NONBLOCK, 0))).isEqualTo("ENXIO");
    }

    @Test
    void worksOnWithoutItsName() {
        int both = m.open(FIFO, O_RDWR);
        m.kernel.unlink(FIFO);
        m.write(both, "still");
        assertThat(m.read(m.open("/proc/self/fd/" + both, O_RDONLY), 9)).isEqualTo("still");
    }

    @Test
    void wakesAnOpenThatWaitsWhenTheKernelEnds() throws Exception {
        Machine other = new Machine();
        other.kernel.mkfifo(FIFO, 0666);
        Running<Long> reader =
                Machine.start(() -> other.kernel.open(FIFO, O_RDONLY, 0)).asleep();
        other.close();
        assertThat(answer(reader.answer())).isEqualTo("EBADF");
    }
}
