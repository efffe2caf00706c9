// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;

/**
 * An end that bytes come from. What is not to be moved but looked at can be read here, by copying it: into memory, as a
 * channel of java.nio, or as a stream.
 */
public sealed interface Source extends ReadableByteChannel permits PipeReader, FileEnd, SocketEnd, CodeSource {
    /**
     * Reads what is there, at least a byte; waits for it.
     *
     * @param buffer native memory, which is all that Linux takes
     * @return bytes read; -1 at the end; 0 when the buffer has no room
     * @throws IllegalArgumentException for memory of the heap on Linux, and for memory that is read-only there
     * @throws TransferInterruptedException when the thread is interrupted; the end stays open
     * @throws java.nio.channels.AsynchronousCloseException when the end is closed meanwhile
     * @throws ErrnoException when the system call fails
     */
    long read(MemorySegment buffer) throws IOException;

    /**
     * Reads what is there, at least a byte, into the buffer's rest; waits for it. Threads that read together share the
     * bytes out between them. The end is no {@link java.nio.channels.InterruptibleChannel}: an interrupt ends the wait
     * with {@link TransferInterruptedException}, clears the flag, and leaves the end open.
     *
     * @return bytes read; -1 at the end; 0 when the buffer has no room
     */
    @Override
    int read(ByteBuffer buffer) throws IOException;

    /**
     * This end as a stream, unbuffered: each read is a system call and takes no more than was asked for, so the end may
     * be used beside it. Closing the stream closes the end. Waits and fails as {@link #read(ByteBuffer)} does.
     */
    default InputStream asInputStream() {
        return Channels.newInputStream(this);
    }
}
