// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import static io.sluice.kernel.Flags.O_CREAT;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.unix.FileDescriptor;
import io.sluice.flow.PipePool;
import io.sluice.flow.Poller;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * The door: joins two epoll channels, or sends what one receives to another or to a file, by splice. One serves a whole
 * application; it holds a poller (one daemon thread, started when something first waits) and a pool of pipes. Safe for
 * any thread, event loops included: nothing here blocks.
 *
 * <pre>{@code
 * // in channelRead, when the backend is known and connected; what was read so far goes first, as ever
 * backend.write(message);
 * splicer.join(context.channel(), backend).start();
 * }</pre>
 *
 * <p>Channels must be of Netty's epoll transport ({@code EpollSocketChannel}, {@code EpollDomainSocketChannel}), may
 * belong to different event loops, and must have no TLS handler in their pipelines: its bytes are not those of the
 * socket.
 */
public final class Splicer implements AutoCloseable {
    private final Kernel kernel;
    private final boolean ownsKernel;
    private final Poller poller;
    private final PipePool pool;

    // Guarded by this object's monitor.
    private final Set<Splice> running = new HashSet<>();
    private boolean closed;

    private Splicer(Kernel kernel, boolean ownsKernel) {
        this.kernel = Objects.requireNonNull(kernel);
        this.ownsKernel = ownsKernel;
        this.poller = new Poller(kernel);
        this.pool = new PipePool(kernel);
    }

    /**
     * Opens a splicer on the system's own kernel.
     *
     * @throws UnsupportedOperationException when that is not Linux, or native access is denied to
     *     {@code io.sluice.core}
     */
    public static Splicer open() {
        return new Splicer(new LinuxKernel(), true);
    }

    /**
     * Uses a kernel of the caller's choice, which stays the caller's to close: {@link LinuxKernel}, or a wrapper around
     * one. Netty's descriptors mean nothing to any other.
     */
    public static Splicer on(Kernel kernel) {
        return new Splicer(kernel, false);
    }

    /** Describes a splice in both directions; {@link ChannelSplice#start} begins it. */
    public ChannelSplice join(Channel first, Channel second) {
        return new ChannelSplice(this, first, Objects.requireNonNull(second), null, true);
    }

    /**
     * Describes a splice in both directions with a channel that is still being connected. The first is taken over at
     * once, so that nothing it receives meanwhile is lost, were it the end; when the connection fails, it is handed
     * back and the splice fails with the same cause.
     *
     * @param connecting what {@code Bootstrap.connect} has returned
     */
    public ChannelSplice join(Channel first, ChannelFuture connecting) {
        return join(first, connecting.channel()).after(connecting);
    }

    /**
     * Describes a splice in one direction. The other stays with the pipelines: what the sink receives is read as
     * before, and what is written to the source goes out, though only as far as its socket has room for it.
     */
    public ChannelSplice transfer(Channel source, Channel sink) {
        return new ChannelSplice(this, source, Objects.requireNonNull(sink), null, false);
    }

    /**
     * Describes a splice into a file, which is made if needed, and never cut.
     *
     * @param position where the first byte goes, in bytes from the start
     * @throws IllegalArgumentException when the position is negative
     * @throws ProviderMismatchException when the path belongs to another file system of Java's than the default one
     */
    public ChannelSplice transfer(Channel source, Path file, long position) {
        if (!file.getFileSystem().equals(FileSystems.getDefault())) { // outside it the same name is another file's
            throw new ProviderMismatchException(file + " is a path of " + file.getFileSystem());
        }
        return new ChannelSplice(this, source, null, new TargetFile(file.toString(), O_CREAT, position), false);
    }

    /**
     * Describes a splice into an open file, whose own position stays as it is. The splice opens the file anew, through
     * /proc/self/fd, so it must allow writing and stay open until the splice has ended; closing it is the caller's.
     *
     * @param position where the first byte goes, in bytes from the start
     * @throws IllegalArgumentException when the position is negative
     */
    public ChannelSplice transfer(Channel source, FileDescriptor file, long position) {
        return new ChannelSplice(
                this, source, null, new TargetFile("/proc/self/fd/" + file.intValue(), 0, position), false);
    }

    /**
     * Stops every splice that is running, as {@link SpliceFuture#stop} does, and lets go of everything when the last
     * has handed its channels back. Does not wait for that.
     */
    @Override
    public void close() {
        List<Splice> last;
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            last = List.copyOf(running);
        }
        last.forEach(Splice::stop);
        if (last.isEmpty()) {
            release();
        }
    }

    private void release() {
        poller.close();
        pool.close();
        if (ownsKernel) {
            kernel.close();
        }
    }

    // What a running splice needs.

    synchronized void started(Splice splice) {
        if (closed) {
            throw new IllegalStateException("the splicer is closed");
        }
        running.add(splice);
    }

    void ended(Splice splice) {
        boolean last;
        synchronized (this) {
            running.remove(splice);
            last = closed && running.isEmpty();
        }
        if (last) {
            release();
        }
    }

    Kernel kernel() {
        return kernel;
    }

    Poller poller() {
        return poller;
    }

    PipePool pool() {
        return pool;
    }
}
