// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.sluice.relay.capture.Notice.Kind;
import java.io.IOException;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * pcapng: sections of blocks, each with its length at both ends; draft-ietf-opsawg-pcapng. Blocks that say nothing of
 * packets are skipped. A block is believed only when all of it is there and both its lengths agree.
 */
final class PcapNgFile extends PacketFile {
    static final int SECTION_HEADER = 0x0a0d0d0a;

    private static final int BYTE_ORDER = 0x1a2b3c4d;
    private static final int INTERFACE_DESCRIPTION = 1;
    private static final int OBSOLETE_PACKET = 2;
    private static final int SIMPLE_PACKET = 3;
    private static final int INTERFACE_STATISTICS = 5;
    private static final int ENHANCED_PACKET = 6;

    private static final int COMMENT = 1;
    private static final int RESOLUTION = 9;
    private static final int OFFSET = 14;
    private static final int INTERFACE_DROPPED = 5;
    private static final int SYSTEM_DROPPED = 7;
    private static final int PACKET_DROPPED = 4;

    /** Type and length before, length after. */
    private static final int FRAME_BYTES = 12;

    /** More than any machine has; each costs memory. */
    private static final int MOST_INTERFACES = 4096;

    private static final int MOST_COMMENT_BYTES = 200;

    private record Interface(int linkType, long snapshotBytes, TimeUnits units) {}

    private final List<Interface> interfaces = new ArrayList<>();
    private long at;
    private long droppedSoFar;

    PcapNgFile(Window window, int number, Notices notices) {
        super(window, number, notices);
    }

    @Override
    boolean next() throws IOException {
        packet.comment = null;
        packet.dropped = 0;
        while (at < window.sizeBytes()) {
            long block = at;
            if (!window.has(block, FRAME_BYTES)) {
                return cutShort(block);
            }
            int type = window.s32(block);
            if (type == SECTION_HEADER && !order(block)) {
                return damaged(block, "a section in no known byte order");
            }
            long length = window.u32(block + 4);
            if (length < FRAME_BYTES || length % 4 != 0) {
                return damaged(block, "a block of " + length + " bytes");
            }
            if (length > window.sizeBytes() - block) {
                return cutShort(block);
            }
            if (!window.has(block + length - 4, 4)) {
                return cutShort(block);
            }
            if (window.u32(block + length - 4) != length) {
                return damaged(block, "a block whose two lengths differ");
            }
            at = block + length;
            String complaint = null;
            boolean found = false;
            switch (type) {
                case SECTION_HEADER -> complaint = section(block, length);
                case INTERFACE_DESCRIPTION -> complaint = description(block, length);
                case INTERFACE_STATISTICS -> statistics(block, length);
                case ENHANCED_PACKET -> found = enhanced(block, length);
                case SIMPLE_PACKET -> found = simple(block, length);
                case OBSOLETE_PACKET -> found = obsolete(block, length);
                default -> {} // names, secrets, vendors' own
            }
            if (complaint != null) {
                return damaged(block, complaint);
            }
            if (found) {
                return true;
            }
        }
        return false;
    }

    private boolean order(long block) {
        int magic = window.s32(block + 8);
        window.order(ByteOrder.BIG_ENDIAN);
        int big = window.s32(block + 8);
        if (big == Integer.reverseBytes(BYTE_ORDER)) {
            window.order(ByteOrder.LITTLE_ENDIAN);
        }
        return magic == BYTE_ORDER || magic == Integer.reverseBytes(BYTE_ORDER);
    }

    private @Nullable String section(long block, long length) throws IOException {
        interfaces.clear();
        if (length < 28 || !window.has(block, 28)) {
            return "a section header of " + length + " bytes";
        }
        int major = window.u16(block + 12);
        return major == 1 ? null : "pcapng of version " + major + "." + window.u16(block + 14);
    }

    private @Nullable String description(long block, long length) throws IOException {
        if (length < 20 || !window.has(block, 16)) {
            return "an interface description of " + length + " bytes";
        }
        if (interfaces.size() == MOST_INTERFACES) {
            return "more than " + MOST_INTERFACES + " interfaces";
        }
        int linkType = window.u16(block + 8);
        long snapshotBytes = window.u32(block + 12);
        int resolution = TimeUnits.MICROS;
        long offsetSeconds = 0;
        for (Option option = option(block + 16, block + length - 4); option != null; option = option.next()) {
            if (option.code == RESOLUTION && option.length >= 1) {
                resolution = window.u8(option.value());
            } else if (option.code == OFFSET && option.length >= 8) {
                offsetSeconds = window.s64(option.value());
            }
        }
        interfaces.add(new Interface(linkType, snapshotBytes, new TimeUnits(resolution, offsetSeconds)));
        return null;
    }

    private void statistics(long block, long length) throws IOException {
        long dropped = 0;
        for (Option option = option(block + 20, block + length - 4); option != null; option = option.next()) {
            if ((option.code == INTERFACE_DROPPED || option.code == SYSTEM_DROPPED) && option.length >= 8) {
                dropped += Math.max(0, window.s64(option.value()));
            }
        }
        // It sums up what packets may have said already.
        if (dropped > droppedSoFar) {
            notices.add(Kind.DROPPED, dropped - droppedSoFar, window.path(), block, "");
            droppedSoFar = dropped;
        }
    }

    private boolean enhanced(long block, long length) throws IOException {
        boolean good = length >= 32
                && window.has(block, 28)
                && packet(block, block + 28, length - 32, window.u32(block + 8), PACKET_DROPPED);
        return good || malformed(block);
    }

    private boolean obsolete(long block, long length) throws IOException {
        if (length < 32 || !window.has(block, 28)) {
            return malformed(block);
        }
        int dropped = window.u16(block + 10);
        if (!packet(block, block + 28, length - 32, window.u16(block + 8), -1)) {
            return malformed(block);
        }
        if (dropped != 0xffff) {
            dropped(block, dropped);
        }
        return true;
    }

    /** What both kinds have at the same places: time, lengths, the packet, options. */
    private boolean packet(long block, long data, long room, long number, int droppedOption) throws IOException {
        long captured = window.u32(block + 20);
        long original = window.u32(block + 24);
        if (number >= interfaces.size() || captured > room || captured > Packet.MOST_BYTES) {
            return false;
        }
        Interface from = interfaces.get((int) number);
        packet.timeNanos = from.units.nanos(window.u32(block + 12) << 32 | window.u32(block + 16));
        packet.linkType = from.linkType;
        long options = data + (captured + 3) / 4 * 4;
        for (Option option = option(options, data + room); option != null; option = option.next()) {
            if (option.code == COMMENT && packet.comment == null) {
                packet.comment = text(option);
            } else if (option.code == droppedOption && option.length >= 8) {
                dropped(block, window.s64(option.value()));
            }
        }
        show(data, (int) captured, original);
        return true;
    }

    /** Has neither time nor interface: it comes from the first one, at the time of the packet before. */
    private boolean simple(long block, long length) throws IOException {
        if (length < 16 || interfaces.isEmpty() || !window.has(block, 12)) {
            return malformed(block);
        }
        Interface from = interfaces.getFirst();
        long original = window.u32(block + 8);
        long captured = Math.min(original, length - 16);
        if (from.snapshotBytes != 0) {
            captured = Math.min(captured, from.snapshotBytes);
        }
        if (captured > Packet.MOST_BYTES) {
            return malformed(block);
        }
        packet.linkType = from.linkType;
        show(block + 12, (int) captured, original);
        return true;
    }

    private boolean malformed(long block) {
        notices.add(Kind.MALFORMED, window.path(), block, "a packet block that contradicts itself");
        return false;
    }

    private void dropped(long block, long count) {
        if (count > 0) {
            packet.dropped = count;
            droppedSoFar += count;
            notices.add(Kind.DROPPED, count, window.path(), block, "");
        }
    }

    private String text(Option option) throws IOException {
        int bytes = Math.min(option.length, MOST_COMMENT_BYTES);
        return window.has(option.value(), bytes)
                ? UTF_8.decode(window.view(option.value(), bytes)).toString()
                : "";
    }

    /** The option that begins there, if one does; its first bytes are in the window. */
    private @Nullable Option option(long at, long end) throws IOException {
        if (end - at < 4 || !window.has(at, 4)) {
            return null;
        }
        int code = window.u16(at);
        int length = window.u16(at + 2);
        // What comes after an option that does not fit cannot be found.
        boolean good = code != 0 && length <= end - at - 4 && window.has(at, 4 + Math.min(length, 8));
        return good ? new Option(at, code, length, end) : null;
    }

    private final class Option {
        private final long at;
        private final int code;
        private final int length;
        private final long end;

        Option(long at, int code, int length, long end) {
            this.at = at;
            this.code = code;
            this.length = length;
            this.end = end;
        }

        long value() {
            return at + 4;
        }

        @Nullable
        Option next() throws IOException {
            return option(at + 4 + (length + 3) / 4 * 4L, end);
        }
    }
}
