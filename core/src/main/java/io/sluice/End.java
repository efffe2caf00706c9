// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.EPOLLIN;
import static io.sluice.kernel.Flags.EPOLLOUT;
import static io.sluice.kernel.Flags.F_GETPIPE_SZ;
import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;

import io.sluice.flow.Descriptor;
import io.sluice.flow.Endpoint;
import io.sluice.flow.Lending;
import io.sluice.flow.Passage;
import io.sluice.flow.Poller;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.ProcessDescriptors;
import io.sluice.kernel.Stat;
import java.io.File;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.Channel;
import java.nio.channels.ClosedChannelException;
import org.jspecify.annotations.Nullable;

/**
 * An owned end: whoever got it closes it, and closing it is what frees its descriptor.
 *
 * <p>Closing an end while another thread waits on it wakes that thread with {@link AsynchronousCloseException}; using a
 * closed end throws {@link ClosedChannelException}; the descriptor's number is not reused under a running call.
 * Interrupting a waiting thread ends its wait with {@link TransferInterruptedException} and leaves the end open.
 * Waiting parks platform and virtual threads alike and holds no carrier; the promise covers waiting for another side,
 * not for a disk. Safe for any thread, though two threads that read one end share its bytes out between them.
 */
public abstract sealed class End implements Channel
        permits PipeReader, PipeWriter, FileEnd, SocketEnd, CodeSource, CodeSink {
    final Sluice sluice;
    final Endpoint endpoint;
    private final String name;

    End(Sluice sluice, int fd, String name) {
        this(sluice, fd, name, null);
    }

    /** Of a pipe of ours, whose passage is known. */
    End(Sluice sluice, int fd, String name, @Nullable Passage passage) {
        this.sluice = sluice;
        this.name = name;
        this.endpoint = Endpoint.of(sluice.kernel(), new Descriptor(sluice.kernel(), fd), passage);
    }

    /** An end that takes the place of another, which must not be used by itself any more. */
    End(End replaced, String name) {
        this.sluice = replaced.sluice;
        this.name = name;
        this.endpoint = replaced.endpoint;
    }

    final Kernel kernel() {
        return sluice.kernel();
    }

    final Descriptor descriptor() {
        return endpoint.descriptor();
    }

    /** Whether it has not been closed. */
    @Override
    public final boolean isOpen() {
        return !descriptor().isClosed();
    }

    /**
     * Closes the end; those who wait on it are woken. Closing it again does nothing. Only an end over the caller's code
     * waits, and fails.
     */
    @Override
    public void close() throws IOException {
        descriptor().close();
    }

    /** What this end is, for messages: {@code "file /var/log/x"}. */
    @Override
    public final String toString() {
        return name;
    }

    /** What fstat(2) says of it now: two ends with equal device and number are the same file. */
    public final Stat stat() throws IOException {
        Stat stat = new Stat();
        use("fstat", fd -> kernel().fstat(fd, stat));
        return stat;
    }

    /**
     * Capacity in bytes of the pipe or FIFO that this is an end of: slots times the page size.
     *
     * @throws ErrnoException EBADF when it is none
     */
    public final int pipeCapacityBytes() throws IOException {
        return (int) use("fcntl F_GETPIPE_SZ", fd -> kernel().fcntl(fd, F_GETPIPE_SZ, 0));
    }

    /**
     * Asks for another capacity of the pipe or FIFO that this is an end of, for all who use it; {@link Pipe#resize}.
     *
     * @return the capacity in bytes that it has now
     */
    public final int resizePipe(int bytes) throws IOException {
        return (int) use("fcntl F_SETPIPE_SZ", fd -> kernel().fcntl(fd, F_SETPIPE_SZ, bytes));
    }

    /** A call on the descriptor. */
    interface Use {
        long call(int fd);
    }

    /** A call that does not wait; throws when it fails. */
    final long use(String call, Use use) throws IOException {
        enter();
        try {
            long result = use.call(endpoint.fd());
            if (result < 0) {
                throw new ErrnoException(call, result, name);
            }
            return result;
        } finally {
            descriptor().leave();
        }
    }

    /** A call that is repeated until it answers something else than "would block". */
    final long useWhenReady(String call, int events, Use use) throws IOException {
        enter();
        try {
            while (true) {
                long result = use.call(endpoint.fd());
                if (result >= 0) {
                    return result;
                }
                if (result == -Errno.EAGAIN) {
                    awaitReady(events, Poller.FOREVER, 0);
                } else if (result != -Errno.EINTR) {
                    throw new ErrnoException(call, result, name);
                }
            }
        } finally {
            descriptor().leave();
        }
    }

    /** Parks until the end is ready; false at the deadline. The descriptor is entered. */
    final boolean awaitReady(int events, long deadlineNanos, long bytesMoved) throws IOException {
        return switch (sluice.await(descriptor(), events, deadlineNanos, name)) {
            case READY -> true;
            case TIMED_OUT -> false;
            case INTERRUPTED -> throw new TransferInterruptedException(bytesMoved);
            case CLOSED -> throw new AsynchronousCloseException();
        };
    }

    /** The file that opens this end anew, with a description of its own: for child processes. */
    final File openedAnew() throws ClosedChannelException {
        requireOpen();
        return kernel().feature(ProcessDescriptors.class)
                .map(own -> new File(own.path(endpoint.fd())))
                .orElseThrow(() -> new UnsupportedOperationException(
                        "a child process can be given no end of a kernel in user space: " + name));
    }

    final void requireOpen() throws ClosedChannelException {
        if (!isOpen()) {
            throw new ClosedChannelException();
        }
    }

    final void enter() throws ClosedChannelException {
        if (!descriptor().enter()) {
            throw new ClosedChannelException();
        }
    }

    /** Reads what is there, waiting for the first byte; -1 at the end. */
    final long readSome(MemorySegment buffer) throws IOException {
        if (buffer.byteSize() == 0) {
            requireOpen();
            return 0;
        }
        long count = useWhenReady("read", EPOLLIN, _ -> endpoint.read(buffer));
        return count == 0 ? atEnd() : count;
    }

    /** As {@link java.nio.channels.ReadableByteChannel#read}. */
    final int readSome(ByteBuffer buffer) throws IOException {
        if (buffer.isReadOnly()) {
            throw new IllegalArgumentException("a read-only buffer has no room to read into");
        }
        if (!buffer.hasRemaining()) {
            requireOpen();
            return 0;
        }
        long count = useWhenReady("read", EPOLLIN, _ -> sluice.staging().read(endpoint, buffer));
        return (int) (count == 0 ? atEnd() : count);
    }

    /** What reading answers at the end: -1, unless the end is a failure in disguise. */
    long atEnd() throws IOException {
        return -1;
    }

    /** What has made a source end before its time; null when its end is its end. */
    @Nullable
    Throwable endedBy() {
        return null;
    }

    /** A transfer gives this sink up in the middle of the stream, which must not look like the end of it. */
    void giveUp() throws IOException {}

    /** A try to write; bytes, or -errno. */
    private interface Attempt {
        long write(long done);
    }

    /** Writes all of the buffer, waiting for room as often as needed. */
    final void writeAll(MemorySegment buffer) throws IOException {
        writeAll(buffer.byteSize(), done -> endpoint.write(buffer.asSlice(done)));
    }

    /** As {@link java.nio.channels.WritableByteChannel#write}, but always all of it. */
    final int writeAll(ByteBuffer buffer) throws IOException {
        int bytes = buffer.remaining();
        writeAll(bytes, _ -> sluice.staging().write(endpoint, buffer));
        return bytes;
    }

    private void writeAll(long bytes, Attempt attempt) throws IOException {
        long written = 0;
        enter();
        try {
            while (written < bytes) {
                long result = attempt.write(written);
                if (result >= 0) {
                    written += result;
                } else if (result == -Errno.EAGAIN) {
                    awaitReady(EPOLLOUT, Poller.FOREVER, written);
                } else if (result != -Errno.EINTR) {
                    throw new ErrnoException("write", result, name);
                }
            }
        } finally {
            descriptor().leave();
        }
    }

    /** Of a write end: lends all of {@code memory} to the pipe, waiting for room; what cannot be lent is copied. */
    void lend(MemorySegment memory, int flags, Lending lending) throws IOException {
        enter();
        try {
            while (lending.bytes() < memory.byteSize()) {
                MemorySegment rest = memory.asSlice(lending.bytes());
                // O_NONBLOCK does not count here, the flag alone does [K06].
                long result = lending.vmsplice(endpoint.fd(), rest, flags | SPLICE_F_NONBLOCK);
                if (result == -Errno.EAGAIN) {
                    awaitReady(EPOLLOUT, Poller.FOREVER, lending.bytes());
                } else if (Lending.isRefusal(result)) {
                    writeAll(rest);
                    return;
                } else if (result < 0 && result != -Errno.EINTR) {
                    throw new ErrnoException("vmsplice", result, name);
                }
            }
        } finally {
            descriptor().leave();
        }
    }
}
