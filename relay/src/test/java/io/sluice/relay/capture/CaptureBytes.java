// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** Writes captures from the descriptions of the formats, apart from what reads them. */
public final class CaptureBytes {
    public static final int RAW = 101;

    private final ByteOrder order;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    public CaptureBytes(ByteOrder order) {
        this.order = order;
    }

    public static byte[] pcapNg(List<Frame> frames) {
        return new CaptureBytes(ByteOrder.LITTLE_ENDIAN)
                .section()
                .description(RAW, 0, option(9, 9))
                .packets(frames)
                .bytes();
    }

    public static byte[] pcap(ByteOrder order, boolean nanos, int linkType, List<Frame> frames) {
        CaptureBytes file = new CaptureBytes(order);
        file.put(
                24,
                header -> header.putInt(nanos ? 0xa1b23c4d : 0xa1b2c3d4)
                        .putShort((short) 2)
                        .putShort((short) 4)
                        .putLong(0)
                        .putInt(262_144)
                        .putInt(linkType));
        for (Frame each : frames) {
            long fraction = each.nanos() % 1_000_000_000;
            file.put(
                    16 + each.captured(),
                    packet -> packet.putInt((int) (each.nanos() / 1_000_000_000))
                            .putInt((int) (nanos ? fraction : fraction / 1000))
                            .putInt(each.captured())
                            .putInt(each.bytes().length)
                            .put(each.known()));
        }
        return file.bytes();
    }

    public byte[] bytes() {
        return out.toByteArray();
    }

    public CaptureBytes raw(byte[] bytes) {
        out.writeBytes(bytes);
        return this;
    }

    public CaptureBytes section() {
        return block(
                0x0a0d0d0a,
                16,
                body -> body.putInt(0x1a2b3c4d)
                        .putShort((short) 1)
                        .putShort((short) 0)
                        .putLong(-1));
    }

    public CaptureBytes description(int linkType, int snapshotBytes, byte[]... options) {
        byte[] all = join(options);
        return block(
                1,
                8 + all.length,
                body -> body.putShort((short) linkType)
                        .putShort((short) 0)
                        .putInt(snapshotBytes)
                        .put(turned(all)));
    }

    /** Enhanced packet blocks of interface 0, in nanoseconds. */
    public CaptureBytes packets(List<Frame> frames) {
        frames.forEach(each -> packet(0, each.nanos(), each));
        return this;
    }

    public CaptureBytes packet(int from, long time, Frame frame, byte[]... options) {
        byte[] all = join(options);
        return block(
                6,
                20 + padded(frame.captured()) + all.length,
                body -> body.putInt(from)
                        .putInt((int) (time >>> 32))
                        .putInt((int) time)
                        .putInt(frame.captured())
                        .putInt(frame.bytes().length)
                        .put(frame.known())
                        .position(28 + padded(frame.captured()))
                        .put(turned(all)));
    }

    public CaptureBytes simple(Frame frame) {
        return block(
                3,
                4 + padded(frame.captured()),
                body -> body.putInt(frame.bytes().length).put(frame.known()));
    }

    public CaptureBytes obsolete(long time, Frame frame) {
        return block(
                2,
                20 + padded(frame.captured()),
                body -> body.putShort((short) 0)
                        .putShort((short) 3)
                        .putInt((int) (time >>> 32))
                        .putInt((int) time)
                        .putInt(frame.captured())
                        .putInt(frame.bytes().length)
                        .put(frame.known()));
    }

    public interface Filler {
        ByteBuffer fill(ByteBuffer body);
    }

    public CaptureBytes block(int type, int bodyBytes, Filler filler) {
        int length = 12 + bodyBytes;
        return put(length, block -> {
            block.putInt(type).putInt(length);
            filler.fill(block);
            return block.position(length - 4).putInt(length);
        });
    }

    private CaptureBytes put(int bytes, Filler filler) {
        ByteBuffer buffer = ByteBuffer.allocate(bytes).order(order);
        filler.fill(buffer);
        out.writeBytes(buffer.array());
        return this;
    }

    private static int padded(int bytes) {
        return (bytes + 3) / 4 * 4;
    }

    /** An option of one byte, or of text; in the big byte order. */
    public static byte[] option(int code, int value) {
        return option(code, new byte[] {(byte) value});
    }

    public static byte[] option(int code, byte[] value) {
        return ByteBuffer.allocate(4 + padded(value.length))
                .putShort((short) code)
                .putShort((short) value.length)
                .put(value)
                .array();
    }

    private static byte[] join(byte[]... options) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] each : options) {
            all.writeBytes(each);
        }
        return all.toByteArray();
    }

    /** Options in this file's byte order: their codes and lengths, and values of eight bytes. */
    private byte[] turned(byte[] options) {
        ByteBuffer from = ByteBuffer.wrap(options);
        ByteBuffer to = ByteBuffer.allocate(options.length).order(order);
        while (from.hasRemaining()) {
            short code = from.getShort();
            short length = from.getShort();
            to.putShort(code).putShort(length);
            if (length == 8) {
                to.putLong(from.getLong());
            } else {
                for (int i = 0; i < padded(length); i++) {
                    to.put(from.get());
                }
            }
        }
        return to.array();
    }
}
