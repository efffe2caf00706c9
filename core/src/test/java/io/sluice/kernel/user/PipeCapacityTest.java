// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EBUSY;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.EPERM;
import static io.sluice.kernel.user.Machine.PAGE;
import static io.sluice.kernel.user.Waitable.ANY_EVENT;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.NoLeaks;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How many slots a pipe has: what is asked for, what is allowed, what is occupied. */
@NoLeaks
class PipeCapacityTest {
    private final Plumbing plumbing = new Plumbing();
    private final Pipe pipe = plumbing.pipe();

    @AfterEach
    void close() {
        plumbing.close();
    }

    @Test
    void roundsItsCapacityUpToAPowerOfTwoOfPages() {
        assertThat(pipe.sizeBytes()).isEqualTo(16 * PAGE);
        List<Integer> heard = plumbing.heardByWriters(pipe);
        assertThat(pipe.resize(0)).isEqualTo(PAGE);
        assertThat(pipe.resize(PAGE)).isEqualTo(PAGE);
        assertThat(pipe.resize(PAGE + 1)).isEqualTo(2 * PAGE);
        assertThat(pipe.resize(2 * PAGE)).isEqualTo(2 * PAGE);
        assertThat(pipe.resize(5 * PAGE)).isEqualTo(8 * PAGE);
        assertThat(pipe.sizeBytes()).isEqualTo(8 * PAGE);
        assertThat(pipe.ring.capacity()).isEqualTo(8);
        assertThat(heard).hasSize(5).containsOnly(ANY_EVENT);
        assertThat(pipe.resize(1 << 20)).as("the most there is").isEqualTo(1 << 20);
        assertThat(pipe.resize((1 << 20) + 1)).isEqualTo(-EPERM);
        assertThat(pipe.resize(1 << 31)).as("as unsigned").isEqualTo(-EPERM);
        assertThat(pipe.resize((1 << 31) + 1)).isEqualTo(-EINVAL);
        assertThat(pipe.resize(-1)).isEqualTo(-EINVAL);
        assertThat(pipe.sizeBytes()).isEqualTo(1 << 20);
    }

    @Test
    void keepsTheSlotsThatAreOccupied() {
        plumbing.put(pipe, "a", "b", "c", "d", "e");
        assertThat(pipe.resize(4 * PAGE)).isEqualTo(-EBUSY);
        assertThat(pipe.sizeBytes()).isEqualTo(16 * PAGE);
        plumbing.take(pipe, 1);
        assertThat(pipe.resize(4 * PAGE)).isEqualTo(4 * PAGE);
        assertThat(plumbing.text(pipe)).containsExactly("b", "c", "d", "e");
    }

    @Test
    void isSmallWhereItsUserHasManyPagesInPipes() {
        try (Plumbing limited = new Plumbing(10, 8 * PAGE, 20)) {
            Pipe first = limited.pipe();
            Pipe second = limited.pipe();
            assertThat(first.sizeBytes()).isEqualTo(16 * PAGE);
            assertThat(second.sizeBytes()).as("16 and 16 are too many").isEqualTo(2 * PAGE);
            assertThat(second.resize(4 * PAGE)).as("20 are not").isEqualTo(4 * PAGE);
            assertThat(second.resize(8 * PAGE)).isEqualTo(-EPERM);
            Pipe third = limited.pipe();
            assertThat(third.sizeBytes()).isEqualTo(2 * PAGE);
            assertThat(third.resize(2 * PAGE)).as("as it is").isEqualTo(2 * PAGE);
            assertThat(first.resize(16 * PAGE)).as("as it is").isEqualTo(16 * PAGE);
            limited.put(first, "1", "2", "3", "4", "5");
            assertThat(first.resize(4 * PAGE)).isEqualTo(-EBUSY);
            assertThat(third.resize(4 * PAGE)).as("as many as before").isEqualTo(-EPERM);
            assertThat(first.resize(8 * PAGE)).as("smaller is never too many").isEqualTo(8 * PAGE);
            assertThat(second.resize(8 * PAGE)).isEqualTo(8 * PAGE); // 8, 8 and 2
            assertThat(third.resize(4 * PAGE)).isEqualTo(4 * PAGE); // 8, 8 and 4
            assertThat(third.resize(8 * PAGE)).isEqualTo(-EPERM);
            Pipe gone = Pipe.withBothEnds(limited.resources);
            assertThat(gone.sizeBytes()).isEqualTo(2 * PAGE);
            gone.closeEnd(true, true);
            assertThat(third.resize(PAGE)).isEqualTo(PAGE);
            assertThat(third.resize(4 * PAGE)).as("20 again").isEqualTo(4 * PAGE);
        }
    }

    @Test
    void mayBeLargerThanTheMostUntilItIsMadeSmaller() {
        try (Plumbing limited = new Plumbing(10, 8 * PAGE, 0)) {
            Pipe large = limited.pipe();
            assertThat(large.resize(16 * PAGE)).isEqualTo(16 * PAGE);
            assertThat(large.resize(8 * PAGE)).isEqualTo(8 * PAGE);
            assertThat(large.resize(16 * PAGE)).isEqualTo(-EPERM);
        }
    }
}
