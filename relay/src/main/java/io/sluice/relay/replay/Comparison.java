// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.replay;

import io.sluice.relay.capture.Conversation;
import io.sluice.relay.capture.Event;
import io.sluice.relay.capture.Events;
import io.sluice.relay.capture.Side;
import io.sluice.relay.replay.Difference.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Compares answers with the recorded ones, byte by byte, as they come. Bytes that are not in the capture equal
 * everything, and so do those after its end, or after that of a client who did not wait for the server's. For one
 * thread at a time.
 */
final class Comparison {
    /** How much is shown: two lines of 16 bytes before the one that differs, and two behind it. */
    private static final int SHOWN_BYTES = 80;

    private static final int LINE_BYTES = 16;
    private static final int BEFORE_BYTES = 2 * LINE_BYTES;

    private final Conversation conversation;
    private final Events events;
    private final ByteBuffer recorded;

    /** The bytes that came last; the one of position p is at p modulo the length. */
    private final byte[] latest = new byte[4 * LINE_BYTES];

    private long position;

    // The piece or gap that the position is in; a gap is no piece.
    private Event.@Nullable Piece piece;
    private long begin;
    private long end;
    private boolean ends; // the server did, by then

    private @Nullable Kind kind;
    private long offset;
    private @Nullable Excerpt received;

    /**
     * Begins at the first byte.
     *
     * @param buffer for recorded bytes
     */
    Comparison(Conversation conversation, ByteBuffer buffer) {
        this.conversation = conversation;
        this.events = conversation.events();
        this.recorded = buffer;
    }

    /** Takes what has come. */
    void accept(ByteBuffer came) throws IOException {
        while (came.hasRemaining() && kind == null) {
            if (position == end && !nextSpan()) {
                if (!ends) {
                    return;
                }
                differs(Kind.LONGER, position);
                break;
            }
            int count = (int) Math.min(came.remaining(), end - position);
            Event.Piece from = piece;
            if (from != null) {
                count = Math.min(count, recorded.capacity());
                conversation.read(
                        from, (int) (position - begin), recorded.clear().limit(count));
                int mismatch = recorded.flip().mismatch(came.slice(came.position(), count));
                if (mismatch >= 0) {
                    remember(came, mismatch);
                    differs(Kind.CHANGED, position);
                    break;
                }
            }
            remember(came, count);
        }
        show(came);
    }

    private void remember(ByteBuffer came, int count) {
        for (int skip = Math.max(0, count - latest.length); skip < count; skip++) {
            latest[(int) ((position + skip) % latest.length)] = came.get(came.position() + skip);
        }
        came.position(came.position() + count);
        position += count;
    }

    private boolean nextSpan() throws IOException {
        for (Event event = events.next(); event != null; event = events.next()) {
            if (event.side() == Side.SERVER) {
                switch (event) {
                    case Event.Piece found -> {
                        span(found, found.position(), found.length());
                        return true;
                    }
                    case Event.Gap gap -> {
                        span(null, gap.position(), gap.length());
                        return true;
                    }
                    case Event.End _, Event.Reset _ -> ends = true;
                }
            }
        }
        return false;
    }

    private void span(Event.@Nullable Piece of, long at, long length) {
        piece = of;
        begin = at;
        end = at + length;
    }

    private void differs(Kind how, long at) {
        kind = how;
        offset = at;
        long from = Math.max(0, at / LINE_BYTES * LINE_BYTES - BEFORE_BYTES);
        Excerpt excerpt = new Excerpt(from, SHOWN_BYTES);
        for (long each = from; each < at; each++) {
            excerpt.set((int) (each - from), latest[(int) (each % latest.length)]);
        }
        received = excerpt;
        position = at;
    }

    /** Fills the excerpt with what came after the place. */
    private void show(ByteBuffer came) {
        Excerpt excerpt = received;
        while (excerpt != null && came.hasRemaining() && position < excerpt.offset() + SHOWN_BYTES) {
            excerpt.set((int) (position - excerpt.offset()), came.get());
            position++;
        }
    }

    /** Where the answers differ; to be asked when no more come. */
    @Nullable
    Difference difference() throws IOException {
        Excerpt excerpt = received;
        Kind how = kind;
        if (how == null || excerpt == null) {
            return null;
        }
        return new Difference(how, offset, recordedAround(excerpt.offset()), excerpt.cutTo((int)
                Math.min(SHOWN_BYTES, position - excerpt.offset())));
    }

    /** The same, when what came ended before its time or in another way. */
    Difference differenceAtEnd(Kind how) throws IOException {
        Difference before = difference();
        if (before != null) {
            return before;
        }
        differs(how, position);
        return new Difference(
                how, offset, recordedAround(shown().offset()), shown().cutTo((int) (offset - shown().offset())));
    }

    private Excerpt shown() {
        Excerpt excerpt = received;
        if (excerpt == null) {
            throw new IllegalStateException("nothing differs");
        }
        return excerpt;
    }

    private Excerpt recordedAround(long from) throws IOException {
        Excerpt excerpt = new Excerpt(from, SHOWN_BYTES);
        Events all = conversation.events();
        long until = from + SHOWN_BYTES;
        long known = from;
        for (Event event = all.next(); event != null && known < until; event = all.next()) {
            if (event.side() == Side.SERVER && event instanceof Event.Piece each) {
                long first = Math.max(from, each.position());
                long last = Math.min(until, each.position() + each.length());
                if (first < last) {
                    ByteBuffer bytes = ByteBuffer.allocate((int) (last - first));
                    conversation.read(each, (int) (first - each.position()), bytes);
                    for (int i = 0; i < bytes.capacity(); i++) {
                        excerpt.set((int) (first - from) + i, bytes.get(i));
                    }
                }
            }
            if (event.side() == Side.SERVER) {
                known = switch (event) {
                    case Event.Piece each -> each.position() + each.length();
                    case Event.Gap gap -> gap.position() + gap.length();
                    case Event.End _, Event.Reset _ -> known;
                };
            }
        }
        return excerpt.cutTo(Math.clamp(known - from, 0, SHOWN_BYTES));
    }
}
