// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.Channel;
import java.nio.channels.IllegalBlockingModeException;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.SelectableChannel;
import java.nio.channels.WritableByteChannel;

/**
 * Ends over streams and channels that have no descriptor, or none that the kernel below knows: their bytes are copied,
 * by their own methods, on the thread of a {@link CodeSource} or {@link CodeSink}. They stay their owner's to close.
 */
final class CopiedStreams {
    private CopiedStreams() {}

    static CodeSource source(Sluice sluice, InputStream in) throws IOException {
        byte[] array = new byte[CodeThread.BYTES];
        return CodeSource.start(sluice, nameOf(in), room -> {
            int count = in.read(array);
            if (count > 0) {
                MemorySegment.copy(array, 0, room, JAVA_BYTE, 0, count);
            }
            return count;
        });
    }

    /** Flushed at the end: what the last bytes are stuck in would look like a transfer that lost them. */
    static CodeSink sink(Sluice sluice, OutputStream out) throws IOException {
        byte[] array = new byte[CodeThread.BYTES];
        ByteTarget writing = bytes -> {
            int count = (int) bytes.byteSize();
            MemorySegment.copy(bytes, JAVA_BYTE, 0, array, 0, count);
            out.write(array, 0, count);
            if (out instanceof PrintStream silent && silent.checkError()) {
                throw new IOException("the PrintStream has failed and does not say why");
            }
        };
        return CodeSink.start(sluice, nameOf(out), writing, out::flush);
    }

    static CodeSource source(Sluice sluice, ReadableByteChannel channel) throws IOException {
        requireBlocking(channel);
        return CodeSource.start(sluice, nameOf(channel), room -> channel.read(room.asByteBuffer()));
    }

    static CodeSink sink(Sluice sluice, WritableByteChannel channel) throws IOException {
        requireBlocking(channel);
        ByteTarget writing = bytes -> {
            ByteBuffer left = bytes.asByteBuffer();
            while (left.hasRemaining()) {
                if (channel.write(left) == 0) {
                    throw new IllegalBlockingModeException();
                }
            }
        };
        return CodeSink.start(sluice, nameOf(channel), writing, () -> {});
    }

    /** One that has nothing yet, or no room, answers 0, and there is nobody to say when that has changed. */
    private static void requireBlocking(Channel channel) {
        if (channel instanceof SelectableChannel selectable && !selectable.isBlocking()) {
            throw new IllegalBlockingModeException();
        }
    }

    private static String nameOf(Object foreign) {
        return "copied " + foreign.getClass().getName();
    }
}
