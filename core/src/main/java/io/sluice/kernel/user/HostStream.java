// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Flags.POLLERR;
import static io.sluice.kernel.Flags.POLLHUP;
import static io.sluice.kernel.Flags.POLLIN;
import static io.sluice.kernel.Flags.POLLOUT;
import static io.sluice.kernel.Flags.POLLRDNORM;
import static io.sluice.kernel.Flags.POLLWRNORM;

import io.sluice.kernel.Offset;
import io.sluice.kernel.Stat;
import java.nio.channels.Channel;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A stream of the host that is no pipe here: a terminal, a standard stream, a FIFO open both ways. A pump and a pipe
 * inside stand for each direction. Nothing is read from the host before the first call asks.
 */
final class HostStream extends OpenFile {
    private final HostThreads threads;
    private final Channel channel;
    private final boolean closes;
    private final HostAttributes attributes;
    private final @Nullable Pipe in;
    private final @Nullable Pipe out;
    private final AtomicBoolean reading = new AtomicBoolean();

    /**
     * A stream by its channel, which is readable and writable as the access mode says.
     *
     * @param closes whether the channel ends with this description; the process's own streams do not
     */
    HostStream(
            Resources resources,
            HostThreads threads,
            Channel channel,
            boolean closes,
            HostAttributes attributes,
            int statusFlags) {
        super(statusFlags);
        this.threads = threads;
        this.channel = channel;
        this.closes = closes;
        this.attributes = attributes;
        in = readable() ? Pipe.withBothEnds(resources) : null;
        out = writable() ? Pipe.withBothEnds(resources) : null;
        if (out != null && channel instanceof WritableByteChannel sink) {
            threads.startWriting(() -> {
                HostPump.writeFrom(out, sink);
                if (in == null && closes) {
                    HostPump.close(channel);
                }
            });
        }
    }

    private @Nullable Pipe in() {
        if (in != null && channel instanceof ReadableByteChannel source && reading.compareAndSet(false, true)) {
            threads.start(() -> HostPump.readInto(in, source));
        }
        return in;
    }

    @Override
    void closed() {
        if (out != null) {
            out.closeEnd(false, true);
        }
        if (in != null) {
            in.closeEnd(true, !reading.getAndSet(true));
            if (closes) {
                threads.start(() -> HostPump.close(channel));
            }
        }
    }

    @Override
    void stat(Stat stat) {
        attributes.store(stat);
    }

    @Override
    long read(Iov to, boolean nonblocking) {
        Pipe source = in();
        return source == null ? super.read(to, nonblocking) : source.read(to, nonblocking);
    }

    @Override
    long write(Iov from, boolean nonblocking) {
        return out == null ? super.write(from, nonblocking) : out.write(from, this);
    }

    @Override
    long fionread() {
        Pipe source = in();
        return source == null ? super.fionread() : source.fionread();
    }

    @Override
    boolean splicesOut() {
        return in != null;
    }

    @Override
    boolean splicesIn() {
        return out != null;
    }

    // The pipes inside are locked alone or after the caller's, so there is no order to keep among them.

    @Override
    long fillLocked(Pipe pipe, @Nullable Offset offset, long len) {
        Pipe source = in();
        if (source == null) {
            return super.fillLocked(pipe, offset, len);
        }
        source.lock();
        try {
            long moved = Splice.moveLocked(source, pipe, len);
            return moved > 0 ? moved : source.hasWriterLocked() ? -EAGAIN : source.endLocked();
        } finally {
            source.unlock();
        }
    }

    @Override
    long awaitReadable(@Nullable Offset offset, long len) {
        Pipe source = in();
        if (source == null) {
            return super.awaitReadable(offset, len);
        }
        source.lock();
        try {
            return Math.min(source.awaitDataLocked(false), 0);
        } finally {
            source.unlock();
        }
    }

    @Override
    boolean waitsAsSource(boolean nonblocking) {
        return !nonblocking && !nonblocking();
    }

    @Override
    long drainLocked(Pipe pipe, @Nullable Offset offset, long len, int flags) {
        if (out == null) {
            return super.drainLocked(pipe, offset, len, flags);
        }
        out.lock();
        try {
            if (!out.hasReaderLocked()) {
                return out.brokenPipe();
            }
            long moved = Splice.moveLocked(pipe, out, len);
            return moved > 0 ? moved : -EAGAIN;
        } finally {
            out.unlock();
        }
    }

    @Override
    long awaitWritable() {
        if (out == null) {
            return super.awaitWritable();
        }
        out.lock();
        try {
            return out.awaitRoomLocked(false);
        } finally {
            out.unlock();
        }
    }

    @Override
    int readiness() {
        int ready = 0;
        Pipe source = in();
        if (source != null) {
            source.lock();
            ready |= source.ring.isEmpty() && source.hasWriterLocked() ? 0 : POLLIN | POLLRDNORM;
            ready |= source.hasWriterLocked() ? 0 : POLLHUP;
            source.unlock();
        }
        if (out != null) {
            out.lock();
            ready |= out.ring.isFull() ? 0 : POLLOUT | POLLWRNORM;
            ready |= out.hasReaderLocked() ? 0 : POLLERR;
            out.unlock();
        }
        return ready;
    }

    @Override
    boolean watch(Watch watch) {
        Pipe source = in();
        if (source != null) {
            source.watch(watch, true, false);
        }
        if (out != null) {
            out.watch(watch, false, true);
        }
        return true;
    }

    @Override
    void unwatch(Watch watch) {
        if (in != null) {
            in.unwatch(watch);
        }
        if (out != null) {
            out.unwatch(watch);
        }
    }

    @Override
    public String toString() {
        return "stream of the host";
    }
}
