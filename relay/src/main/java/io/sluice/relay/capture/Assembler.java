// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import io.sluice.relay.capture.Notice.Kind;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Gives each packet to the conversation that it belongs to, and begins new ones. */
final class Assembler {
    /** At two kilobytes each, they may fill half of the memory that there is. */
    private static final int MOST_CONVERSATIONS =
            (int) Math.min(1_000_000, Runtime.getRuntime().maxMemory() / 4096);

    private static final int MOST_LISTENERS = 65_536;

    private final Capture capture;
    private final Spill spill;
    private final Notices notices;
    private final Segment segment = new Segment();
    private final Stream.Budget budget = new Stream.Budget();
    private final Map<Endpoint.Pair, Flow> flows = new HashMap<>();
    private final Set<Endpoint> listeners = new HashSet<>();
    private final List<Conversation> conversations = new ArrayList<>();
    private @Nullable Packet last;

    Assembler(Capture capture, Spill spill, Notices notices) {
        this.capture = capture;
        this.spill = spill;
        this.notices = notices;
    }

    void accept(Packet packet) throws IOException {
        last = packet;
        Kind reason = segment.parse(packet);
        if (reason != null) {
            notices.add(
                    reason,
                    packet.path,
                    packet.offset,
                    reason == Kind.UNKNOWN_LINK ? "link type " + packet.linkType : "");
            return;
        }
        Endpoint.Pair pair = Endpoint.Pair.of(segment.source, segment.destination);
        Flow flow = flows.get(pair);
        boolean first = segment.syn() && !segment.ack();
        if (flow == null ? isBeginning() : first ? !flow.wasBegunBy(segment) : flow.isFollowedBy(segment)) {
            if (flow != null) {
                flow.leave(packet);
            }
            flow = begin(packet, first);
            if (flow != null) {
                flows.put(pair, flow);
            }
        } else if (flow == null) {
            notices.add(Kind.STRAY, packet.path, packet.offset, "");
        }
        if (flow != null) {
            flow.accept(segment, packet);
        }
    }

    /** Where nothing is known of a connection, data or a SYN of either side are its beginning for us. */
    private boolean isBeginning() {
        return !segment.rst() && (segment.syn() || segment.length > 0);
    }

    private @Nullable Flow begin(Packet packet, boolean first) {
        if (conversations.size() == MOST_CONVERSATIONS) {
            notices.add(Kind.TOO_MANY, packet.path, packet.offset, "at most " + MOST_CONVERSATIONS + " are read");
            return null;
        }
        boolean bySource = first || (!segment.syn() && isClient(segment.source, segment.destination));
        Endpoint client = bySource ? segment.source : segment.destination;
        Endpoint server = bySource ? segment.destination : segment.source;
        if (segment.syn() && listeners.size() < MOST_LISTENERS) {
            listeners.add(server);
        }
        Conversation conversation = new Conversation(
                conversations.size() + 1, capture, spill, client, server, packet.timeNanos, segment.syn());
        conversations.add(conversation);
        return new Flow(conversation, client, budget, notices);
    }

    /** A guess, of two who have been talking before the capture began. */
    private boolean isClient(Endpoint who, Endpoint other) {
        boolean otherListens = listeners.contains(other);
        if (otherListens != listeners.contains(who)) {
            return otherListens;
        }
        return who.port() >= other.port(); // of equal ports, whoever speaks first
    }

    /** All packets have come. */
    List<Conversation> finish() throws IOException {
        Packet packet = last;
        if (packet != null) {
            for (Flow flow : flows.values()) {
                flow.leave(packet);
            }
        }
        return conversations;
    }
}
