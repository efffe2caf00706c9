// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** One packet as a file has it. Each reader has one, which its next packet overwrites. */
final class Packet {
    /** So much of a packet is looked at: link, IP with extension headers, TCP. The payload is not. */
    static final int HEAD_BYTES = 1024;

    /** No packet is larger; what claims to be is damage. The largest that Linux makes have 512 KiB. */
    static final int MOST_BYTES = 16 << 20;

    final Path path;
    final int file;
    long timeNanos;
    int linkType;
    long offset;
    int capturedBytes;
    long originalBytes;
    ByteBuffer head = ByteBuffer.allocate(0);
    long dropped;

    @Nullable
    String comment;

    Packet(Path path, int file) {
        this.path = path;
        this.file = file;
    }
}
