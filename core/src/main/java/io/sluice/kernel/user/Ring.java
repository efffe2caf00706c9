// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import org.jspecify.annotations.Nullable;

/**
 * A queue of references to parts of pages: the slots of a pipe, and what waits in a socket. Owned by one object and
 * guarded by its lock.
 *
 * <p>Slot {@code i} (0 is the oldest) is a piece of one page of counted memory, with its first byte and length, and
 * marks:
 *
 * <pre>
 *   memory ──► | ........ start [ length bytes ] .... |     MERGEABLE  a small write may be appended here
 *                                                           PACKET     one read ends with it and drops its rest
 *                                                           GIFT       the user gave the page away
 * </pre>
 *
 * <p>Slots whose pages follow one another in the same memory are kept as one run, so that a vmsplice of 256 pages is
 * put in and taken out in one step. Nobody outside sees runs: what counts is always slots.
 *
 * <pre>
 *   run   start ▼            page           page            page
 *         | ....[ first slot ][     slot     ][     slot     ][ last slot ].... |
 * </pre>
 */
final class Ring {
    static final int MERGEABLE = 1;
    static final int PACKET = 2;
    static final int GIFT = 4;

    private static final int MARKS_BITS = 3;
    private static final int MARKS = (1 << MARKS_BITS) - 1;
    private static final int SLOTS_SHIFT = 32;
    private static final long BYTES = 0xffff_ffffL;

    // The runs, oldest first: parallel arrays of a power of two, indexed by position & mask; positions only grow
    // (modulo
    // 2^32). There are never more runs than slots.
    private @Nullable Memory[] memories;
    private long[] places; // start of the first byte within the memory, and the marks
    private long[] extents; // slots and bytes
    private int mask;
    private int head; // position of the oldest run
    private int tail; // position after the newest

    private int size; // slots
    private long bytes;

    // The run that was looked at last, and the number of its first slot: who walks through the slots begins there.
    private int seenRun;
    private int seenSlot;

    /** An empty ring of {@code slots}, a power of two. */
    Ring(int slots) {
        memories = new @Nullable Memory[slots];
        places = new long[slots];
        extents = new long[slots];
        mask = slots - 1;
    }

    int capacity() {
        return mask + 1;
    }

    /** Occupied slots. */
    int size() {
        return size;
    }

    int free() {
        return mask + 1 - size;
    }

    boolean isEmpty() {
        return size == 0;
    }

    boolean isFull() {
        return size > mask;
    }

    /** Into how many runs the slots are joined, for whoever asks what that costs. */
    int runs() {
        return tail - head;
    }

    /** Bytes in all slots. */
    long bytes() {
        return bytes;
    }

    // One slot.

    Memory memory(int slot) {
        return memoryOf(runOf(slot));
    }

    long start(int slot) {
        int run = runOf(slot);
        int within = slot - seenSlot;
        return within == 0 ? startOf(run) : startOf(run) + firstLength(run) + (within - 1L) * Page.SIZE;
    }

    int length(int slot) {
        int run = runOf(slot);
        int within = slot - seenSlot;
        int first = firstLength(run);
        if (within == 0) {
            return first;
        }
        return (int) Math.min(Page.SIZE, bytesOf(run) - first - (within - 1L) * Page.SIZE);
    }

    boolean marked(int slot, int mark) {
        return (marks(slot) & mark) != 0;
    }

    int marks(int slot) {
        return marksOf(runOf(slot));
    }

    /** The index of the run that a slot is in; afterwards {@code seenSlot} is the number of the run's first slot. */
    private int runOf(int slot) {
        if (slot < 0 || slot >= size) {
            throw new IllegalStateException("slot " + slot + " of " + size + " is empty");
        }
        if (slot < seenSlot) {
            lookFromHead();
        } else if (slot == size - 1 && slotsOf((tail - 1) & mask) == 1) {
            seenRun = tail - 1;
            seenSlot = slot;
        }
        while (slot - seenSlot >= slotsOf(seenRun & mask)) {
            seenSlot += slotsOf(seenRun & mask);
            seenRun++;
        }
        return seenRun & mask;
    }

    private void lookFromHead() {
        seenRun = head;
        seenSlot = 0;
    }

    // One run, by its index.

    private Memory memoryOf(int run) {
        Memory memory = memories[run];
        if (memory == null) {
            throw new IllegalStateException("run " + run + " of a ring of " + capacity() + " slots is empty");
        }
        return memory;
    }

    private long startOf(int run) {
        return places[run] >>> MARKS_BITS;
    }

    private int marksOf(int run) {
        return (int) places[run] & MARKS;
    }

    private int slotsOf(int run) {
        return (int) (extents[run] >>> SLOTS_SHIFT);
    }

    private long bytesOf(int run) {
        return extents[run] & BYTES;
    }

    private int firstLength(int run) {
        long extent = extents[run];
        if (extent >>> SLOTS_SHIFT == 1) {
            return (int) extent;
        }
        return Page.SIZE - memoryOf(run).offsetInPage(startOf(run));
    }

    private static long place(long start, int marks) {
        return start << MARKS_BITS | marks;
    }

    private static long extent(long slots, long bytes) {
        return slots << SLOTS_SHIFT | bytes;
    }

    // Adding.

    /** Adds a slot and takes over the caller's reference. */
    void add(Memory memory, long start, int length, int newMarks) {
        addRun(memory, start, 1, length, newMarks);
    }

    /**
     * Adds a slot for each page that {@code count} consecutive bytes touch, and takes over one reference for each.
     *
     * @param start the first byte
     */
    void addPages(Memory memory, long start, long count, int newMarks) {
        addRun(memory, start, (int) ((memory.offsetInPage(start) + count - 1) / Page.SIZE) + 1, count, newMarks);
    }

    private void addRun(Memory memory, long start, int slots, long count, int newMarks) {
        if (slots > free()) {
            throw new IllegalStateException(
                    "ring overrun: " + slots + " slots more than the " + size + " occupied of " + capacity());
        }
        if (continuesNewest(memory, start, newMarks)) {
            extents[(tail - 1) & mask] += extent(slots, count);
        } else {
            int run = tail & mask;
            memories[run] = memory;
            places[run] = place(start, newMarks);
            extents[run] = extent(slots, count);
            tail++;
        }
        size += slots;
        bytes += count;
    }

    /** Whether a page follows directly on the newest run. */
    private boolean continuesNewest(Memory memory, long start, int newMarks) {
        int newest = (tail - 1) & mask;
        return size > 0
                && memory.equals(memories[newest])
                && places[newest] + (bytesOf(newest) << MARKS_BITS) == place(start, newMarks)
                && memory.offsetInPage(start) == 0;
    }

    /** Makes the newest slot longer at its end. */
    void extendNewest(int count) {
        extents[(tail - 1) & mask] += count;
        bytes += count;
    }

    // Taking.

    /** Drops the first {@code count} bytes of the oldest slot; answers whether the whole slot was released. */
    boolean consume(int count) {
        int run = head & mask;
        if (isEmpty() || count > firstLength(run)) {
            throw new IllegalStateException("ring underrun: " + count + " bytes of " + size + " slots consumed");
        }
        if (count < firstLength(run)) {
            places[run] += (long) count << MARKS_BITS;
            extents[run] -= count;
            bytes -= count;
            return false;
        }
        Memory memory = memoryOf(run);
        long start = startOf(run);
        removeSlots(1);
        memory.release(start);
        return true;
    }

    /** Drops the oldest slots whole, up to {@code most} bytes; answers the bytes. */
    long dropWhole(long most) {
        long dropped = 0;
        for (int slots; (slots = wholeSlots(most - dropped, size)) > 0; ) {
            Memory memory = memory(0);
            long start = start(0);
            dropped += removeSlots(slots);
            memory.release(start, slots);
        }
        return dropped;
    }

    /** Moves the oldest slots whole to another ring, up to {@code most} bytes and as many as fit; answers the bytes. */
    long moveWholeTo(Ring other, long most) {
        long moved = 0;
        for (int slots; (slots = wholeSlots(most - moved, other.free())) > 0; ) {
            Memory memory = memory(0);
            long start = start(0);
            int marks = marks(0);
            long count = removeSlots(slots);
            other.addRun(memory, start, slots, count, marks);
            moved += count;
        }
        return moved;
    }

    /** How many of the first run's slots, up to {@code mostSlots}, are together no longer than {@code mostBytes}. */
    private int wholeSlots(long mostBytes, int mostSlots) {
        if (isEmpty()) {
            return 0;
        }
        int run = head & mask;
        int slots = slotsOf(run);
        if (bytesOf(run) > mostBytes) {
            int first = firstLength(run);
            slots = mostBytes < first ? 0 : (int) ((mostBytes - first) / Page.SIZE) + 1;
        }
        return Math.min(slots, mostSlots);
    }

    /** Takes slots off the oldest run; their references are the caller's. Answers their bytes. */
    private long removeSlots(int slots) {
        int run = head & mask;
        long count;
        if (slots == slotsOf(run)) {
            count = bytesOf(run);
            memories[run] = null;
            head++;
        } else {
            count = firstLength(run) + (slots - 1L) * Page.SIZE;
            places[run] += count << MARKS_BITS;
            extents[run] -= extent(slots, count);
        }
        size -= slots;
        bytes -= count;
        lookFromHead();
        return count;
    }

    /** Moves the oldest slot, with its reference but other marks, to the end of another ring. */
    void moveOldestTo(Ring other, int newMarks) {
        other.add(memory(0), start(0), length(0), newMarks);
        removeSlots(1);
    }

    /** Adds to another ring a reference to the first {@code count} bytes of a slot; it never merges there. */
    void shareTo(int slot, int count, Ring other) {
        Memory memory = memory(slot);
        memory.retain(start(slot));
        other.add(memory, start(slot), count, marks(slot) & ~MERGEABLE);
    }

    /** Gives the ring another number of slots, a power of two and no fewer than are occupied. */
    void resize(int slots) {
        int runs = tail - head;
        @Nullable Memory[] newMemories = new @Nullable Memory[slots];
        long[] newPlaces = new long[slots];
        long[] newExtents = new long[slots];
        for (int i = 0; i < runs; i++) {
            int run = (head + i) & mask;
            newMemories[i] = memories[run];
            newPlaces[i] = places[run];
            newExtents[i] = extents[run];
        }
        memories = newMemories;
        places = newPlaces;
        extents = newExtents;
        mask = slots - 1;
        head = 0;
        tail = runs;
        lookFromHead();
    }

    /** Releases everything. */
    void clear() {
        dropWhole(bytes);
    }
}
