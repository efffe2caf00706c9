// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.ELOOP;
import static io.sluice.kernel.Flags.EPOLLIN;
import static io.sluice.kernel.Flags.EPOLL_CTL_ADD;
import static io.sluice.kernel.Flags.EPOLL_CTL_DEL;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.user.Machine.Running;
import java.util.concurrent.CyclicBarrier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Instances of epoll that watch each other; what they say of other files the scenarios show. */
class EpollTest {
    private static final int ROUNDS = 20_000;

    private final Machine m = new Machine();

    @AfterEach
    void close() {
        m.close();
    }

    /** Each of the two held itself while it looked into the other, and both waited for ever. */
    @Test
    void twoThatAreAddedToEachOtherAtOnceDoNotWaitForEachOther() throws Exception {
        int one = (int) m.kernel.epollCreate1(0);
        int other = (int) m.kernel.epollCreate1(0);
        CyclicBarrier start = new CyclicBarrier(2);
        Running<Integer> there = Machine.start(() -> added(start, one, other));
        Running<Integer> back = Machine.start(() -> added(start, other, one));
        assertThat(there.answer() + back.answer()).isPositive();
    }

    private int added(CyclicBarrier start, int to, int epoll) throws Exception {
        int added = 0;
        start.await();
        for (int i = 0; i < ROUNDS; i++) {
            long result = m.kernel.epollCtl(to, EPOLL_CTL_ADD, epoll, EPOLLIN, 0);
            assertThat(result).isIn(0L, (long) -ELOOP);
            added += result == 0 ? 1 : 0;
            m.kernel.epollCtl(to, EPOLL_CTL_DEL, epoll, 0, 0);
        }
        return added;
    }
}
