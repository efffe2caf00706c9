// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import java.io.IOException;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What one side says, put in order. {@code next} is the position that everything before has been delivered to; segments
 * beyond it are held until the hole between is filled, or known never to be. Positions count from 0 without end, while
 * sequence numbers start anew after 4 GiB: a number is taken for the position nearest to {@code next} that it can mean.
 */
final class Stream {
    /** Where what has been put in order goes to. */
    interface Sink {
        void piece(Side side, int file, long offset, int length) throws IOException;

        void gap(Side side, long length, long otherPosition) throws IOException;

        /** How much a side has said so far. */
        long position(Side side);

        void end(Side side) throws IOException;
    }

    /** How many segments all streams of a capture hold together. */
    static final class Budget {
        private int held;
    }

    /** More are not held: then the first hole is given up. A window of 16 MiB has so many segments, usually. */
    static final int MOST_HELD = 16 << 10;

    /** Nor are more by all streams together, at about a hundred bytes each. */
    static final int MOST_HELD_BY_ALL = 256 << 10;

    /** Some captures have packets of different processors in the wrong order, an acknowledgement before its data. */
    private static final int PATIENCE_PACKETS = 64;

    /** What may be ahead even if the window seen last was small: acknowledgements get lost in captures, too. */
    private static final long LEAST_WINDOW_BYTES = 1 << 20;

    private record Held(int file, long offset, int length, int captured, boolean far) {}

    private final Side side;
    private final Sink sink;
    private final Budget budget;
    private @Nullable NavigableMap<Long, Held> held;
    private boolean placed;
    private int base;
    private long next;
    private long acknowledged;
    private long window = LEAST_WINDOW_BYTES;
    private long end = Long.MAX_VALUE;
    private boolean ended;
    private long holeSince = -1;

    /** What the other side had said when the hole was noticed; -1 when there is none. */
    private long otherAtHole = -1;

    private int unused;

    /** How far this side's announcements of windows are shifted. */
    int scale = 14;

    Stream(Side side, Sink sink, Budget budget) {
        this.side = side;
        this.sink = sink;
        this.budget = budget;
    }

    boolean isPlaced() {
        return placed;
    }

    /** The sequence number of position 0. */
    void place(int sequence) {
        base = sequence;
        placed = true;
    }

    boolean beginsAt(int sequence) {
        return placed && base == sequence;
    }

    boolean hasEnded() {
        return ended;
    }

    /** Where what has been put in order ends. */
    long position() {
        return next;
    }

    long position(int sequence) {
        return next + (sequence - (int) (base + next));
    }

    /** Ahead of what the other side could have allowed. */
    boolean isAhead(long position) {
        return position > Math.max(next, acknowledged) + window;
    }

    /** So old that it cannot be a repetition. */
    boolean isBehind(long position) {
        return position < next - window;
    }

    void announced(long windowBytes) {
        window = Math.max(window, windowBytes);
    }

    /** Takes data, in whatever order. */
    void data(long position, int file, long offset, int length, int captured, boolean far) throws IOException {
        if (position > next) {
            noticeHole();
            NavigableMap<Long, Held> waiting = held;
            if (waiting == null) {
                waiting = new TreeMap<>();
                held = waiting;
            }
            Held piece = new Held(file, offset, length, captured, far);
            Held same = waiting.get(position);
            if (same == null || same.captured < captured) {
                waiting.put(position, piece);
                budget.held += same == null ? 1 : 0;
            }
            if (waiting.size() > MOST_HELD || budget.held > MOST_HELD_BY_ALL) {
                giveUpHole(waiting);
            }
        } else {
            deliver(position, file, offset, length, captured);
            drain();
        }
    }

    /** Everything before that position is missing that has not come yet. */
    void jump(long position) throws IOException {
        while (!ended && held != null && !held.isEmpty() && held.firstKey() < position) {
            giveUpHole(held);
        }
        gap(Math.min(position, end));
        drain();
    }

    /** The other side has everything before that position. */
    void acknowledge(long position) {
        if (!isAhead(position)) {
            acknowledged = Math.max(acknowledged, position);
        } else if (held != null && !held.isEmpty()) {
            // Both sides agree that they are there: then we have missed much.
            Map.Entry<Long, Held> last = held.lastEntry();
            if (position <= last.getKey() + last.getValue().length) {
                acknowledged = Math.max(acknowledged, position);
            }
        }
        if (acknowledged > next && !ended) {
            noticeHole();
        }
    }

    private void noticeHole() {
        if (otherAtHole < 0) {
            otherAtHole = sink.position(side.other());
        }
    }

    /** The side's last byte is before that position. */
    void endAt(long position) throws IOException {
        if (position >= next) {
            end = Math.min(end, position);
        }
        drain();
    }

    /** Gives up a hole whose bytes the other side has and the capture has not, when they had time to turn up. */
    void lookForHole(long packets) throws IOException {
        if (Math.min(acknowledged, end) <= next) {
            holeSince = -1;
        } else if (holeSince < 0) {
            holeSince = packets;
        } else if (packets - holeSince >= PATIENCE_PACKETS) {
            NavigableMap<Long, Held> waiting = held;
            if (waiting != null && !waiting.isEmpty() && waiting.firstKey() < acknowledged) {
                giveUpHole(waiting);
            } else if (acknowledged - next > 1) {
                gap(Math.min(acknowledged, end));
            }
            holeSince = -1;
        }
    }

    /**
     * Nothing more will come. Answers how many segments were too far ahead to be used, and nobody has acknowledged
     * them.
     */
    int finish() throws IOException {
        NavigableMap<Long, Held> waiting = held;
        while (waiting != null && !waiting.isEmpty() && !ended) {
            giveUpHole(waiting);
        }
        letGo();
        if (!ended && end == Long.MAX_VALUE && acknowledged == next + 1) {
            end = next; // one number more than there are bytes: the FIN was acknowledged, and has been missed
        }
        long last = end == Long.MAX_VALUE ? acknowledged : end;
        if (last > next) {
            gap(last);
        }
        drain();
        return unused;
    }

    private void giveUpHole(NavigableMap<Long, Held> waiting) throws IOException {
        Map.Entry<Long, Held> first = waiting.firstEntry();
        if (first.getValue().far && acknowledged <= first.getKey()) {
            waiting.pollFirstEntry();
            budget.held--;
            unused++;
            return;
        }
        gap(Math.min(first.getKey(), end));
        drain();
    }

    private void gap(long until) throws IOException {
        if (until > next) {
            noticeHole();
            sink.gap(side, until - next, otherAtHole);
            next = until;
        }
    }

    private void drain() throws IOException {
        NavigableMap<Long, Held> waiting = held;
        while (waiting != null && !waiting.isEmpty() && waiting.firstKey() <= Math.min(next, end)) {
            Map.Entry<Long, Held> first = waiting.pollFirstEntry();
            budget.held--;
            Held piece = first.getValue();
            deliver(first.getKey(), piece.file, piece.offset, piece.length, piece.captured);
        }
        if ((waiting == null || waiting.isEmpty()) && acknowledged <= next) {
            otherAtHole = -1;
        }
        if (next >= end && !ended) {
            ended = true;
            letGo();
            sink.end(side);
        }
    }

    private void letGo() {
        if (held != null) {
            budget.held -= held.size();
            held = null;
        }
    }

    private void deliver(long position, int file, long offset, int length, int captured) throws IOException {
        long until = Math.min(position + length, end);
        if (until <= next) {
            return; // a repetition, a probe, or something after the end
        }
        long skipped = next - position;
        int known = (int) Math.clamp(captured - skipped, 0, until - next);
        if (known > 0) {
            sink.piece(side, file, offset + skipped, known);
            next += known;
        }
        gap(until); // cut off by the snapshot length
    }
}
