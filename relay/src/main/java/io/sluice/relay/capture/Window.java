// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file through a window that moves forward. Ask {@link #has} before reading: it brings the bytes into the window, and
 * is the only place where the file's length is compared with what somebody claims. The file is as long as it was when
 * it was opened, though it may grow.
 */
final class Window implements Closeable {
    /** The most that may be asked for at once. */
    static final int MOST_BYTES = 4096;

    private static final int BUFFER_BYTES = 32 << 10;

    private final Path path;
    private final FileChannel channel;
    private final long sizeBytes;
    private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).limit(0);
    private long start;

    private Window(Path path, FileChannel channel) throws IOException {
        this.path = path;
        this.channel = channel;
        this.sizeBytes = channel.size();
    }

    static Window open(Path path) throws IOException {
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            throw new CaptureException(path + ": not a regular file; a replay reads it more than once");
        }
        try {
            FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
            boolean opened = false;
            try {
                Window window = new Window(path, channel);
                opened = true;
                return window;
            } finally {
                if (!opened) {
                    channel.close();
                }
            }
        } catch (NoSuchFileException e) {
            throw new CaptureException(path + ": there is no such file");
        }
    }

    Path path() {
        return path;
    }

    long sizeBytes() {
        return sizeBytes;
    }

    void order(ByteOrder order) {
        buffer.order(order);
    }

    /** Whether the file has so many bytes there; then they are in the window until the next call. */
    boolean has(long offset, int bytes) throws IOException {
        if (bytes > MOST_BYTES || offset < 0) {
            throw new IllegalArgumentException(bytes + " bytes at " + offset + " are none that a window shows");
        }
        if (offset >= start && offset + bytes <= start + buffer.limit()) {
            return true;
        }
        if (offset > sizeBytes - bytes) {
            return false;
        }
        buffer.clear();
        start = offset;
        buffer.limit((int) Math.min(BUFFER_BYTES, sizeBytes - offset));
        while (buffer.position() < bytes) {
            if (channel.read(buffer, start + buffer.position()) < 0) {
                break; // it has become shorter since
            }
        }
        buffer.flip();
        return buffer.limit() >= bytes;
    }

    int u8(long offset) {
        return buffer.get(index(offset)) & 0xff;
    }

    int u16(long offset) {
        return buffer.getShort(index(offset)) & 0xffff;
    }

    int s32(long offset) {
        return buffer.getInt(index(offset));
    }

    long u32(long offset) {
        return buffer.getInt(index(offset)) & 0xffff_ffffL;
    }

    long s64(long offset) {
        return buffer.getLong(index(offset));
    }

    /** The bytes themselves, in network order; good until the next {@link #has}. */
    ByteBuffer view(long offset, int bytes) {
        return buffer.slice(index(offset), bytes);
    }

    private int index(long offset) {
        return (int) (offset - start);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
