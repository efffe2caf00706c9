// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import io.sluice.relay.capture.Notice.Kind;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Path;

/** The packets of one file, one after the other, as long as it makes sense. */
abstract class PacketFile implements Closeable {
    final Window window;
    final Notices notices;
    final Packet packet;

    PacketFile(Window window, int number, Notices notices) {
        this.window = window;
        this.notices = notices;
        this.packet = new Packet(window.path(), number);
    }

    /**
     * Opens a capture of any kind.
     *
     * @param number the file's number among those that are read together
     * @throws CaptureException when it is none
     */
    static PacketFile open(Path path, int number, Notices notices) throws IOException {
        Window window = Window.open(path);
        boolean opened = false;
        try {
            PacketFile file = of(window, number, notices);
            opened = true;
            return file;
        } finally {
            if (!opened) {
                window.close();
            }
        }
    }

    private static PacketFile of(Window window, int number, Notices notices) throws IOException {
        window.order(ByteOrder.BIG_ENDIAN);
        if (window.sizeBytes() == 0) {
            notices.add(Kind.EMPTY, window.path(), 0, "");
            return new NoPackets(window, number, notices);
        }
        if (!window.has(0, 4)) {
            throw new CaptureException(
                    window.path() + ": not a capture; it has no more than " + window.sizeBytes() + " bytes");
        }
        int magic = window.s32(0);
        if (magic == PcapNgFile.SECTION_HEADER) {
            return new PcapNgFile(window, number, notices);
        }
        PcapFile classic = PcapFile.of(window, number, notices, magic);
        if (classic != null) {
            return classic;
        }
        throw new CaptureException(window.path() + ": not a capture; " + Strangers.describe(magic));
    }

    /** Moves on to the next packet; false at the end of what can be read. */
    abstract boolean next() throws IOException;

    /** The packet moved on to last. */
    final Packet packet() {
        return packet;
    }

    /** Says that the file ends within the packet or block that begins there. */
    final boolean cutShort(long offset) {
        notices.add(Kind.CUT_SHORT, window.path(), offset, "");
        return false;
    }

    final boolean damaged(long offset, String reason) {
        notices.add(Kind.DAMAGED, window.path(), offset, reason);
        return false;
    }

    /** Puts the packet's bytes into view. */
    final void show(long offset, int capturedBytes, long originalBytes) throws IOException {
        int head = Math.min(capturedBytes, Packet.HEAD_BYTES);
        if (!window.has(offset, head)) {
            throw new CaptureException(window.path() + ": has become shorter while it was read");
        }
        packet.offset = offset;
        packet.capturedBytes = capturedBytes;
        packet.originalBytes = Math.max(originalBytes, capturedBytes);
        packet.head = window.view(offset, head);
    }

    @Override
    public void close() throws IOException {
        window.close();
    }

    private static final class NoPackets extends PacketFile {
        NoPackets(Window window, int number, Notices notices) {
            super(window, number, notices);
        }

        @Override
        boolean next() {
            return false;
        }
    }
}
