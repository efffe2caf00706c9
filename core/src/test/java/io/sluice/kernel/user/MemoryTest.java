// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.testing.Pending;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.Pipe;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Counted memory: freed once, by the last who lets go; what a user lent, mapped and gave away. */
class MemoryTest {
    private static MemorySegment text(String text) {
        return MemorySegment.ofArray(text.getBytes(US_ASCII));
    }

    private static Lent lent(MemorySegment bytes) {
        return new Lent(bytes, null);
    }

    private static MemorySegment closed() {
        try (Arena arena = Arena.ofShared()) {
            return arena.allocate(8);
        }
    }

    /** Memory whose first look-up finds bytes that munmap moves at this very moment. */
    private static final class Moving extends Memory {
        private final MemorySegment now;
        private boolean looked;

        Moving(MemorySegment now) {
            super(1);
            this.now = now;
        }

        @Override
        MemorySegment bytes() {
            boolean before = !looked;
            looked = true;
            return before ? closed() : now;
        }

        @Override
        void free() {}
    }

    @Test
    void isFreedOnceByTheLastOfManyReferences() {
        AtomicInteger notices = new AtomicInteger();
        Lent memory = new Lent(text("abc"), notices::incrementAndGet);
        memory.retain(0, 3);
        memory.retain(0);
        assertThat(memory.references()).isEqualTo(5);
        memory.release(0, 3);
        memory.release(0);
        assertThat(notices).hasValue(0);
        memory.release(0);
        assertThat(notices).hasValue(1);
    }

    @Test
    void staysGoneWhenItIsUsedOrReleasedAfterwards() {
        Lent memory = lent(text("abc"));
        memory.release(0);
        assertThatThrownBy(() -> memory.retain(0, 2))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContainingAll("lent memory of 3 bytes", "(count 0)");
        assertThatThrownBy(() -> memory.release(0, 2))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContainingAll("lent memory of 3 bytes", "(count -2)");
        assertThat(memory.references()).isZero();
    }

    @Test
    void isCopiedUnlessAnArenaIsClosed() {
        MemorySegment room = MemorySegment.ofArray(new byte[3]);
        assertThat(Memory.copy(lent(text("abcd")), 1, lent(room), 0, 3)).isTrue();
        assertThat(room.mismatch(text("bcd"))).isEqualTo(-1);
        assertThat(Memory.copy(lent(closed()), 0, lent(room), 0, 3)).isFalse();
        assertThat(Memory.copy(lent(room), 0, lent(closed()), 0, 3)).isFalse();
    }

    @Test
    void isLookedUpAgainWhenMunmapMovesItMeanwhile() {
        MemorySegment room = MemorySegment.ofArray(new byte[3]);
        assertThat(Memory.copy(new Moving(text("abc")), 0, lent(room), 0, 3)).isTrue();
        assertThat(room.mismatch(text("abc"))).isEqualTo(-1);
        MemorySegment target = MemorySegment.ofArray(new byte[3]);
        assertThat(Memory.copy(lent(text("abc")), 0, new Moving(target), 0, 3)).isTrue();
        assertThat(target.mismatch(text("abc"))).isEqualTo(-1);
    }

    @Test
    void ofTheKernelBeginsWithAPage() {
        try (PagePool pool = new PagePool(1, true)) {
            assertThat(pool.take()).isNotNull().satisfies(page -> {
                assertThat(page.offsetInPage(5)).isEqualTo(5);
                assertThat(page.offsetInPage(2 * Page.SIZE + 3)).isEqualTo(3);
            });
        }
    }

    @Test
    void thatIsLentBeginsWithThePagesOfItsAddressesOrOfItsArray() {
        try (Arena arena = Arena.ofConfined()) {
            Lent offHeap = lent(arena.allocate(3L * Page.SIZE, Page.SIZE).asSlice(100));
            assertThat(offHeap.offsetInPage(0)).isEqualTo(100);
            assertThat(offHeap.offsetInPage(Page.SIZE - 100)).isZero();
            Lent array = lent(MemorySegment.ofArray(new byte[2 * Page.SIZE]).asSlice(100));
            assertThat(array.offsetInPage(0)).isZero();
            assertThat(array.offsetInPage(Page.SIZE + 7)).isEqualTo(7);
        }
    }

    @Test
    void thatIsMappedCountsInTheBudgetUntilTheLastReferenceIsGone() {
        try (PagePool pool = new PagePool(10, true)) {
            assertThat(pool.reserve(2)).isTrue();
            Mapping mapping = new Mapping(pool, 2, Page.SIZE, false);
            MemorySegment users = mapping.bytes();
            users.fill((byte) 'a');
            mapping.retain(0, 2);
            assertThat(mapping.unmap()).isTrue();
            assertThat(mapping.unmap()).as("once").isFalse();
            assertThat(users.scope().isAlive()).isFalse();
            assertThat(mapping.bytes().toArray(JAVA_BYTE))
                    .hasSize(2 * Page.SIZE)
                    .containsOnly('a');
            assertThat(pool.inUse()).isEqualTo(2);
            MemorySegment aside = mapping.bytes();
            mapping.release(0, 2);
            assertThat(pool.inUse()).isZero();
            assertThat(aside.scope().isAlive()).isFalse();
        }
    }

    @Test
    void thatIsMappedStaysWhileACallOfTheJdkHoldsIt() throws IOException {
        try (PagePool pool = new PagePool(10, true)) {
            assertThat(pool.reserve(1)).isTrue();
            Mapping mapping = new Mapping(pool, 1, Page.SIZE, false);
            mapping.retain(0);
            MemorySegment users = mapping.bytes();
            Pipe pipe = Pipe.open();
            try (Pending<Integer> call = Pending.start(() -> pipe.source().read(users.asByteBuffer()))) {
                while (Stream.of(call.thread().getStackTrace())
                        .noneMatch(frame -> frame.getMethodName().equals("read0"))) {
                    Thread.onSpinWait();
                }
                assertThat(mapping.unmap()).isFalse();
                pipe.sink().close();
                assertThat(call.value()).isEqualTo(-1);
            } finally {
                pipe.source().close();
            }
            assertThat(mapping.bytes()).as("as before").isSameAs(users);
            assertThat(mapping.references()).isEqualTo(2);
            assertThat(mapping.unmap()).as("later").isTrue();
            mapping.release(0);
            assertThat(pool.inUse()).isZero();
        }
    }

    @Test
    void thatIsMappedKnowsWhichPagesHaveOneReferenceWhereTheyAreCounted() {
        try (PagePool pool = new PagePool(10, true)) {
            assertThat(pool.reserve(6)).isTrue();
            Mapping counting = new Mapping(pool, 3, Page.SIZE, true);
            counting.retain(0, 3);
            counting.retain(Page.SIZE);
            assertThat(counting.onlyOneRefersTo(0)).isTrue();
            assertThat(counting.onlyOneRefersTo(Page.SIZE)).isFalse();
            assertThat(counting.onlyOneRefersTo(2 * Page.SIZE)).isTrue();
            counting.release(0, 2);
            assertThat(counting.onlyOneRefersTo(0)).isFalse();
            assertThat(counting.onlyOneRefersTo(Page.SIZE)).isTrue();
            Mapping other = new Mapping(pool, 3, Page.SIZE, false);
            other.retain(0);
            assertThat(other.onlyOneRefersTo(0)).isFalse();
            assertThat(other).hasToString("mapping of 3 pages");
        }
    }

    @Test
    void thatAFileTookOverIsOnePageOfItsMapping() {
        try (PagePool pool = new PagePool(10, true)) {
            assertThat(pool.reserve(2)).isTrue();
            Mapping mapping = new Mapping(pool, 2, Page.SIZE, true);
            mapping.bytes().fill((byte) 'a');
            mapping.bytes().asSlice(Page.SIZE).fill((byte) 'b');
            GiftedPage gift = new GiftedPage(mapping, Page.SIZE);
            assertThat(gift).hasToString("gifted page at 4096 of mapping of 2 pages");
            assertThat(mapping.references()).isEqualTo(2);
            assertThat(mapping.unmap()).isTrue();
            assertThat(gift.bytes().toArray(JAVA_BYTE)).hasSize(Page.SIZE).containsOnly('b');
            gift.release(0);
            assertThat(pool.inUse()).isZero();
        }
    }
}
