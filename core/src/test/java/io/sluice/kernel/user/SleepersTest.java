// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static io.sluice.kernel.Flags.O_RDONLY;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.user.Machine.Running;
import io.sluice.testing.NoLeaks;
import io.sluice.testing.Pending;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Calls that sleep: in their turn and in nobody's way. */
@NoLeaks
class SleepersTest {
    private static final int SLEEPERS = 8;
    private static final int CALLS_ELSEWHERE = 1000;

    private final Machine m = new Machine();
    private final List<Pending<?>> pending = new ArrayList<>();

    @AfterEach
    void close() {
        pending.forEach(Pending::close);
        m.close();
    }

    private <T> Pending<T> keep(Pending<T> one) {
        pending.add(one);
        return one;
    }

    @Test
    void readersAreServedInTheOrderInWhichTheyCame() throws Exception {
        int[] pipe = m.pipe();
        List<Running<String>> readers = new ArrayList<>();
        for (int i = 0; i < SLEEPERS; i++) {
            readers.add(Machine.start(() -> m.read(pipe[0], 1)).asleep());
        }
        m.write(pipe[1], "abcdefgh");
        for (int i = 0; i < SLEEPERS; i++) {
            assertThat(readers.get(i).answer()).isEqualTo("abcdefgh".substring(i, i + 1));
        }
    }

    @Test
    void writersAreServedInTheOrderInWhichTheyCame() throws Exception {
        int[] pipe = m.pipe();
        m.kernel.fcntl(pipe[1], F_SETPIPE_SZ, Machine.PAGE);
        String page = "-".repeat(Machine.PAGE);
        m.write(pipe[1], page);
        List<Running<Long>> writers = new ArrayList<>();
        for (int i = 0; i < SLEEPERS; i++) {
            String own = String.valueOf((char) ('a' + i)).repeat(Machine.PAGE);
            writers.add(Machine.start(() -> m.write(pipe[1], own)).asleep());
        }
        assertThat(m.read(pipe[0], Machine.PAGE)).isEqualTo(page);
        for (int i = 0; i < SLEEPERS; i++) {
            assertThat(writers.get(i).answer()).isEqualTo(Machine.PAGE);
            assertThat(m.read(pipe[0], Machine.PAGE)).startsWith(String.valueOf((char) ('a' + i)));
        }
    }

    @Test
    void aFifoThatNeverAnswersIsInNobodysWay() {
        assertThat(m.kernel.mkfifo("/tmp/silent", 0666)).isZero();
        Pending<Long> stuck = keep(Pending.start(() -> m.kernel.open("/tmp/silent", O_RDONLY, 0)));
        stuck.mustWait();
        int[] empty = m.pipe();
        Pending<String> asleep = keep(Pending.start(() -> m.read(empty[0], 1)));
        asleep.mustWait();
        int[] from = m.pipe();
        int[] to = m.pipe();
        for (int i = 0; i < CALLS_ELSEWHERE / 4; i++) {
            assertThat(m.write(from[1], "elsewhere")).isEqualTo(9);
            assertThat(m.kernel.tee(from[0], to[1], 4, 0)).isEqualTo(4);
            assertThat(m.kernel.splice(from[0], null, to[1], null, 9, 0)).isEqualTo(9);
            assertThat(m.read(to[0], 4) + m.read(to[0], 9)).isEqualTo("elseelsewhere");
        }
        assertThat(m.kernel.unlink("/tmp/silent")).isZero();
        assertThat(stuck.isDone()).isFalse();
        assertThat(asleep.isDone()).isFalse();
    }
}
