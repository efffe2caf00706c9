// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/** A temporary file for pages of {@link Track}s; there only if one is needed. Written by one thread, read by any. */
final class Spill implements Closeable {
    private @Nullable FileChannel file;
    private long end;

    /** Answers where the page is. */
    long write(long[] page) throws IOException {
        FileChannel channel = file;
        if (channel == null) {
            Path path = Files.createTempFile("sluice-index", null);
            channel = FileChannel.open(
                    path, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE);
            file = channel;
        }
        ByteBuffer bytes = ByteBuffer.allocate(page.length * Long.BYTES);
        bytes.asLongBuffer().put(page);
        long at = end;
        while (bytes.hasRemaining()) {
            end += channel.write(bytes, end);
        }
        return at;
    }

    void read(long at, long[] page) throws IOException {
        FileChannel channel = file;
        if (channel == null) {
            throw new IllegalStateException("nothing was written");
        }
        ByteBuffer bytes = ByteBuffer.allocate(page.length * Long.BYTES);
        while (bytes.hasRemaining()) {
            if (channel.read(bytes, at + bytes.position()) < 0) {
                throw new EOFException("the index of the capture has become shorter");
            }
        }
        bytes.flip().asLongBuffer().get(page);
    }

    @Override
    public void close() throws IOException {
        FileChannel channel = file;
        if (channel != null) {
            channel.close();
        }
    }
}
