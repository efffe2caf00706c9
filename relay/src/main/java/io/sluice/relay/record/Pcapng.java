// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.record;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The blocks of a pcapng file, in little-endian order: one section, one interface of raw IP, times in nanoseconds. */
final class Pcapng {
    static final ValueLayout.OfInt LE32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final int SECTION = 0x0a0d0d0a;
    private static final int INTERFACE = 1;
    private static final int STATISTICS = 5;
    static final int PACKET = 6;

    /** Of an enhanced packet block, up to the packet. */
    static final int PACKET_HEAD_BYTES = 28;

    private static final int BYTE_ORDER = 0x1a2b3c4d;
    private static final int RAW_IP = 101;

    private static final short END = 0;
    private static final short COMMENT = 1;
    private static final short INTERFACE_NAME = 2;
    private static final short OPERATING_SYSTEM = 3;
    private static final short APPLICATION = 4;
    private static final short PACKETS_LOST = 4;
    private static final short TIME_RESOLUTION = 9;
    private static final short STARTED = 2;
    private static final short ENDED = 3;
    private static final short RECEIVED = 4;
    private static final short DROPPED = 5;

    private static final byte NANOSECONDS = 9;
    private static final long NO_LENGTH = -1;
    private static final int LONGEST_COMMENT = 4096;

    /** Of a packet. */
    static final int MOST_OPTION_BYTES = LONGEST_COMMENT + 64;

    private static final int FRAME_BYTES = 3 * Integer.BYTES;

    /** Of a packet that nothing is to be said of. */
    static final MemorySegment NO_OPTIONS = MemorySegment.ofArray(new byte[0]);

    private Pcapng() {}

    static int padded(int bytes) {
        return bytes + 3 & ~3;
    }

    /** What a file begins with. */
    static MemorySegment beginning(String application, String interfaceName) {
        ByteBuffer section = buffer(1024);
        section.putInt(BYTE_ORDER).putShort((short) 1).putShort((short) 0).putLong(NO_LENGTH);
        text(section, OPERATING_SYSTEM, System.getProperty("os.name") + " " + System.getProperty("os.version"));
        text(section, APPLICATION, application);
        end(section);
        ByteBuffer of = buffer(1024);
        of.putShort((short) RAW_IP).putShort((short) 0).putInt(0); // 0: packets are whole
        text(of, INTERFACE_NAME, interfaceName);
        of.putShort(TIME_RESOLUTION)
                .putShort((short) 1)
                .put(NANOSECONDS)
                .put((byte) 0)
                .putShort((short) 0);
        end(of);
        ByteBuffer both = buffer(section.position() + of.position() + 2 * FRAME_BYTES);
        block(both, SECTION, section);
        block(both, INTERFACE, of);
        return MemorySegment.ofBuffer(both.flip());
    }

    /**
     * What a file ends with.
     *
     * @param packets that are in it, and those that are not
     */
    static MemorySegment statistics(long beganNanos, long endedNanos, long packets, long missing) {
        ByteBuffer body = buffer(256);
        body.putInt(0);
        time(body, endedNanos);
        number(body, STARTED, Long.rotateLeft(beganNanos, Integer.SIZE)); // as two halves, the high one first
        number(body, ENDED, Long.rotateLeft(endedNanos, Integer.SIZE));
        number(body, RECEIVED, packets + missing);
        number(body, DROPPED, missing);
        end(body);
        ByteBuffer whole = buffer(body.position() + FRAME_BYTES);
        block(whole, STATISTICS, body);
        return MemorySegment.ofBuffer(whole.flip());
    }

    /** The head of an enhanced packet block of so many bytes. */
    static void packetHead(MemorySegment to, long at, int blockBytes, long wallNanos, int packetBytes) {
        to.set(LE32, at, PACKET);
        to.set(LE32, at + 4, blockBytes);
        to.set(LE32, at + 8, 0);
        to.set(LE32, at + 12, (int) (wallNanos >>> Integer.SIZE));
        to.set(LE32, at + 16, (int) wallNanos);
        to.set(LE32, at + 20, packetBytes);
        to.set(LE32, at + 24, packetBytes);
    }

    /** The length of the block at an offset. */
    static int blockBytes(MemorySegment blocks, long at) {
        return blocks.get(LE32, at + 4);
    }

    /** The packet blocks among whole blocks that were made here. */
    static List<MemorySegment> packets(MemorySegment blocks) {
        List<MemorySegment> packets = new ArrayList<>();
        int length;
        for (long at = 0; at < blocks.byteSize(); at += length) {
            length = blockBytes(blocks, at);
            if (blocks.get(LE32, at) == PACKET) {
                packets.add(blocks.asSlice(at, length));
            }
        }
        return packets;
    }

    /** The length of the packet in a block. */
    static int packetBytes(MemorySegment block) {
        return block.get(LE32, 20);
    }

    /** Options of a packet: a comment, and how many packets before it are missing when that is above 0. */
    static MemorySegment options(@Nullable String comment, long missing) {
        if (comment == null && missing == 0) {
            return NO_OPTIONS;
        }
        ByteBuffer options = buffer(MOST_OPTION_BYTES);
        if (comment != null) {
            text(options, COMMENT, comment);
        }
        if (missing > 0) {
            number(options, PACKETS_LOST, missing);
        }
        end(options);
        return MemorySegment.ofBuffer(options.flip());
    }

    private static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static void block(ByteBuffer to, int type, ByteBuffer body) {
        int length = body.position() + FRAME_BYTES;
        to.putInt(type).putInt(length).put(body.flip()).putInt(length);
    }

    private static void time(ByteBuffer to, long nanos) {
        to.putInt((int) (nanos >>> Integer.SIZE)).putInt((int) nanos);
    }

    private static void text(ByteBuffer to, short code, String value) {
        byte[] all = value.getBytes(StandardCharsets.UTF_8);
        int length = Math.min(all.length, Math.min(LONGEST_COMMENT, to.remaining() / 2));
        to.putShort(code).putShort((short) length).put(all, 0, length);
        to.position(padded(to.position()));
    }

    private static void number(ByteBuffer to, short code, long value) {
        to.putShort(code).putShort((short) Long.BYTES).putLong(value);
    }

    private static void end(ByteBuffer to) {
        to.putShort(END).putShort((short) 0);
    }
}
