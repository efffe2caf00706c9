// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import org.jspecify.annotations.Nullable;

/**
 * A queue of references to parts of pages: the slots of a pipe, and what waits in a socket. Owned by one object and
 * guarded by its lock.
 *
 * <p>Slot {@code i} (0 is the oldest) is a piece of counted memory with its first byte and length, and marks:
 *
 * <pre>
 *   memory ──► | ........ start [ length bytes ] .... |     MERGEABLE  a small write may be appended here
 *                                                           PACKET     one read ends with it and drops its rest
 *                                                           GIFT       the user gave the page away
 * </pre>
 */
final class Ring {
    static final int MERGEABLE = 1;
    static final int PACKET = 2;
    static final int GIFT = 4;

    private static final int START_SHIFT = 19;
    private static final int MARKS_SHIFT = 16;
    private static final int MARKS = 7;
    private static final long LENGTH = 0xffff;

    // Parallel arrays of a power of two, indexed by position & mask; the positions only grow (modulo 2^32). What is not
    // the memory itself is one word, so that a slot is written and read with two accesses:
    //
    //   bits 63–19  start: first byte within the memory
    //   bits 18–16  marks
    //   bits 15–0   length: at most a page
    private @Nullable Memory[] memories;
    private long[] words;
    private int mask;
    private int head; // position of the oldest slot
    private int tail; // position after the newest
    private long bytes;

    private static long word(long start, int length, int marks) {
        return start << START_SHIFT | (long) marks << MARKS_SHIFT | length;
    }

    private static int length(long word) {
        return (int) (word & LENGTH);
    }

    /** An empty ring of {@code slots}, a power of two. */
    Ring(int slots) {
        memories = new @Nullable Memory[slots];
        words = new long[slots];
        mask = slots - 1;
    }

    int capacity() {
        return mask + 1;
    }

    /** Occupied slots. */
    int size() {
        return tail - head;
    }

    int free() {
        return mask + 1 - (tail - head);
    }

    boolean isEmpty() {
        return head == tail;
    }

    boolean isFull() {
        return tail - head > mask;
    }

    /** Bytes in all slots. */
    long bytes() {
        return bytes;
    }

    Memory memory(int slot) {
        Memory memory = memories[index(slot)];
        if (memory == null) {
            throw new IllegalStateException("slot " + slot + " of " + size() + " is empty");
        }
        return memory;
    }

    long start(int slot) {
        return words[index(slot)] >>> START_SHIFT;
    }

    int length(int slot) {
        return length(words[index(slot)]);
    }

    boolean marked(int slot, int mark) {
        return (marks(slot) & mark) != 0;
    }

    int marks(int slot) {
        return (int) (words[index(slot)] >>> MARKS_SHIFT) & MARKS;
    }

    /** Adds a slot and takes over the caller's reference. */
    void add(Memory memory, long start, int length, int newMarks) {
        if (isFull()) {
            throw new IllegalStateException("ring overrun: " + size() + " of " + capacity() + " slots are occupied");
        }
        int index = tail & mask;
        memories[index] = memory;
        words[index] = word(start, length, newMarks);
        tail++;
        bytes += length;
    }

    /**
     * Adds slots for consecutive pages and takes over one reference for each.
     *
     * @param place where in its page the first byte lies
     * @param count bytes; they fit in the free slots
     */
    void addPages(Memory memory, long start, int place, long count, int newMarks) {
        if ((place + count - 1) / Page.SIZE >= free()) {
            throw new IllegalStateException("ring overrun: " + count + " bytes for " + free() + " free slots");
        }
        long added = 0;
        for (int room = Page.SIZE - place; added < count; room = Page.SIZE) {
            int length = (int) Math.min(room, count - added);
            int index = tail & mask;
            if (!memory.equals(memories[index])) {
                memories[index] = memory; // a store of a reference costs more than the look
            }
            words[index] = word(start + added, length, newMarks);
            tail++;
            added += length;
        }
        bytes += count;
    }

    /** Makes the newest slot longer at its end. */
    void extendNewest(int count) {
        words[(tail - 1) & mask] += count;
        bytes += count;
    }

    /** Drops the first {@code count} bytes of the oldest slot; answers whether the whole slot was released. */
    boolean consume(int count) {
        int index = head & mask;
        long word = words[index];
        int left = length(word) - count;
        if (isEmpty() || left < 0) {
            throw new IllegalStateException("ring underrun: " + count + " bytes of " + size() + " slots consumed");
        }
        bytes -= count;
        if (left > 0) {
            words[index] = word + ((long) count << START_SHIFT) - count;
            return false;
        }
        Memory memory = memory(0);
        memories[index] = null;
        head++;
        memory.release(word >>> START_SHIFT);
        return true;
    }

    /** Drops the oldest slots whole, up to {@code most} bytes; answers the bytes. Consecutive pages go at once. */
    long dropWhole(long most) {
        long dropped = 0;
        while (head != tail) {
            Memory memory = memory(0);
            boolean stays = memory.isKernels();
            long start = words[head & mask] >>> START_SHIFT;
            int first = head;
            for (long next = start; head != tail; next += Page.SIZE) {
                int index = head & mask;
                long word = words[index];
                if (!memory.equals(memories[index]) || word >>> START_SHIFT != next || dropped + length(word) > most) {
                    break;
                }
                dropped += length(word);
                if (!stays) {
                    memories[index] = null;
                }
                head++;
            }
            if (head == first) {
                break;
            }
            memory.release(start, head - first);
        }
        bytes -= dropped;
        return dropped;
    }

    /** Moves the oldest slot, as it is and with its reference, to the end of another ring. */
    void moveOldestTo(Ring other) {
        moveOldestTo(other, marks(0));
    }

    /** The same with other marks. */
    void moveOldestTo(Ring other, int newMarks) {
        int length = length(0);
        other.add(memory(0), start(0), length, newMarks);
        bytes -= length;
        memories[head & mask] = null;
        head++;
    }

    /** Adds to another ring a reference to the first {@code count} bytes of a slot; it never merges there. */
    void shareTo(int slot, int count, Ring other) {
        Memory memory = memory(slot);
        memory.retain(start(slot));
        other.add(memory, start(slot), count, marks(slot) & ~MERGEABLE);
    }

    /** Gives the ring another number of slots, a power of two and no fewer than are occupied. */
    void resize(int slots) {
        int count = size();
        @Nullable Memory[] newMemories = new @Nullable Memory[slots];
        long[] newWords = new long[slots];
        for (int i = 0; i < count; i++) {
            newMemories[i] = memories[index(i)];
            newWords[i] = words[index(i)];
        }
        memories = newMemories;
        words = newWords;
        mask = slots - 1;
        head = 0;
        tail = count;
    }

    /** Releases everything. */
    void clear() {
        while (!isEmpty()) {
            consume(length(0));
        }
    }

    private int index(int slot) {
        return (head + slot) & mask;
    }
}
