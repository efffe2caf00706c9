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

    // Parallel arrays of a power of two, indexed by position & mask; the positions only grow (modulo 2^32).
    private @Nullable Memory[] memories;
    private long[] starts;
    private int[] lengths;
    private byte[] marks;
    private int mask;
    private int head; // position of the oldest slot
    private int tail; // position after the newest
    private long bytes;

    /** An empty ring of {@code slots}, a power of two. */
    Ring(int slots) {
        memories = new @Nullable Memory[slots];
        starts = new long[slots];
        lengths = new int[slots];
        marks = new byte[slots];
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
        return starts[index(slot)];
    }

    int length(int slot) {
        return lengths[index(slot)];
    }

    boolean marked(int slot, int mark) {
        return (marks[index(slot)] & mark) != 0;
    }

    int marks(int slot) {
        return marks[index(slot)];
    }

    /** Adds a slot and takes over the caller's reference. */
    void add(Memory memory, long start, int length, int newMarks) {
        if (isFull()) {
            throw new IllegalStateException("ring overrun: " + size() + " of " + capacity() + " slots are occupied");
        }
        int index = tail & mask;
        memories[index] = memory;
        starts[index] = start;
        lengths[index] = length;
        marks[index] = (byte) newMarks;
        tail++;
        bytes += length;
    }

    /** Makes the newest slot longer at its end. */
    void extendNewest(int count) {
        lengths[(tail - 1) & mask] += count;
        bytes += count;
    }

    /** Drops the first {@code count} bytes of the oldest slot; answers whether the whole slot was released. */
    boolean consume(int count) {
        int index = head & mask;
        int left = lengths[index] - count;
        if (isEmpty() || left < 0) {
            throw new IllegalStateException("ring underrun: " + count + " bytes of " + size() + " slots consumed");
        }
        bytes -= count;
        if (left > 0) {
            starts[index] += count;
            lengths[index] = left;
            return false;
        }
        Memory memory = memory(0);
        long start = starts[index];
        memories[index] = null;
        head++;
        memory.release(start);
        return true;
    }

    /** Drops the oldest slots whole, up to {@code most} bytes; answers the bytes. Slots of one memory go at once. */
    long dropWhole(long most) {
        long dropped = 0;
        while (head != tail) {
            int index = head & mask;
            Memory memory = memory(0);
            long start = starts[index];
            int run = 0;
            while (head != tail && memory.equals(memories[head & mask]) && dropped + lengths[head & mask] <= most) {
                if (run > 0 && starts[head & mask] != start + (long) run * Page.SIZE) {
                    break;
                }
                dropped += lengths[head & mask];
                memories[head & mask] = null;
                head++;
                run++;
            }
            if (run == 0) {
                break;
            }
            memory.release(start, run);
        }
        bytes -= dropped;
        return dropped;
    }

    /** Moves the oldest slot, as it is and with its reference, to the end of another ring. */
    void moveOldestTo(Ring other) {
        moveOldestTo(other, marks[head & mask]);
    }

    /** The same with other marks. */
    void moveOldestTo(Ring other, int newMarks) {
        int index = head & mask;
        other.add(memory(0), starts[index], lengths[index], newMarks);
        bytes -= lengths[index];
        memories[index] = null;
        head++;
    }

    /** Adds to another ring a reference to the first {@code count} bytes of a slot; it never merges there. */
    void shareTo(int slot, int count, Ring other) {
        int index = index(slot);
        Memory memory = memory(slot);
        memory.retain(starts[index]);
        other.add(memory, starts[index], count, marks[index] & ~MERGEABLE);
    }

    /** Gives the ring another number of slots, a power of two and no fewer than are occupied. */
    void resize(int slots) {
        int count = size();
        @Nullable Memory[] newMemories = new @Nullable Memory[slots];
        long[] newStarts = new long[slots];
        int[] newLengths = new int[slots];
        byte[] newMarks = new byte[slots];
        for (int i = 0; i < count; i++) {
            int from = index(i);
            newMemories[i] = memories[from];
            newStarts[i] = starts[from];
            newLengths[i] = lengths[from];
            newMarks[i] = marks[from];
        }
        memories = newMemories;
        starts = newStarts;
        lengths = newLengths;
        marks = newMarks;
        mask = slots - 1;
        head = 0;
        tail = count;
    }

    /** Releases everything. */
    void clear() {
        while (!isEmpty()) {
            consume(lengths[head & mask]);
        }
    }

    private int index(int slot) {
        return (head + slot) & mask;
    }
}
