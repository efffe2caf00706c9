// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Flags.AF_INET;
import static io.sluice.kernel.Flags.AF_INET6;
import static io.sluice.kernel.Flags.AF_UNIX;
import static io.sluice.kernel.Flags.POLLOUT;
import static io.sluice.kernel.Flags.POLLWRNORM;
import static io.sluice.kernel.Flags.SOCK_DGRAM;
import static io.sluice.kernel.Flags.SOCK_SEQPACKET;
import static io.sluice.kernel.Flags.SOCK_STREAM;

/**
 * What differs between the kinds of sockets: the one place where Unix and TCP part. Everything else is the same code.
 *
 * <p>A sender is charged for what it has queued: on Unix for each buffer of the kernel with its overhead, until the
 * whole buffer is read; on TCP for bytes. It may send while its charge is below its limit, and is called writable again
 * when a part of the limit is free.
 */
enum Protocol {
    UNIX_STREAM(AF_UNIX, SOCK_STREAM, 1, 4),
    UNIX_DATAGRAM(AF_UNIX, SOCK_DGRAM, 1, 4),
    UNIX_PACKET(AF_UNIX, SOCK_SEQPACKET, 1, 4),
    TCP(AF_INET, SOCK_STREAM, 2, 3),
    TCP6(AF_INET6, SOCK_STREAM, 2, 3);

    /** POLLWRBAND, which Unix sockets alone show beside POLLOUT. */
    private static final int POLLWRBAND = 0x200;

    /** Bytes that a buffer holds before it needs pages of its own, and what it costs beside its bytes. */
    private static final int HEAD = 3776;

    private static final int LARGEST_DATAGRAM_HEAD = 16064;
    private static final int LARGEST_BUFFER = HEAD + 32768;
    private static final int BUFFER_COST = 256;
    private static final int HEAD_COST = 320;
    private static final int SMALLEST_HEAD = 512;

    /** What a reference to a page costs a TCP sender beside its bytes, so that tiny ones are not for nothing. */
    private static final int REFERENCE_COST = 512;

    /** Slots of a pipe that one buffer can hold. */
    static final int SLOTS_PER_BUFFER = 16;

    /** What SO_SNDBUF shows when a TCP connection is made and nobody has set it. */
    static final int TCP_CONNECTED_SEND_BUFFER = 2_626_560;

    final int domain;
    final int type;
    private final int writableShare;
    private final int writableOf;

    Protocol(int domain, int type, int writableShare, int writableOf) {
        this.domain = domain;
        this.type = type;
        this.writableShare = writableShare;
        this.writableOf = writableOf;
    }

    boolean isUnix() {
        return domain == AF_UNIX;
    }

    /** Whether message boundaries are kept. */
    boolean keepsMessages() {
        return type != SOCK_STREAM;
    }

    int defaultSendBuffer() {
        return isUnix() ? 212_992 : 16_384;
    }

    int defaultReceiveBuffer() {
        return isUnix() ? 212_992 : 131_072;
    }

    /** What poll(2) shows when there is room. */
    int writableEvents() {
        return isUnix() ? POLLOUT | POLLWRNORM | POLLWRBAND : POLLOUT | POLLWRNORM;
    }

    /** Whether a sender is writable who is charged for this much and may be for that much. */
    boolean roomy(long charge, long limit) {
        return charge * writableOf <= limit * writableShare;
    }

    /** How many bytes of a stream one buffer takes at most. */
    int largestBuffer(int limit) {
        return isUnix() ? Math.min(LARGEST_BUFFER, limit / 2 - 64) : Integer.MAX_VALUE;
    }

    /** How many bytes of a buffer of {@code length} stand before its first page. */
    int head(int length) {
        if (!isUnix()) {
            return 0;
        }
        int inHead = keepsMessages() ? LARGEST_DATAGRAM_HEAD : HEAD;
        return length <= inHead ? length : length - Math.min(length, pages(length - inHead));
    }

    /** What a sender is charged for a copied buffer of {@code length} bytes. */
    int charge(int length) {
        if (!isUnix()) {
            return length;
        }
        int head = head(length);
        int block = Math.max(SMALLEST_HEAD, Integer.highestOneBit(head + HEAD_COST - 1) << 1);
        return BUFFER_COST + block + (length == head ? 0 : pages(length - head));
    }

    /** What a sender is charged for a buffer that refers to pages. */
    int chargeForPages(int length, int slots) {
        return isUnix() ? BUFFER_COST + SMALLEST_HEAD + length : length + slots * REFERENCE_COST;
    }

    private static int pages(int length) {
        return (length + Page.SIZE - 1) / Page.SIZE * Page.SIZE;
    }
}
