// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;

/**
 * An end that bytes go to. What the caller has in memory can be written here, by copying it: from memory, as to a
 * channel of java.nio, or as to a stream.
 */
public sealed interface Sink extends WritableByteChannel permits PipeWriter, FileEnd, SocketEnd, CodeSink {
    /**
     * Writes all of {@code buffer}; waits for room.
     *
     * @param buffer native memory, which is all that Linux takes
     * @throws IllegalArgumentException for memory of the heap on Linux
     * @throws TransferInterruptedException when the thread is interrupted; it tells the bytes written, and the end
     *     stays open
     * @throws java.nio.channels.AsynchronousCloseException when the end is closed meanwhile
     * @throws ErrnoException when the system call fails: EPIPE when the reader is gone
     */
    void write(MemorySegment buffer) throws IOException;

    /**
     * Writes all of the buffer's rest; waits for room. The end is no {@link java.nio.channels.InterruptibleChannel}: an
     * interrupt ends the wait with {@link TransferInterruptedException}, clears the flag, and leaves the end open. The
     * buffer's position then is behind what was written, as after any failure.
     *
     * @return how many bytes the buffer had
     */
    @Override
    int write(ByteBuffer buffer) throws IOException;

    /**
     * This end as a stream, unbuffered: each write is a system call. Closing the stream closes the end. Waits and fails
     * as {@link #write(ByteBuffer)} does.
     */
    default OutputStream asOutputStream() {
        return Channels.newOutputStream(this);
    }
}
