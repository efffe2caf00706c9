// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.record;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The packets of one direction between two addresses, as blocks of a pcapng file. Only the payload is real: the headers
 * of IP and TCP are made up around it, so that any program that reads captures can follow the stream.
 *
 * <pre>
 *   type  length  interface  time  captured  original   | IP  TCP | payload | to 4 | options | length
 *   ---------------------- head ----------------------------------           ---------- tail --------
 * </pre>
 *
 * <p>The checksum of TCP is 0: it would have to be computed from bytes that no program has seen.
 */
final class Way {
    /** So that a whole IPv4 packet has 65,535 bytes, which is also less than an IPv6 packet may have. */
    static final int MOST_PAYLOAD = 65_495;

    static final int FIN = 1;
    static final int SYN = 2;
    static final int RST = 4;
    static final int PSH = 8;
    static final int ACK = 16;

    private static final ValueLayout.OfShort BE16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt BE32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private static final int IPV4_BYTES = 20;
    private static final int IPV6_BYTES = 40;
    private static final int TCP_BYTES = 20;
    private static final byte TCP = 6;
    private static final byte HOPS = 64;

    /** The most that a head and a tail without options take. */
    static final int MOST_FRAME_BYTES = Pcapng.PACKET_HEAD_BYTES + IPV6_BYTES + TCP_BYTES + 8 + 3 + Integer.BYTES;

    /** A window that no stream fills before it is acknowledged: 65,535 shifted by as much as TCP allows. */
    private static final int WINDOW_SHIFT = 14;

    private static final int WINDOW = 0xffff;

    /** Options of a SYN: a segment as long as our packets are, and the window's shift. */
    private static final long SYN_OPTIONS = 0x0204_0000_0103_0300L | (long) MOST_PAYLOAD << 32 | WINDOW_SHIFT;

    private final MemorySegment template;
    private final int ipBytes;
    private final long checksum; // of the IPv4 header without its length, not folded

    private Way(MemorySegment template, int ipBytes) {
        this.template = template;
        this.ipBytes = ipBytes;
        long sum = 0;
        for (int i = 0; i < IPV4_BYTES; i += Short.BYTES) {
            sum += template.get(BE16, i) & 0xffff;
        }
        this.checksum = sum;
    }

    /** From one address to another; where one is of IPv6, the other is written as such. */
    static Way between(InetSocketAddress from, InetSocketAddress to) {
        boolean six = from.getAddress() instanceof Inet6Address || to.getAddress() instanceof Inet6Address;
        int ipBytes = six ? IPV6_BYTES : IPV4_BYTES;
        ByteBuffer header = ByteBuffer.allocate(ipBytes + TCP_BYTES);
        if (six) {
            header.putInt(0x6000_0000).putShort((short) 0).put(TCP).put(HOPS);
            header.put(six(from.getAddress())).put(six(to.getAddress()));
        } else {
            header.putShort((short) 0x4500).putShort((short) 0); // length
            header.putShort((short) 0).putShort((short) 0x4000); // not to be fragmented, so it needs no number
            header.put(HOPS).put(TCP).putShort((short) 0);
            header.put(from.getAddress().getAddress()).put(to.getAddress().getAddress());
        }
        header.putShort((short) from.getPort()).putShort((short) to.getPort());
        return new Way(MemorySegment.ofArray(header.array()), ipBytes);
    }

    /** The way of a packet in a block that was made here. */
    static Way of(MemorySegment block) {
        boolean six = (block.get(ValueLayout.JAVA_BYTE, Pcapng.PACKET_HEAD_BYTES) & 0xf0) == 0x60;
        int ipBytes = six ? IPV6_BYTES : IPV4_BYTES;
        MemorySegment header = MemorySegment.ofArray(new byte[ipBytes + TCP_BYTES]);
        MemorySegment.copy(block, Pcapng.PACKET_HEAD_BYTES, header, 0, ipBytes + 2 * Short.BYTES);
        if (six) {
            header.set(BE16, 4, (short) 0);
        } else {
            header.set(BE16, 2, (short) 0);
            header.set(BE16, 10, (short) 0);
        }
        return new Way(header, ipBytes);
    }

    /** What a block that was made here says. */
    static Packet read(MemorySegment block) {
        int ipBytes =
                (block.get(ValueLayout.JAVA_BYTE, Pcapng.PACKET_HEAD_BYTES) & 0xf0) == 0x60 ? IPV6_BYTES : IPV4_BYTES;
        int tcp = Pcapng.PACKET_HEAD_BYTES + ipBytes;
        int word = block.get(BE16, tcp + 12);
        int headers = ipBytes + (word >>> 12 & 0xf) * Integer.BYTES;
        return new Packet(
                of(block),
                Pcapng.packetBytes(block) - headers,
                word & 0x3f,
                block.get(BE32, tcp + 4),
                block.get(BE32, tcp + 8));
    }

    /**
     * A packet, payload aside.
     *
     * @param sequence of the payload's first byte; only its lower half counts, as with {@code acknowledged}
     */
    record Packet(Way way, int payloadBytes, int flags, long sequence, long acknowledged) {}

    /** The same for all packets of a way, and for no other way's. */
    ByteBuffer key() {
        return template.asByteBuffer().asReadOnlyBuffer();
    }

    private static byte[] six(InetAddress address) {
        byte[] bytes = address.getAddress();
        if (address instanceof Inet4Address) {
            return ByteBuffer.allocate(16)
                    .put(10, (byte) 0xff)
                    .put(11, (byte) 0xff)
                    .put(12, bytes)
                    .array();
        }
        return bytes;
    }

    private int headerBytes(int flags) {
        return ipBytes + TCP_BYTES + ((flags & SYN) == 0 ? 0 : Long.BYTES);
    }

    /** Bytes of a whole block. */
    int blockBytes(int payloadBytes, int flags, int optionBytes) {
        return Pcapng.PACKET_HEAD_BYTES
                + Pcapng.padded(headerBytes(flags) + payloadBytes)
                + optionBytes
                + Integer.BYTES;
    }

    /**
     * Writes what stands before the payload; answers where that begins.
     *
     * @param sequence of the payload's first byte
     * @param acknowledged the sequence number that is expected from the other side
     * @param wallNanos since 1970
     */
    long head(
            MemorySegment to,
            long at,
            int payloadBytes,
            int flags,
            long sequence,
            long acknowledged,
            long wallNanos,
            int optionBytes) {
        int header = headerBytes(flags);
        int packet = header + payloadBytes;
        Pcapng.packetHead(to, at, blockBytes(payloadBytes, flags, optionBytes), wallNanos, packet);
        long ip = at + Pcapng.PACKET_HEAD_BYTES;
        MemorySegment.copy(template, 0, to, ip, template.byteSize());
        if (ipBytes == IPV4_BYTES) {
            to.set(BE16, ip + 2, (short) packet);
            to.set(BE16, ip + 10, (short) ~folded(checksum + packet));
        } else {
            to.set(BE16, ip + 4, (short) (packet - IPV6_BYTES));
        }
        long tcp = ip + ipBytes;
        to.set(BE32, tcp + 4, (int) sequence);
        to.set(BE32, tcp + 8, (flags & ACK) == 0 ? 0 : (int) acknowledged);
        to.set(BE16, tcp + 12, (short) ((((header - ipBytes) / Integer.BYTES) << 12) | flags));
        to.set(BE16, tcp + 14, (short) WINDOW);
        if ((flags & SYN) != 0) {
            to.set(BE32, tcp + TCP_BYTES, (int) (SYN_OPTIONS >>> 32));
            to.set(BE32, tcp + TCP_BYTES + 4, (int) SYN_OPTIONS);
        }
        return tcp + header - ipBytes;
    }

    private static int folded(long sum) {
        long once = (sum & 0xffff) + (sum >>> 16);
        return (int) ((once & 0xffff) + (once >>> 16));
    }

    /** Writes what stands behind the payload, at its end; answers the block's end. */
    long tail(MemorySegment to, long at, int payloadBytes, int flags, MemorySegment options) {
        int packet = headerBytes(flags) + payloadBytes;
        int pad = Pcapng.padded(packet) - packet;
        for (int i = 0; i < pad; i++) {
            to.set(ValueLayout.JAVA_BYTE, at + i, (byte) 0);
        }
        MemorySegment.copy(options, 0, to, at + pad, options.byteSize());
        long end = at + pad + options.byteSize();
        to.set(Pcapng.LE32, end, blockBytes(payloadBytes, flags, (int) options.byteSize()));
        return end + Integer.BYTES;
    }
}
