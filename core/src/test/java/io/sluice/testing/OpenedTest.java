// SPDX-License-Identifier: Apache-2.0
package io.sluice.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

final class OpenedTest {
    @Test
    void theLatestIsClosedFirst() throws Exception {
        List<String> closed = new ArrayList<>();
        Opened opened = new Opened();
        opened.keep(() -> closed.add("listener"));
        opened.keep(() -> closed.add("connection"));
        opened.closeAll();
        assertThat(closed).containsExactly("connection", "listener");
    }

    @Test
    void eachIsClosedOnce() throws Exception {
        AtomicInteger closed = new AtomicInteger();
        Opened opened = new Opened();
        opened.keep(closed::incrementAndGet);
        opened.closeAll();
        opened.closeAll();
        assertThat(closed).hasValue(1);
    }

    /** A list without a lock lost the end of a receiver now and then, which stayed open as if it had leaked. */
    @Test
    void whatThreadsKeepAtTheSameTimeIsAllClosed() throws Exception {
        int each = 100_000;
        AtomicInteger closed = new AtomicInteger();
        Opened opened = new Opened();
        CyclicBarrier start = new CyclicBarrier(2);
        Callable<Integer> keepMany = () -> {
            start.await();
            for (int i = 0; i < each; i++) {
                opened.keep(closed::incrementAndGet);
            }
            return each;
        };
        try (Pending<Integer> one = Pending.start(keepMany);
                Pending<Integer> other = Pending.start(keepMany)) {
            assertThat(one.value() + other.value()).isEqualTo(2 * each);
        }
        opened.closeAll();
        assertThat(closed).hasValue(2 * each);
    }
}
