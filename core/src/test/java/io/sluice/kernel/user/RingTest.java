// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A ring is a list of slots, whatever it joins inside. */
class RingTest {
    private static final int PAGES = 64;

    /** Memory whose pages begin {@code shift} bytes before a page of its own does, and that counts what it lends. */
    private static final class Sheet extends Memory {
        private final int shift;

        Sheet(int shift) {
            super(1);
            this.shift = shift;
        }

        @Override
        MemorySegment bytes() {
            return MemorySegment.NULL;
        }

        @Override
        int offsetInPage(long start) {
            return (int) ((start + shift) % Page.SIZE);
        }

        @Override
        void free() {
            throw new IllegalStateException("released once too often");
        }
    }

    private record Slot(Sheet memory, long start, int length, int marks) {}

    private final Sheet[] sheets = {new Sheet(0), new Sheet(100)};
    private final Random random = new Random(7);

    /** A ring, and what should be in it. */
    private final class Pair {
        final Ring ring;
        final List<Slot> model = new ArrayList<>();

        Pair(int slots) {
            ring = new Ring(slots);
        }

        void mustAgree() {
            assertThat(ring.size()).isEqualTo(model.size());
            assertThat(ring.isEmpty()).isEqualTo(model.isEmpty());
            assertThat(ring.isFull()).isEqualTo(model.size() == ring.capacity());
            assertThat(ring.bytes())
                    .isEqualTo(model.stream().mapToLong(Slot::length).sum());
            for (int looks = 0; looks < model.size() + 3 && !model.isEmpty(); looks++) {
                int slot = looks < model.size() ? looks : random.nextInt(model.size());
                assertThat(new Slot((Sheet) ring.memory(slot), ring.start(slot), ring.length(slot), ring.marks(slot)))
                        .isEqualTo(model.get(slot));
            }
        }

        void addPages() {
            Sheet sheet = sheets[random.nextInt(2)];
            long start = random.nextInt(PAGES) * (long) Page.SIZE;
            start = random.nextBoolean() || model.isEmpty() ? start + random.nextInt(Page.SIZE) : afterNewest(sheet);
            long most = random.nextInt(1, 6 * Page.SIZE);
            List<Slot> slots = new ArrayList<>();
            int marks = random.nextInt(2) * Ring.GIFT;
            long at = start;
            while (at < start + most && slots.size() < ring.free()) {
                int length = (int) Math.min(start + most - at, Page.SIZE - sheet.offsetInPage(at));
                slots.add(new Slot(sheet, at, length, marks));
                at += length;
            }
            if (!slots.isEmpty()) {
                sheet.retain(start, slots.size());
                ring.addPages(sheet, start, at - start, marks);
                model.addAll(slots);
            }
        }

        private long afterNewest(Sheet sheet) {
            Slot newest = model.getLast();
            return newest.memory.equals(sheet) ? newest.start + newest.length : 0;
        }

        void consume() {
            if (!model.isEmpty()) {
                Slot oldest = model.getFirst();
                int count = random.nextInt(1, oldest.length + 1);
                assertThat(ring.consume(count)).isEqualTo(count == oldest.length);
                shortened(count);
            }
        }

        private void shortened(int count) {
            Slot oldest = model.removeFirst();
            if (count < oldest.length) {
                model.addFirst(new Slot(oldest.memory, oldest.start + count, oldest.length - count, oldest.marks));
            }
        }

        List<Slot> whole(long most, int mostSlots) {
            List<Slot> whole = new ArrayList<>();
            long left = most;
            while (whole.size() < Math.min(mostSlots, model.size()) && model.get(whole.size()).length <= left) {
                left -= model.get(whole.size()).length;
                whole.add(model.get(whole.size()));
            }
            return whole;
        }

        void dropWhole() {
            long most = random.nextLong(ring.bytes() + 2);
            List<Slot> dropped = whole(most, Integer.MAX_VALUE);
            assertThat(ring.dropWhole(most))
                    .isEqualTo(dropped.stream().mapToLong(Slot::length).sum());
            model.subList(0, dropped.size()).clear();
        }

        void moveWholeTo(Pair other) {
            long most = random.nextLong(ring.bytes() + 2);
            List<Slot> moved = whole(most, other.ring.free());
            assertThat(ring.moveWholeTo(other.ring, most))
                    .isEqualTo(moved.stream().mapToLong(Slot::length).sum());
            other.model.addAll(moved);
            model.subList(0, moved.size()).clear();
        }

        void moveOldestTo(Pair other) {
            if (!model.isEmpty() && !other.ring.isFull()) {
                ring.moveOldestTo(other.ring, Ring.PACKET);
                Slot oldest = model.removeFirst();
                other.model.add(new Slot(oldest.memory, oldest.start, oldest.length, Ring.PACKET));
            }
        }

        void shareTo(Pair other) {
            if (!model.isEmpty() && !other.ring.isFull()) {
                int slot = random.nextInt(model.size());
                Slot shared = model.get(slot);
                int count = random.nextInt(1, shared.length + 1);
                ring.shareTo(slot, count, other.ring);
                other.model.add(new Slot(shared.memory, shared.start, count, shared.marks));
            }
        }

        void resize() {
            int slots = 1 << random.nextInt(6);
            if (slots >= model.size()) {
                ring.resize(slots);
                assertThat(ring.capacity()).isEqualTo(slots);
            }
        }
    }

    @Test
    void twoRingsAgreeWithTwoListsWhateverIsDoneToThem() {
        Pair[] pairs = {new Pair(16), new Pair(8)};
        for (int step = 0; step < 20_000; step++) {
            Pair pair = pairs[random.nextInt(2)];
            Pair other = pair == pairs[0] ? pairs[1] : pairs[0];
            switch (random.nextInt(8)) {
                case 0, 1 -> pair.addPages();
                case 2 -> pair.consume();
                case 3 -> pair.dropWhole();
                case 4 -> pair.moveWholeTo(other);
                case 5 -> pair.moveOldestTo(other);
                case 6 -> pair.shareTo(other);
                default -> pair.resize();
            }
            pair.mustAgree();
            other.mustAgree();
            for (Sheet sheet : sheets) {
                long inSlots = pair.model.stream()
                                .filter(slot -> slot.memory.equals(sheet))
                                .count()
                        + other.model.stream()
                                .filter(slot -> slot.memory.equals(sheet))
                                .count();
                assertThat(sheet.references()).isEqualTo((int) inSlots + 1);
            }
        }
        for (Pair pair : pairs) {
            pair.ring.clear();
            pair.model.clear();
            pair.mustAgree();
        }
        assertThat(sheets).allSatisfy(sheet -> assertThat(sheet.references()).isEqualTo(1));
    }

    @Test
    void aRingIsNotFilledBeyondItsSlots() {
        Ring ring = new Ring(2);
        assertThatIllegalStateException()
                .isThrownBy(() -> ring.addPages(sheets[0], 1, 2 * Page.SIZE, 0))
                .withMessageContaining("overrun");
        ring.add(sheets[0], 0, 1, 0);
        ring.add(sheets[0], 0, 1, 0);
        assertThatIllegalStateException()
                .isThrownBy(() -> ring.add(sheets[0], 0, 1, 0))
                .withMessageContaining("overrun");
        assertThat(ring.size()).isEqualTo(2);
    }

    @Test
    void noMoreIsConsumedThanTheOldestSlotHas() {
        Ring ring = new Ring(4);
        assertThatIllegalStateException().isThrownBy(() -> ring.consume(1)).withMessageContaining("underrun");
        ring.addPages(sheets[0], 0, 2 * Page.SIZE, 0);
        assertThatIllegalStateException()
                .isThrownBy(() -> ring.consume(Page.SIZE + 1))
                .withMessageContaining("underrun");
        assertThat(ring.bytes()).isEqualTo(2 * Page.SIZE);
    }

    @Test
    void aSlotThatIsNotThereIsNamed() {
        Ring ring = new Ring(4);
        ring.add(sheets[0], 0, 1, 0);
        assertThatIllegalStateException().isThrownBy(() -> ring.memory(1)).withMessageContaining("slot 1 of 1");
        assertThatIllegalStateException().isThrownBy(() -> ring.length(-1)).withMessageContaining("slot -1 of 1");
    }

    @Test
    void pagesThatFollowOneAnotherTakeOneRun() {
        Ring ring = new Ring(256);
        sheets[0].retain(0, 256);
        for (int page = 0; page < 256; page++) {
            ring.add(sheets[0], (long) page * Page.SIZE, Page.SIZE, 0);
        }
        assertThat(ring.runs()).isOne();
        assertThat(ring.size()).isEqualTo(256);
        ring.clear();
        assertThat(ring.runs()).isZero();
    }

    @Test
    void otherMarksOrAGapBeginAnotherRun() {
        Ring ring = new Ring(4);
        ring.add(sheets[0], 0, Page.SIZE, 0);
        ring.add(sheets[0], Page.SIZE, Page.SIZE, Ring.GIFT);
        ring.add(sheets[0], 3 * Page.SIZE, 10, Ring.GIFT);
        ring.add(sheets[0], 3 * Page.SIZE + 10, 10, Ring.GIFT);
        assertThat(ring.runs()).isEqualTo(4);
    }

    @Test
    void aSlotThatFitsToTheByteIsDroppedAndMovedWhole() {
        Ring ring = new Ring(4);
        sheets[0].retain(0, 4);
        ring.addPages(sheets[0], 1, 3 * Page.SIZE, 0);
        assertThat(ring.dropWhole(Page.SIZE - 2)).isZero();
        assertThat(ring.dropWhole(Page.SIZE - 1)).isEqualTo(Page.SIZE - 1);
        Ring other = new Ring(4);
        assertThat(ring.moveWholeTo(other, Page.SIZE)).isEqualTo(Page.SIZE);
        assertThat(ring.size()).isEqualTo(2);
        assertThat(ring.dropWhole(Page.SIZE + 1)).isEqualTo(Page.SIZE + 1);
        assertThat(ring.isEmpty()).isTrue();
        other.clear();
        assertThat(sheets[0].references()).isOne();
    }

    @Test
    void theNewestSlotGrowsAtItsEndAndKeepsItsMarks() {
        Ring ring = new Ring(4);
        ring.add(sheets[0], 0, 5, Ring.PACKET);
        ring.add(sheets[0], Page.SIZE, 7, Ring.MERGEABLE);
        ring.extendNewest(3);
        assertThat(ring.length(0)).isEqualTo(5);
        assertThat(ring.length(1)).isEqualTo(10);
        assertThat(ring.bytes()).isEqualTo(15);
        assertThat(ring.marked(1, Ring.MERGEABLE)).isTrue();
        assertThat(ring.marked(1, Ring.PACKET)).isFalse();
        assertThat(ring.marked(0, Ring.MERGEABLE)).isFalse();
    }
}
