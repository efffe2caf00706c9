// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.SEEK_CUR;
import static io.sluice.kernel.Flags.SEEK_SET;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * What a path names: a file, a FIFO, a terminal or another device. Transfers read and write at the file's position and
 * advance it.
 *
 * <p>Bytes that leave a file for a pipe or socket go by reference: until they are read at the far end, a change of the
 * file changes them too [E09]. {@link Transfer#stable} copies instead.
 */
public final class FileEnd extends End implements Source, Sink {
    FileEnd(Sluice sluice, int fd, String name) {
        super(sluice, fd, name);
    }

    /** Bytes in the file, as fstat(2) tells: 0 for what is no regular file. */
    public long sizeBytes() throws IOException {
        return stat().size();
    }

    /** Where the next transfer reads or writes, in bytes from the start. */
    public long position() throws IOException {
        return use("lseek", fd -> kernel().lseek(fd, 0, SEEK_CUR));
    }

    /** Moves the position. */
    public void position(long offset) throws IOException {
        use("lseek", fd -> kernel().lseek(fd, offset, SEEK_SET));
    }

    /** Sets the file's length in bytes; what is cut off is lost, what is added is a hole. */
    public void truncate(long bytes) throws IOException {
        use("ftruncate", fd -> kernel().ftruncate(fd, bytes));
    }

    /** Brings what was written to the device; fsync(2). */
    public void sync() throws IOException {
        use("fsync", kernel()::fsync);
    }

    /** Reads what is there; -1 at the end. */
    @Override
    public long read(MemorySegment buffer) throws IOException {
        return readSome(buffer);
    }

    @Override
    public int read(ByteBuffer buffer) throws IOException {
        return readSome(buffer);
    }

    /** Writes all of {@code buffer}. */
    @Override
    public void write(MemorySegment buffer) throws IOException {
        writeAll(buffer);
    }

    @Override
    public int write(ByteBuffer buffer) throws IOException {
        return writeAll(buffer);
    }

    @Override
    public void close() {
        descriptor().close();
    }
}
