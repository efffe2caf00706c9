// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.kernel.user.Machine.Running;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The pages of one kernel: its budget, what is in them, and mistakes that throw at once. */
class PagePoolTest {
    private static Page take(PagePool pool) {
        return Objects.requireNonNull(pool.take(), "the budget is used up");
    }

    private static List<Page> take(PagePool pool, int count) {
        List<Page> pages = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            pages.add(take(pool));
        }
        return pages;
    }

    /** What another thread sees in use: it gets no answer when somebody kept the lock. */
    private static long inUseSeenFromElsewhere(PagePool pool) throws Exception {
        return CompletableFuture.supplyAsync(pool::inUse).get(5, TimeUnit.SECONDS);
    }

    @Test
    void handsOutItsBudgetAndNoPageMore() throws Exception {
        try (PagePool pool = new PagePool(3, true)) {
            List<Page> pages = take(pool, 3);
            assertThat(pages).doesNotHaveDuplicates();
            assertThat(pool.take()).isNull();
            assertThat(pool.takeZeroed()).isNull();
            assertThat(inUseSeenFromElsewhere(pool)).isEqualTo(3);
            pages.getFirst().release(0);
            assertThat(pool.inUse()).isEqualTo(2);
            assertThat(pool.take()).isSameAs(pages.getFirst());
        }
    }

    @Test
    void handsOutPagesInTheOrderOfTheirAddressesChunkAfterChunk() {
        try (PagePool pool = new PagePool(300, true)) {
            List<Page> pages = take(pool, 300);
            for (int i = 0; i < 300; i++) {
                assertThat(pages.get(i).number()).isEqualTo(i);
                assertThat(pages.get(i).bytes().byteSize()).isEqualTo(Page.SIZE);
                assertThat(pages.get(i).bytes().address() % Page.SIZE).isZero();
            }
            assertThat(pages.get(255).bytes().address())
                    .isEqualTo(pages.getFirst().bytes().address() + 255L * Page.SIZE);
            assertThat(pool.take()).isNull();
            pages.forEach(page -> page.release(0));
            assertThat(pool.inUse()).isZero();
            assertThat(take(pool, 300)).doesNotHaveDuplicates();
        }
    }

    @Test
    void setsAsideWhatMappingsReserveFromWhatIsNotYetMade() throws Exception {
        try (PagePool pool = new PagePool(300, true)) {
            take(pool).release(0); // a chunk of 256 is made
            assertThat(pool.reserve(45)).isFalse();
            assertThat(pool.reserve(44)).isTrue();
            assertThat(pool.reserve(1)).isFalse();
            assertThat(inUseSeenFromElsewhere(pool)).isEqualTo(44);
            take(pool, 256);
            assertThat(pool.take()).isNull();
            assertThat(inUseSeenFromElsewhere(pool)).isEqualTo(300);
            pool.unreserve(44);
            assertThat(inUseSeenFromElsewhere(pool)).isEqualTo(256);
            assertThat(take(pool, 44)).hasSize(44);
            assertThat(pool.take()).isNull();
        }
    }

    @Test
    void wipesAPageOnlyWhereZerosAreAskedFor() {
        try (PagePool pool = new PagePool(1, false)) {
            Page page = take(pool);
            page.bytes().fill((byte) 'x');
            page.release(0);
            assertThat(take(pool).bytes().toArray(JAVA_BYTE)).containsOnly('x');
            page.release(0);
            assertThat(pool.takeZeroed()).isSameAs(page);
            assertThat(page.bytes().toArray(JAVA_BYTE)).containsOnly(0);
        }
    }

    @Test
    void scribblesOverWhatComesBackWhenItChecks() {
        try (PagePool pool = new PagePool(1, true)) {
            Page page = take(pool);
            page.bytes().fill((byte) 'x');
            page.release(0);
            assertThat(page.bytes().toArray(JAVA_BYTE)).containsOnly(0xDB);
        }
    }

    @Test
    void throwsWhenAPageIsReleasedTooOften() {
        try (PagePool pool = new PagePool(2, true)) {
            Page page = take(pool);
            page.release(0);
            assertThatThrownBy(() -> page.release(0))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContainingAll("page 0", "released too often", "-1");
            assertThat(page.references()).isZero();
            assertThat(pool.inUse()).isZero();
        }
    }

    @Test
    void throwsWhenAPageIsUsedAfterItsRelease() {
        try (PagePool pool = new PagePool(1, true)) {
            Page page = take(pool);
            page.release(0);
            assertThatThrownBy(() -> page.retain(0))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContainingAll("page 0", "used after its release", "0");
            assertThat(page.references()).isZero();
            assertThat(pool.take()).isSameAs(page);
        }
    }

    @Test
    void throwsWhenAPageThatIsUsedLiesInThePool() {
        try (PagePool pool = new PagePool(1, true)) {
            Page page = take(pool);
            pool.takeBack(page);
            assertThatThrownBy(pool::take)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("while it is used (count 1)");
        }
    }

    @Test
    void takesTheMemoryAwayFromItsPagesWhenItIsClosed() {
        PagePool pool = new PagePool(1, true);
        Page page = take(pool);
        pool.close();
        assertThatThrownBy(() -> page.bytes().get(JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
    }

    /** Closing threw while the host was writing from a page, and closing a kernel a second time threw always. */
    @Test
    void waitsAtItsCloseForTheHostToLeaveItsMemory() throws Exception {
        PagePool pool = new PagePool(1, true);
        ByteBuffer bytes = take(pool).bytes().asByteBuffer();
        Pipe host = Pipe.open();
        Running<Integer> reading = Machine.start(() -> host.source().read(bytes));
        while (Stream.of(reading.thread().getStackTrace()).noneMatch(StackTraceElement::isNativeMethod)) {
            Thread.onSpinWait();
        }
        Running<Long> closing = Machine.start(() -> {
            pool.close();
            return 0L;
        });
        while (closing.thread().getState() != Thread.State.TIMED_WAITING) {
            assertThat(closing.thread().isAlive()).isTrue();
            Thread.onSpinWait();
        }
        host.sink().write(ByteBuffer.allocate(1));
        assertThat(reading.answer()).isEqualTo(1);
        assertThat(closing.answer()).isZero();
        pool.close();
        host.sink().close();
        host.source().close();
    }
}
