// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import java.util.Arrays;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Which pages a file has, by their number in the file: few or many, near or as far apart as 2^63 bytes allow. Holds one
 * reference to each. Guarded by the lock of its file.
 */
final class PageTable {
    /** Pages in one piece of the table: 512 KiB of file, so that a walk seldom looks for the next piece. */
    private static final int PIECE_PAGES = 128;

    private static final class Piece {
        final @Nullable Memory[] pages = new @Nullable Memory[PIECE_PAGES];
        int count;
    }

    private final NavigableMap<Long, Piece> pieces = new TreeMap<>(); // by number of the piece; none is empty
    private long recentNumber = -1;
    private @Nullable Piece recent;

    /** The page, or null where there is a hole. */
    @Nullable
    Memory get(long page) {
        Piece piece = piece(page / PIECE_PAGES);
        return piece == null ? null : piece.pages[(int) (page % PIECE_PAGES)];
    }

    /** Puts a page where none is and takes over the caller's reference. */
    void put(long page, Memory memory) {
        long number = page / PIECE_PAGES;
        Piece piece = piece(number);
        if (piece == null) {
            piece = new Piece();
            pieces.put(number, piece);
            recentNumber = number;
            recent = piece;
        }
        int place = (int) (page % PIECE_PAGES);
        if (piece.pages[place] != null) {
            throw new IllegalStateException("page " + page + " of a file is there already");
        }
        piece.pages[place] = memory;
        piece.count++;
    }

    /** Takes a page out; its reference passes to the caller. */
    @Nullable
    Memory remove(long page) {
        long number = page / PIECE_PAGES;
        Piece piece = piece(number);
        int place = (int) (page % PIECE_PAGES);
        Memory memory = piece == null ? null : piece.pages[place];
        if (piece != null && memory != null) {
            piece.pages[place] = null;
            piece.count--;
            if (piece.count == 0) {
                pieces.remove(number);
                recentNumber = -1;
                recent = null;
            }
        }
        return memory;
    }

    /** Drops the pages from {@code first} on, below {@code end}; what a pipe still refers to lives on there [E12]. */
    void drop(long first, long end) {
        for (long page = next(first); page >= 0 && page < end; page = next(page)) {
            Memory memory = remove(page);
            if (memory != null) {
                memory.release(0);
            }
        }
    }

    /** The first page at or after {@code from} that is there; -1: none. */
    long next(long from) {
        long number = from / PIECE_PAGES;
        int place = (int) (from % PIECE_PAGES);
        for (Map.Entry<Long, Piece> entry : pieces.tailMap(number, true).entrySet()) {
            Piece piece = entry.getValue();
            for (int i = entry.getKey() == number ? place : 0; i < PIECE_PAGES; i++) {
                if (piece.pages[i] != null) {
                    return entry.getKey() * PIECE_PAGES + i;
                }
            }
        }
        return -1;
    }

    /** The first page at or after {@code from} that is not there. */
    long nextHole(long from) {
        long page = from;
        while (get(page) != null) {
            page++;
        }
        return page;
    }

    /** Whether anybody else refers to a page. */
    boolean shared() {
        for (Piece piece : pieces.values()) {
            for (Memory memory : Arrays.asList(piece.pages)) {
                if (memory != null && memory.references() > 1) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Drops everything. */
    void clear() {
        for (Piece piece : pieces.values()) {
            for (Memory memory : Arrays.asList(piece.pages)) {
                if (memory != null) {
                    memory.release(0);
                }
            }
        }
        pieces.clear();
        recentNumber = -1;
        recent = null;
    }

    private @Nullable Piece piece(long number) {
        if (number != recentNumber) {
            recent = pieces.get(number);
            recentNumber = number;
        }
        return recent;
    }
}
