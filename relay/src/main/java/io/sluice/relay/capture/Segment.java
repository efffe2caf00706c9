// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import io.sluice.relay.capture.Notice.Kind;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The TCP segment in a packet. Checksums are not looked at: network cards fill them in after the capture, and our own
 * recordings have none. One object, filled again for each packet.
 */
final class Segment {
    private static final int TCP = 6;
    private static final int FIN = 1;
    private static final int SYN = 2;
    private static final int RST = 4;
    private static final int ACK = 16;

    private static final int MOST_SCALE = 14;

    Endpoint source = Endpoint.NOBODY;
    Endpoint destination = Endpoint.NOBODY;
    int sequence;
    int acknowledgement;
    int window;

    /** Of a SYN: how far the windows that follow are shifted; -1 when that is not said. */
    int scale;

    /** Where the payload begins in the packet. */
    int payload;

    /** Bytes of payload that were sent. */
    int length;

    /** Bytes of payload that were captured. */
    int captured;

    private int flags;

    boolean fin() {
        return (flags & FIN) != 0;
    }

    boolean syn() {
        return (flags & SYN) != 0;
    }

    boolean rst() {
        return (flags & RST) != 0;
    }

    boolean ack() {
        return (flags & ACK) != 0;
    }

    /** Reads the headers; answers why that was not possible, or null. */
    @Nullable
    Kind parse(Packet packet) {
        ByteBuffer head = packet.head;
        int ip = LinkLayer.ipOffset(packet.linkType, head);
        if (ip < 0) {
            return switch (ip) {
                case LinkLayer.CUT -> Kind.HEADERS_CUT;
                case LinkLayer.NOT_IP -> Kind.NOT_TCP;
                default -> Kind.UNKNOWN_LINK;
            };
        }
        if (head.limit() < ip + 20) {
            return packet.capturedBytes < packet.originalBytes ? Kind.HEADERS_CUT : Kind.MALFORMED;
        }
        return switch (head.get(ip) >> 4 & 15) {
            case 4 -> ipv4(packet, head, ip);
            case 6 -> ipv6(packet, head, ip);
            default -> Kind.MALFORMED;
        };
    }

    private @Nullable Kind ipv4(Packet packet, ByteBuffer head, int ip) {
        int headerBytes = (head.get(ip) & 15) * 4;
        int total = head.getShort(ip + 2) & 0xffff;
        int fragment = head.getShort(ip + 6) & 0x3fff; // "more" and the offset
        // Large segments are captured before the card or a lower layer cuts them, and may have 0 here.
        long end = total == 0 ? packet.originalBytes : Math.min(packet.originalBytes, (long) ip + total);
        if (headerBytes < 20 || ip + headerBytes > end) {
            return Kind.MALFORMED;
        }
        if (fragment != 0) {
            return Kind.FRAGMENT;
        }
        if (head.get(ip + 9) != TCP) {
            return Kind.NOT_TCP;
        }
        Endpoint from = Endpoint.ipv4(head.getInt(ip + 12));
        Endpoint to = Endpoint.ipv4(head.getInt(ip + 16));
        return tcp(packet, head, ip + headerBytes, end, from, to);
    }

    private @Nullable Kind ipv6(Packet packet, ByteBuffer head, int ip) {
        int at = ip + 40;
        if (head.limit() < at) {
            return packet.capturedBytes < packet.originalBytes ? Kind.HEADERS_CUT : Kind.MALFORMED;
        }
        int total = head.getShort(ip + 4) & 0xffff;
        long end = total == 0 ? packet.originalBytes : Math.min(packet.originalBytes, (long) at + total);
        int next = head.get(ip + 6) & 0xff;
        while (next != TCP) {
            if (head.limit() < at + 8) {
                return isExtension(next) ? Kind.HEADERS_CUT : Kind.NOT_TCP;
            }
            int follows = head.get(at) & 0xff;
            int units = head.get(at + 1) & 0xff;
            switch (next) {
                case 0, 43, 60, 135, 139, 140 -> at += (units + 1) * 8;
                case 51 -> at += (units + 2) * 4; // AH counts in its own way
                case 44 -> {
                    if ((head.getShort(at + 2) & 0xfff9) != 0) {
                        return Kind.FRAGMENT;
                    }
                    at += 8; // a fragment that is the whole
                }
                default -> {
                    return Kind.NOT_TCP;
                }
            }
            next = follows;
        }
        Endpoint from = Endpoint.ipv6(head.getLong(ip + 8), head.getLong(ip + 16));
        Endpoint to = Endpoint.ipv6(head.getLong(ip + 24), head.getLong(ip + 32));
        return tcp(packet, head, at, end, from, to);
    }

    private static boolean isExtension(int header) {
        return switch (header) {
            case 0, 43, 44, 51, 60, 135, 139, 140 -> true;
            default -> false;
        };
    }

    private @Nullable Kind tcp(Packet packet, ByteBuffer head, int at, long end, Endpoint from, Endpoint to) {
        if (end < at + 20) {
            return Kind.MALFORMED;
        }
        if (head.limit() < at + 20) {
            return Kind.HEADERS_CUT;
        }
        int headerBytes = (head.get(at + 12) >> 4 & 15) * 4;
        if (headerBytes < 20 || at + headerBytes > end || end - at > Packet.MOST_BYTES) {
            return Kind.MALFORMED;
        }
        source = from.withPort(head.getShort(at) & 0xffff);
        destination = to.withPort(head.getShort(at + 2) & 0xffff);
        sequence = head.getInt(at + 4);
        acknowledgement = head.getInt(at + 8);
        flags = head.get(at + 13);
        window = head.getShort(at + 14) & 0xffff;
        payload = at + headerBytes;
        length = (int) (end - payload);
        captured = Math.clamp((long) packet.capturedBytes - payload, 0, length);
        scale = syn() ? scale(head, at + 20, Math.min(head.limit(), payload)) : -1;
        return null;
    }

    private static int scale(ByteBuffer head, int from, int end) {
        int at = from;
        while (at < end) {
            int kind = head.get(at);
            if (kind == 1) {
                at++;
                continue;
            }
            if (kind == 0 || at + 2 > end) {
                break;
            }
            int bytes = head.get(at + 1) & 0xff;
            if (kind == 3 && bytes == 3 && at + 3 <= end) {
                return Math.min(head.get(at + 2) & 0xff, MOST_SCALE);
            }
            if (bytes < 2) {
                break;
            }
            at += bytes;
        }
        return -1;
    }
}
