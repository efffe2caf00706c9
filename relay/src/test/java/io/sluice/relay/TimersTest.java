// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Deadlines of a loop. */
class TimersTest {
    private final Timers timers = new Timers();
    private final List<String> rung = new ArrayList<>();

    private Timers.Timer timer(String name) {
        return new Timers.Timer(() -> rung.add(name));
    }

    @Test
    void whatIsDueRingsInItsOrder() {
        timers.set(timer("b"), 20);
        timers.set(timer("a"), 10);
        timers.set(timer("c"), 30);
        timers.run(20);
        assertThat(rung).containsExactly("a", "b");
        assertThat(timers.size()).isEqualTo(1);
    }

    /** One that is due again at once, such as a check without a pause, must not keep the loop from all else. */
    @Test
    void whatIsSetWhileItRingsWaitsForAnotherTurn() {
        Timers.Timer[] restless = new Timers.Timer[1];
        restless[0] = new Timers.Timer(() -> {
            rung.add("again");
            timers.set(restless[0], 10);
        });
        timers.set(restless[0], 10);
        timers.run(10);
        assertThat(rung).containsExactly("again");
        timers.run(10);
        assertThat(rung).containsExactly("again", "again");
    }

    @Test
    void whatWasTakenBackDoesNotRing() {
        Timers.Timer a = timer("a");
        timers.set(a, 10);
        timers.cancel(a);
        timers.cancel(a);
        timers.run(100);
        assertThat(rung).isEmpty();
        assertThat(timers.millisToNext(0)).isEqualTo(-1);
    }

    @Test
    void sleepIsRoundedUpSoThatNothingSpins() {
        timers.set(timer("a"), 1_000_001);
        assertThat(timers.millisToNext(0)).isEqualTo(2);
        assertThat(timers.millisToNext(1_000_001)).isZero();
        assertThat(timers.millisToNext(2_000_000)).isZero();
    }

    /** nanoTime may be anywhere, and pass the end of the numbers. */
    @Test
    void timePassesTheEndOfTheNumbers() {
        long now = Long.MAX_VALUE - 5;
        timers.set(timer("after"), now + 10);
        timers.set(timer("before"), now + 1);
        timers.run(now + 1);
        assertThat(rung).containsExactly("before");
        timers.run(now + 10);
        assertThat(rung).containsExactly("before", "after");
    }

    @Test
    void anyMixOfChangesKeepsTheOrder() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<Long> rungAt = new ArrayList<>();
        List<Timers.Timer> all = new ArrayList<>();
        long[] due = new long[500];
        for (int i = 0; i < due.length; i++) {
            int index = i;
            all.add(new Timers.Timer(() -> rungAt.add(due[index])));
        }
        int set = 0;
        for (int round = 0; round < 5000; round++) {
            int i = random.nextInt(due.length);
            set -= all.get(i).isSet() ? 1 : 0;
            if (random.nextInt(4) == 0) {
                timers.cancel(all.get(i));
            } else {
                due[i] = random.nextInt(10_000);
                timers.set(all.get(i), due[i]);
                set++;
            }
            assertThat(timers.size()).as("seed %d", seed).isEqualTo(set);
        }
        timers.run(10_000);
        assertThat(rungAt).as("seed %d", seed).isSorted().hasSize(set);
    }
}
