// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import java.nio.ByteBuffer;

/** Finds the IP packet in a frame; the numbers of link types are those of tcpdump.org. */
final class LinkLayer {
    /** Not the offset of anything: the frame carries something else. */
    static final int NOT_IP = -1;

    /** Not the offset of anything: the frame was cut before it. */
    static final int CUT = -2;

    /** Not the offset of anything: frames of this type are not known here. */
    static final int UNKNOWN = -3;

    private static final int IPV4 = 0x0800;
    private static final int IPV6 = 0x86dd;

    private LinkLayer() {}

    /** Where the IP header begins, or one of the numbers above. */
    static int ipOffset(int linkType, ByteBuffer frame) {
        return switch (linkType) {
            case 0, 108 -> loopback(frame);
            case 1 -> tagged(frame, 12);
            case 12, 14, 101, 228, 229 -> 0; // no header at all
            case 113 -> tagged(frame, 14); // "cooked", of the device "any"
            case 276 -> cooked2(frame);
            default -> UNKNOWN;
        };
    }

    /** NULL and LOOP: an address family of four bytes, in the order of whatever machine that was. */
    private static int loopback(ByteBuffer frame) {
        if (frame.limit() < 4) {
            return CUT;
        }
        int family = frame.getInt(0);
        if (family < 0 || family > 0xffff) {
            family = Integer.reverseBytes(family);
        }
        return switch (family) {
            case 2, 10, 24, 28, 30 -> 4; // AF_INET, and AF_INET6 of Linux, NetBSD, FreeBSD and macOS
            default -> NOT_IP;
        };
    }

    /** The protocol's number stands first, and VLAN tags stand behind the header as they do in Ethernet. */
    private static int cooked2(ByteBuffer frame) {
        if (frame.limit() < 2) {
            return CUT;
        }
        return behind(frame, frame.getShort(0) & 0xffff, 20);
    }

    /** A header whose last two bytes are the protocol's number. */
    private static int tagged(ByteBuffer frame, int offset) {
        if (frame.limit() < offset + 2) {
            return CUT;
        }
        return behind(frame, frame.getShort(offset) & 0xffff, offset + 2);
    }

    private static int behind(ByteBuffer frame, int type, int offset) {
        return switch (type) {
            case IPV4, IPV6 -> offset;
            case 0x8100, 0x88a8, 0x9100, 0x9200 -> tagged(frame, offset + 2); // VLAN, QinQ: a tag, then the next number
            default -> NOT_IP;
        };
    }
}
