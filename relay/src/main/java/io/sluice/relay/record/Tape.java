// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.record;

import io.sluice.flow.PooledPipe;
import io.sluice.flow.Tap;
import java.lang.foreign.MemorySegment;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import org.jspecify.annotations.Nullable;

/**
 * The recording of one session, as a TCP connection of the client with the listener: its handshake, what passes in
 * either direction, and its end. Belongs to the session's loop.
 */
public final class Tape {
    /** What a direction may have recorded before the other is seen to acknowledge it; programs keep a list of those. */
    private static final long UNACKNOWLEDGED_BYTES = 1 << 20;

    private static final int TAIL_OPTIONS_ROOM = 512;

    /** A gap of more than half of all sequence numbers could not be told from a step back. */
    static final long MOST_UNTOLD_BYTES = 1 << 29;

    /**
     * A multiplier that spreads consecutive numbers over all of 32 bits: sequence numbers begin elsewhere each time.
     */
    private static final int SPREAD = 0x9E37_79B1;

    private final Deck deck;
    private final Runnable wake;
    private final Track up;
    private final Track down;
    private boolean over;

    /**
     * A session's tape, on which there is nothing yet.
     *
     * @param client whose session it is; when that has no address and port, those on the tape are made up
     * @param listener where it came to; the same
     * @param comment for people, on the first packet
     * @param wake lets a session go on that was told to wait
     */
    public Tape(Deck deck, SocketAddress client, @Nullable SocketAddress listener, String comment, Runnable wake) {
        this.deck = deck;
        this.wake = wake;
        long number = deck.recorder().begun();
        InetSocketAddress from = named(client) ? (InetSocketAddress) client : madeUp(number);
        InetSocketAddress to = listener != null && named(listener)
                ? (InetSocketAddress) listener
                : new InetSocketAddress(address(1), 1);
        long start = Integer.toUnsignedLong((int) number * SPREAD);
        up = new Track(Way.between(from, to), start);
        down = new Track(Way.between(to, from), Integer.toUnsignedLong((int) start * SPREAD + 1));
        open(Pcapng.options(comment, 0));
    }

    private static boolean named(SocketAddress address) {
        return address instanceof InetSocketAddress inet && inet.getAddress() != null && inet.getPort() > 0;
    }

    /** An address and port in 127.128.0.0/9 that no other session has had for half a million million sessions. */
    private static InetSocketAddress madeUp(long number) {
        int ports = 60_000;
        return new InetSocketAddress(
                address(1 << 23 | ((int) (number / ports) & 0x7f_ffff)), 1024 + (int) (number % ports));
    }

    private static InetAddress address(int low) {
        try {
            return Inet4Address.getByAddress(new byte[] {127, (byte) (low >>> 16), (byte) (low >>> 8), (byte) low});
        } catch (UnknownHostException e) {
            throw new IllegalStateException("four bytes are no address", e);
        }
    }

    private void open(MemorySegment options) {
        up.control(Way.SYN, options);
        up.next++;
        down.control(Way.SYN | Way.ACK, Pcapng.NO_OPTIONS);
        down.next++;
        up.control(Way.ACK, Pcapng.NO_OPTIONS);
    }

    /** For what the client says. */
    @SuppressWarnings("exports") // for the relay alone
    public Tap up() {
        return up;
    }

    /** For what it is told. */
    @SuppressWarnings("exports")
    public Tap down() {
        return down;
    }

    /** What the client has said before its tap could hear it. */
    public void first(byte[] bytes) {
        if (bytes.length > 0) {
            up.record(MemorySegment.ofArray(bytes), true);
        }
    }

    /** The client has said all, or been told so. */
    public void ended(boolean client) {
        Track ended = client ? up : down;
        if (!ended.ended && !over) {
            ended.end();
        }
    }

    /**
     * The session is over.
     *
     * @param reset whether something is cut short, {@code byClient}: by the client
     */
    public void close(boolean reset, boolean byClient) {
        if (!over) {
            if (reset && !(up.ended && down.ended)) {
                (byClient ? up : down).control(Way.RST | Way.ACK, Pcapng.NO_OPTIONS);
            } else {
                ended(true);
                ended(false);
            }
            over = true;
            up.leave();
            down.leave();
        }
    }

    /** One direction. */
    final class Track implements Tap {
        private final Way way;
        private long next; // sequence number of the next byte, not wrapped
        private long acknowledged; // of this direction's, by the last packet of the other
        private boolean ended;
        private long missedBytes;
        private long missedPackets;

        private Track(Way way, long next) {
            this.way = way;
            this.next = next;
            this.acknowledged = next;
        }

        private Track other() {
            return this == up ? down : up;
        }

        /** The sequence number that is expected of the other direction. */
        long acknowledges() {
            return other().next;
        }

        // The tap.

        @Override
        public boolean open() {
            return true;
        }

        @Override
        public boolean ready() {
            return deck.prepare(wake);
        }

        @Override
        public boolean hasRoom() {
            return deck.hasRoom();
        }

        @Override
        public int stageBytes() {
            PooledPipe stage = deck.stage();
            if (stage != null) {
                return stage.capacityBytes();
            }
            return deck.copiesForWantOfPipe() ? 0 : Integer.MAX_VALUE;
        }

        @Override
        public void tee(PooledPipe from) {
            PooledPipe stage = deck.stage();
            long bytes = from.heldBytes();
            if (stage == null || from.teeInto(deck.kernel(), stage) < 0) {
                miss(bytes);
                return;
            }
            boolean acknowledges = next + bytes - acknowledged >= UNACKNOWLEDGED_BYTES;
            deck.handOver(new Item.Piece(
                    stage, way, other().way, next, acknowledges(), Deck.wallNanos(), takeNote(), acknowledges));
            next += bytes;
            other().acknowledged = other().next;
            if (acknowledges) {
                acknowledged = next;
            }
        }

        @Override
        public void write(MemorySegment bytes) {
            record(bytes, false);
        }

        @Override
        public void rest() {} // the deck keeps the stage, for all of its sessions

        @Override
        public void close() {}

        // Packets.

        private void record(MemorySegment bytes, boolean reserved) {
            int frames = (int) (bytes.byteSize() / Way.MOST_PAYLOAD) + 1;
            int most = (int) bytes.byteSize() + frames * Way.MOST_FRAME_BYTES + TAIL_OPTIONS_ROOM;
            Item.Batch into = deck.room(most, reserved);
            if (into == null) {
                miss(bytes.byteSize());
                return;
            }
            put(into, bytes);
            other().acknowledged = other().next;
            if (next - acknowledged >= UNACKNOWLEDGED_BYTES) {
                other().control(Way.ACK, Pcapng.NO_OPTIONS);
            }
        }

        private void put(Item.Batch into, MemorySegment bytes) {
            long wallNanos = Deck.wallNanos();
            MemorySegment options = takeNote();
            long from = 0;
            while (from < bytes.byteSize()) {
                int payload = (int) Math.min(bytes.byteSize() - from, Way.MOST_PAYLOAD);
                int flags = from + payload == bytes.byteSize() ? Way.PSH | Way.ACK : Way.ACK;
                long at = way.head(into.memory, into.length, payload, flags, next, acknowledges(), wallNanos, (int)
                        options.byteSize());
                MemorySegment.copy(bytes, from, into.memory, at, payload);
                into.length = (int) way.tail(into.memory, at + payload, payload, flags, options);
                into.payloadBytes += payload;
                into.packets++;
                next += payload;
                from += payload;
                options = Pcapng.NO_OPTIONS;
            }
        }

        private void miss(long bytes) {
            next += bytes;
            missedBytes += bytes;
            missedPackets++;
            deck.missed(bytes, 1);
            if (missedBytes >= MOST_UNTOLD_BYTES) {
                control(Way.ACK, Pcapng.NO_OPTIONS);
            }
        }

        /** What the next packet has to say of those that are missing. */
        private MemorySegment takeNote() {
            if (missedPackets == 0) {
                return Pcapng.NO_OPTIONS;
            }
            MemorySegment options =
                    Pcapng.options(missedBytes + " bytes not recorded: the recorder was behind", missedPackets);
            missedBytes = 0;
            missedPackets = 0;
            return options;
        }

        private void end() {
            control(Way.FIN | Way.ACK, Pcapng.NO_OPTIONS);
            ended = true;
            next++;
            other().control(Way.ACK, Pcapng.NO_OPTIONS);
        }

        /** A session is not over before it is said what is missing of it. */
        private void leave() {
            if (missedBytes > 0) {
                control(Way.ACK, Pcapng.NO_OPTIONS);
            }
        }

        /** A packet without payload. */
        private void control(int flags, MemorySegment options) {
            int most = Way.MOST_FRAME_BYTES + Math.max((int) options.byteSize(), TAIL_OPTIONS_ROOM);
            Item.Batch into = deck.room(most, true);
            if (into == null) {
                missedPackets++;
                deck.missed(0, 1);
                return;
            }
            MemorySegment said = missedPackets == 0 ? options : takeNote();
            long at = way.head(
                    into.memory, into.length, 0, flags, next, acknowledges(), Deck.wallNanos(), (int) said.byteSize());
            into.length = (int) way.tail(into.memory, at, 0, flags, said);
            into.packets++;
            other().acknowledged = other().next;
        }
    }
}
