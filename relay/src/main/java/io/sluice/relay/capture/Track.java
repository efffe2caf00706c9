// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import java.io.IOException;
import java.util.Arrays;

/**
 * The events of one conversation, packed: three longs each. What is beyond a page goes to the {@link Spill}, so a
 * conversation of gigabytes costs no more memory than eight bytes for each such page.
 *
 * <pre>
 *   0  time in nanoseconds since 1970
 *   1  bits 62-63 kind, bit 61 side, bits 48-60 file, bits 0-47 offset in the file; of a gap, the other's position
 *   2  length in bytes
 * </pre>
 */
final class Track {
    static final int LONGS = 3;

    /** A page holds so many longs, 32 events; there is one in memory for each conversation. */
    static final int PAGE_LONGS = 32 * LONGS;

    /** More than 13 bits cannot number. */
    static final int MOST_FILES = 1 << 13;

    private static final int FIRST_LONGS = 4 * LONGS;
    private static final long OFFSET_MASK = (1L << 48) - 1;
    private static final long SERVER_BIT = 1L << 61;

    private static final int PIECE = 0;
    private static final int GAP = 1;
    private static final int END = 2;
    private static final int RESET = 3;

    private static final long[] NONE = {};

    private final Spill spill;
    private long[] page = NONE;
    private int used;
    private long[] spilled = NONE;
    private int spilledPages;

    Track(Spill spill) {
        this.spill = spill;
    }

    void piece(long time, Side side, int file, long offset, int length) throws IOException {
        add(PIECE, time, side, (long) file << 48 | (offset & OFFSET_MASK), length);
    }

    void gap(long time, Side side, long length, long otherPosition) throws IOException {
        add(GAP, time, side, otherPosition & OFFSET_MASK, length);
    }

    void end(long time, Side side) throws IOException {
        add(END, time, side, 0, 0);
    }

    void reset(long time, Side side) throws IOException {
        add(RESET, time, side, 0, 0);
    }

    private void add(int kind, long time, Side side, long place, long length) throws IOException {
        if (used == PAGE_LONGS) {
            if (spilledPages == spilled.length) {
                spilled = Arrays.copyOf(spilled, Math.max(4, spilledPages * 2));
            }
            spilled[spilledPages++] = spill.write(page);
            used = 0;
        } else if (used == page.length) {
            page = Arrays.copyOf(page, Math.clamp(used * 2L, FIRST_LONGS, PAGE_LONGS));
        }
        page[used] = time;
        page[used + 1] = (long) kind << 62 | (side == Side.SERVER ? SERVER_BIT : 0) | place;
        page[used + 2] = length;
        used += LONGS;
    }

    int pages() {
        return spilledPages + 1;
    }

    /** Fills {@code into}, of {@link #PAGE_LONGS}; answers how many longs of it count. */
    int load(int number, long[] into) throws IOException {
        if (number == spilledPages) {
            System.arraycopy(page, 0, into, 0, used);
            return used;
        }
        spill.read(spilled[number], into);
        return PAGE_LONGS;
    }

    /**
     * Makes an event of what is at an index of a page.
     *
     * @param positions where in its stream each side is
     */
    static Event event(long[] page, int index, Counts positions) {
        long time = page[index];
        long word = page[index + 1];
        long length = page[index + 2];
        Side side = (word & SERVER_BIT) == 0 ? Side.CLIENT : Side.SERVER;
        long position = positions.of(side);
        return switch ((int) (word >>> 62)) {
            case PIECE ->
                new Event.Piece(
                        time, side, position, (int) length, (int) (word >>> 48) & (MOST_FILES - 1), word & OFFSET_MASK);
            case GAP -> new Event.Gap(time, side, position, length, word & OFFSET_MASK);
            case END -> new Event.End(time, side);
            default -> new Event.Reset(time, side);
        };
    }
}
