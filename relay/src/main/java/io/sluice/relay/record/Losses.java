// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.record;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Packets that the disk did not take, by the way they belong to, until that can be said in the file: one packet for
 * each way, without payload, stands where the missing ones end, and more of them before it where that is too far to
 * jump. Belongs to the recorder's thread.
 */
final class Losses {
    /** Ways that are remembered; of more, a reader sees the gap in the sequence numbers alone. */
    private static final int MOST_WAYS = 4096;

    private static final int LASTING_FLAGS = Way.FIN | Way.RST;

    /** Where a block goes; answers 0 or more, or -errno. */
    interface Sink {
        long accept(MemorySegment block);
    }

    private final MemorySegment block =
            MemorySegment.ofArray(new byte[Way.MOST_FRAME_BYTES + Pcapng.MOST_OPTION_BYTES]);

    /** What is missing of one way. */
    private final class Loss {
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
        private long writeOpening(long wallNanos, Sink sink) {
            Way.Packet syn = opening;
            if (syn == null) {
                return 0;
            }
            return write(wallNanos, syn.flags(), syn.sequence(), syn.acknowledged(), Pcapng.NO_OPTIONS, sink);
        }

        private long write(long wallNanos, String why, Sink sink) {
            long result = 0;
            long told = 0;
            for (long left = bytes - Tape.MOST_UNTOLD_BYTES; left > 0 && result >= 0; left -= Tape.MOST_UNTOLD_BYTES) {
                result = write(wallNanos, Way.ACK, next - left, acknowledged, Pcapng.options(null, 1), sink);
                told++;
            }
            MemorySegment options = Pcapng.options(bytes + " bytes not recorded: " + why, packets - told);
            return result < 0 ? result : write(wallNanos, flags | Way.ACK, next, acknowledged, options, sink);
        }

        private long write(long wallNanos, int with, long at, long acknowledging, MemorySegment options, Sink sink) {
            long payload = way.head(block, 0, 0, with, at, acknowledging, wallNanos, (int) options.byteSize());
            return sink.accept(block.asSlice(0, way.tail(block, payload, 0, with, options)));
        }
    }

    /** One after the other: where addresses are used again, another round begins. */
    private final Deque<Map<ByteBuffer, Loss>> rounds = new ArrayDeque<>();

    private int ways;

    Losses() {
        clear();
    }

    void add(Way.Packet packet) {
        ByteBuffer key = packet.way().key();
        if ((packet.flags() & Way.SYN) != 0 && rounds.getLast().containsKey(key)) {
            rounds.addLast(new LinkedHashMap<>());
        }
        Loss loss = rounds.getLast().get(key);
        if (loss == null && ways < MOST_WAYS) {
            loss = new Loss(packet.way());
            rounds.getLast().put(key, loss);
            ways++;
        }
        if (loss != null) {
            loss.add(packet);
        }
    }

    boolean isEmpty() {
        return ways == 0;
    }

    void clear() {
        rounds.clear();
        rounds.addLast(new LinkedHashMap<>());
        ways = 0;
    }

    /** Says all of it, block by block; answers 0 or more, or -errno of the sink, which then has got no more. */
    long write(long wallNanos, String why, Sink sink) {
        long result = 0;
        for (Map<ByteBuffer, Loss> round : rounds) {
            for (Loss loss : round.values()) {
                result = result < 0 ? result : loss.writeOpening(wallNanos, sink);
            }
            for (Loss loss : round.values()) {
                result = result < 0 ? result : loss.write(wallNanos, why, sink);
            }
        }
        return result;
    }
}
