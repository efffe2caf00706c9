// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import io.sluice.relay.capture.Conversation.Ending;
import io.sluice.relay.capture.Notice.Kind;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A conversation while its segments come in: a {@link Stream} for each side, and what SYN, FIN and RST mean to it. */
final class Flow implements Stream.Sink {
    private final Conversation conversation;
    private final Endpoint client;
    private final Stream fromClient;
    private final Stream fromServer;
    private final Notices notices;
    private long packets;
    private long timeNanos;
    private boolean answered;
    private boolean over;

    Flow(Conversation conversation, Endpoint client, Stream.Budget budget, Notices notices) {
        this.conversation = conversation;
        this.client = client;
        this.notices = notices;
        this.timeNanos = conversation.startNanos();
        this.fromClient = new Stream(Side.CLIENT, this, budget);
        this.fromServer = new Stream(Side.SERVER, this, budget);
    }

    /** Whether a SYN is the one that began this, said again, and not the beginning of another connection. */
    boolean wasBegunBy(Segment syn) {
        return !over && syn.source.equals(client) && fromClient.beginsAt(syn.sequence + 1);
    }

    /** Whether a segment belongs to a later connection of the same addresses, whose SYN is not in the capture. */
    boolean isFollowedBy(Segment segment) {
        if (!over || segment.rst()) {
            return false;
        }
        Stream own = segment.source.equals(client) ? fromClient : fromServer;
        if (segment.syn()) {
            return !own.beginsAt(segment.sequence + 1);
        }
        long position = own.position(segment.sequence);
        return segment.length > 0 && own.isPlaced() && (own.isAhead(position) || own.isBehind(position));
    }

    void accept(Segment segment, Packet packet) throws IOException {
        if (over) {
            return; // repetitions and farewells
        }
        packets++;
        timeNanos = Math.max(timeNanos, packet.timeNanos);
        if (packet.comment != null) {
            conversation.comments(packet.comment);
        }
        Side side = segment.source.equals(client) ? Side.CLIENT : Side.SERVER;
        Stream own = side == Side.CLIENT ? fromClient : fromServer;
        Stream other = side == Side.CLIENT ? fromServer : fromClient;
        int sequence = segment.sequence;
        if (segment.syn()) {
            sequence++;
            own.scale = Math.max(0, segment.scale);
        }
        if (!own.isPlaced()) {
            if (segment.rst()) {
                reset(side, segment); // to a SYN: its number says nothing
                return;
            }
            own.place(sequence);
        } else if (segment.syn() && !own.beginsAt(sequence)) {
            outOfWindow(packet, 1, "a SYN in the middle");
            return;
        }
        long position = own.position(sequence);
        if (packet.dropped > 0 && (own.isBehind(position) || own.isAhead(position))) {
            // Our own recorder, after a gap that may be of more than half of all numbers: they count forward from here.
            position += own.isBehind(position) ? 1L << Integer.SIZE : 0;
            own.jump(position);
        }
        boolean ahead = own.isAhead(position);
        if (own.isBehind(position) || (ahead && segment.length == 0)) {
            outOfWindow(packet, 1, "");
            return;
        }
        answered |= side == Side.SERVER && !segment.rst();
        if (segment.length > 0) {
            long offset = packet.offset + segment.payload;
            own.data(position, packet.file, offset, segment.length, segment.captured, ahead);
        }
        if (segment.ack() && !ahead) {
            acknowledge(segment, own, other);
        }
        if (segment.fin() && !ahead) {
            own.endAt(position + segment.length);
        }
        if (segment.rst()) {
            reset(side, segment);
        } else if (fromClient.hasEnded() && fromServer.hasEnded()) {
            close(Ending.CLOSED, packet);
        } else {
            own.lookForHole(packets);
            other.lookForHole(packets);
        }
    }

    private static void acknowledge(Segment segment, Stream own, Stream other) {
        if (!other.isPlaced()) {
            other.place(segment.acknowledgement);
        }
        other.acknowledge(other.position(segment.acknowledgement));
        // A SYN's own window is not shifted yet, and less than what comes later.
        other.announced((long) segment.window << (segment.syn() ? 0 : own.scale));
    }

    private void reset(Side side, Segment segment) throws IOException {
        boolean refused = side == Side.SERVER && !answered && segment.ack();
        finish(null);
        if (!refused) {
            conversation.track().reset(timeNanos, side);
        }
        over = true;
        conversation.ends(refused ? Ending.REFUSED : Ending.RESET, timeNanos);
    }

    /** Nothing more belongs to it. */
    void leave(Packet packet) throws IOException {
        if (!over) {
            close(Ending.OPEN, packet);
        }
    }

    private void close(Ending ending, Packet packet) throws IOException {
        finish(packet);
        over = true;
        boolean bothEnded = fromClient.hasEnded() && fromServer.hasEnded();
        conversation.ends(bothEnded ? Ending.CLOSED : ending, timeNanos);
    }

    private void finish(@Nullable Packet packet) throws IOException {
        int unused = fromClient.finish() + fromServer.finish();
        if (unused > 0 && packet != null) {
            outOfWindow(packet, unused, "");
        }
    }

    private void outOfWindow(Packet packet, int count, String detail) {
        notices.add(Kind.OUT_OF_WINDOW, count, packet.path, packet.offset, detail);
    }

    // What the streams say.

    @Override
    public void piece(Side side, int file, long offset, int length) throws IOException {
        conversation.track().piece(timeNanos, side, file, offset, length);
        conversation.addBytes(side, length, 0, timeNanos);
    }

    @Override
    public void gap(Side side, long length, long otherPosition) throws IOException {
        conversation.track().gap(timeNanos, side, length, otherPosition);
        conversation.addBytes(side, length, length, timeNanos);
    }

    @Override
    public long position(Side side) {
        return side == Side.CLIENT ? fromClient.position() : fromServer.position();
    }

    @Override
    public void end(Side side) throws IOException {
        conversation.track().end(timeNanos, side);
    }
}
