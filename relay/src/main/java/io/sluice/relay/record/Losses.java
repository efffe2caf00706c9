// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.record;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Packets that the disk did not take, by the way they belong to, until that can be said in the file: one packet for
 * each way, without payload, stands where the missing ones end. Belongs to the recorder's thread.
 */
final class Losses {
    /** Ways that are remembered; of more, a reader sees the gap in the sequence numbers alone. */
    private static final int MOST_WAYS = 4096;

    private static final int LASTING_FLAGS = Way.FIN | Way.RST;

    /** What is missing of one way. */
    static final class Loss {
        private final Way way;
        private long packets;
        private long bytes;
        private Way.@Nullable Packet opening;
        private long next;
        private long acknowledged;
        private int flags;

        private Loss(Way way) {
            this.way = way;
        }

        private void add(Way.Packet packet) {
            packets++;
            bytes += packet.payloadBytes();
            acknowledged = packet.acknowledged();
            if ((flags & Way.FIN) == 0) { // behind which there is nothing but acknowledgements
                next = packet.sequence() + packet.payloadBytes() + ((packet.flags() & Way.SYN) == 0 ? 0 : 1);
            }
            if ((packet.flags() & Way.SYN) != 0) {
                opening = packet;
            }
            flags |= packet.flags() & LASTING_FLAGS;
        }

        /** The packet with which the way begins, when that is missing; without it nobody knows the connection. */
        long writeOpening(MemorySegment to, long at, long wallNanos) {
            Way.Packet syn = opening;
            if (syn == null) {
                return at;
            }
            long payload = way.head(to, at, 0, syn.flags(), syn.sequence(), syn.acknowledged(), wallNanos, 0);
            return way.tail(to, payload, 0, syn.flags(), Pcapng.NO_OPTIONS);
        }

        /** The block that says it. */
        long write(MemorySegment to, long at, long wallNanos, String why) {
            MemorySegment options = Pcapng.options(bytes + " bytes not recorded: " + why, packets);
            int kept = flags | Way.ACK;
            long payload = way.head(to, at, 0, kept, next, acknowledged, wallNanos, (int) options.byteSize());
            return way.tail(to, payload, 0, kept, options);
        }
    }

    private final Map<ByteBuffer, Loss> ways = new LinkedHashMap<>();

    void add(Way.Packet packet) {
        ByteBuffer key = packet.way().key();
        Loss loss = ways.get(key);
        if (loss == null && ways.size() < MOST_WAYS) {
            loss = new Loss(packet.way());
            ways.put(key, loss);
        }
        if (loss != null) {
            loss.add(packet);
        }
    }

    boolean isEmpty() {
        return ways.isEmpty();
    }

    Collection<Loss> all() {
        return ways.values();
    }

    void clear() {
        ways.clear();
    }
}
