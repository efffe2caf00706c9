// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import java.io.IOException;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/** Classic pcap: a header of 24 bytes, then packets with headers of 16; draft-ietf-opsawg-pcap. */
final class PcapFile extends PacketFile {
    private static final int MICROS = 0xa1b2c3d4;
    private static final int NANOS = 0xa1b23c4d;
    private static final int FILE_HEADER_BYTES = 24;
    private static final int PACKET_HEADER_BYTES = 16;

    private final long nanosPerUnit;
    private final int linkType;
    private long at = FILE_HEADER_BYTES;

    private PcapFile(Window window, int number, Notices notices, long nanosPerUnit) {
        super(window, number, notices);
        this.nanosPerUnit = nanosPerUnit;
        // The upper half tells of checksums at the end of frames, which nobody here looks at.
        this.linkType = (int) window.u32(20) & 0xffff;
    }

    /**
     * Reads the file's header.
     *
     * @param magic its first four bytes
     * @return null when it is no such file
     */
    static @Nullable PcapFile of(Window window, int number, Notices notices, int magic) throws IOException {
        int turned = Integer.reverseBytes(magic);
        boolean big = magic == MICROS || magic == NANOS;
        if (!big && turned != MICROS && turned != NANOS) {
            return null;
        }
        if (!window.has(0, FILE_HEADER_BYTES)) {
            throw new CaptureException(window.path() + ": not a capture; the header of a pcap file has 24 bytes, and "
                    + window.sizeBytes() + " are there");
        }
        window.order(big ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
        int major = window.u16(4);
        int minor = window.u16(6);
        if (major != 2 || minor < 4) {
            throw new CaptureException(window.path() + ": pcap of version " + major + "." + minor
                    + ", as AIX and very old tools write it; only 2.4 is read: convert it with editcap");
        }
        boolean nanos = magic == NANOS || turned == NANOS;
        return new PcapFile(window, number, notices, nanos ? 1 : 1000);
    }

    @Override
    boolean next() throws IOException {
        long header = at;
        if (header == window.sizeBytes()) {
            return false;
        }
        if (!window.has(header, PACKET_HEADER_BYTES)) {
            return cutShort(header);
        }
        long captured = window.u32(header + 8);
        long original = window.u32(header + 12);
        if (captured > Packet.MOST_BYTES) {
            return damaged(header, "a packet of " + captured + " bytes");
        }
        if (captured > window.sizeBytes() - header - PACKET_HEADER_BYTES) {
            return cutShort(header);
        }
        packet.timeNanos = window.u32(header) * 1_000_000_000L + window.u32(header + 4) * nanosPerUnit;
        packet.linkType = linkType;
        show(header + PACKET_HEADER_BYTES, (int) captured, original);
        at = header + PACKET_HEADER_BYTES + captured;
        return true;
    }
}
