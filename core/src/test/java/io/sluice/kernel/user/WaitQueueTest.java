// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The order of those who sleep. */
class WaitQueueTest {
    private boolean there;
    private final WaitQueue queue = new WaitQueue(() -> there);
    private final Thread a = Thread.ofPlatform().unstarted(() -> {});
    private final Thread b = Thread.ofPlatform().unstarted(() -> {});
    private final Thread c = Thread.ofPlatform().unstarted(() -> {});

    @Test
    void wakesNobodyForNothing() {
        assertThat(queue.isEmpty()).isTrue();
        assertThat(queue.ready()).isFalse();
        assertThat(queue.toWake()).isNull();
        queue.enter(a, null);
        assertThat(queue.isEmpty()).isFalse();
        assertThat(queue.toWake()).isNull();
    }

    @Test
    void callsEachTurnOnce() {
        Waiter first = queue.enter(a, null);
        Waiter second = queue.enter(b, null);
        there = true;
        assertThat(queue.ready()).isTrue();
        assertThat(queue.toWake()).isSameAs(a);
        assertThat(first.woken).isTrue();
        assertThat(queue.toWake()).isNull();
        queue.leave(first);
        assertThat(queue.toWake()).isSameAs(b);
        queue.leave(second);
        assertThat(queue.toWake()).isNull();
        assertThat(queue.isEmpty()).isTrue();
    }

    @Test
    void keepsItsOrderWhoeverLeaves() {
        there = true;
        queue.enter(a, null);
        Waiter middle = queue.enter(b, null);
        Waiter last = queue.enter(c, null);
        queue.leave(middle);
        queue.leave(last);
        Waiter again = queue.enter(b, null);
        assertThat(again).as("a link is used again").isSameAs(last);
        assertThat(again.woken).isFalse();
        assertThat(again.next).isNull();
        Waiter behind = queue.enter(c, null);
        assertThat(behind).isSameAs(middle);
        assertThat(queue.toWake()).isSameAs(a);
        assertThat(again.previous).isNotNull();
        queue.leave(again.previous);
        assertThat(queue.toWake()).isSameAs(b);
        assertThat(behind.previous).isSameAs(again);
        queue.leave(again);
        assertThat(queue.toWake()).isSameAs(c);
    }

    @Test
    void forgetsWhoLeft() {
        Waiter one = queue.enter(a, null);
        Waiter two = queue.enter(b, null);
        queue.leave(two);
        assertThat(two.thread).isNull();
        assertThat(two.previous).isNull();
        queue.leave(one);
        assertThat(one.next).isSameAs(two);
        assertThat(queue.enter(c, null)).isSameAs(one);
        assertThat(one.next).isNull();
    }
}
