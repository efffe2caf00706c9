// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** The pieces of one side, one after the other. */
final class SideStream extends InputStream {
    private final Conversation conversation;
    private final Side side;
    private final Events events;
    private Event.@Nullable Piece piece;
    private int done;

    SideStream(Conversation conversation, Side side) {
        this.conversation = conversation;
        this.side = side;
        this.events = conversation.events();
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        Event.Piece from = piece;
        while (from == null || done == from.length()) {
            from = nextPiece();
            if (from == null) {
                return -1;
            }
            piece = from;
            done = 0;
        }
        int count = Math.min(length, from.length() - done);
        conversation.read(from, done, ByteBuffer.wrap(into, offset, count));
        done += count;
        return count;
    }

    private Event.@Nullable Piece nextPiece() throws IOException {
        for (Event event = events.next(); event != null; event = events.next()) {
            if (event.side() == side) {
                if (event instanceof Event.Gap gap) {
                    throw new CaptureException(conversation + ": " + gap.length() + " bytes of the " + side
                            + " are missing at " + gap.position());
                }
                if (event instanceof Event.Piece found) {
                    return found;
                }
            }
        }
        return null;
    }
}
