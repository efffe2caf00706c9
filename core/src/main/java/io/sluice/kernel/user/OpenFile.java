// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.ENODEV;
import static io.sluice.kernel.Errno.ENOTTY;
import static io.sluice.kernel.Errno.ESPIPE;
import static io.sluice.kernel.Flags.O_ACCMODE;
import static io.sluice.kernel.Flags.O_APPEND;
import static io.sluice.kernel.Flags.O_DIRECT;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_PATH;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.Flags.POLLIN;
import static io.sluice.kernel.Flags.POLLOUT;
import static io.sluice.kernel.Flags.POLLRDNORM;
import static io.sluice.kernel.Flags.POLLWRNORM;

import io.sluice.kernel.Offset;
import io.sluice.kernel.Stat;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An open file description: what descriptors that were duplicated share. It is kept open by its descriptors and by the
 * calls that run on it, so a close under a sleeping call ends the description only when the call returns [O08].
 *
 * <p>Each kind of file overrides what it can do; what it does not override answers as the kernel does for a file
 * without that operation. Access modes are checked by the caller, in the order in which the kernel checks them.
 */
abstract class OpenFile {
    private static final VarHandle REFERENCES;
    private static final VarHandle IOV;

    static {
        try {
            var lookup = MethodHandles.lookup();
            REFERENCES = lookup.findVarHandle(OpenFile.class, "references", int.class);
            IOV = lookup.findVarHandle(OpenFile.class, "iov", Iov.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    @SuppressWarnings("UnusedVariable") // by its handle alone
    private volatile int references = 1;

    @SuppressWarnings("UnusedVariable") // by its handle alone
    private volatile @Nullable Iov iov;

    private volatile int statusFlags;
    private final Set<Epoll> epolls = new HashSet<>(0); // guarded by itself

    /** Begins with one reference. {@code statusFlags}: access mode and status, as F_GETFL shows them. */
    OpenFile(int statusFlags) {
        this.statusFlags = statusFlags;
    }

    // Life.

    /** Takes a reference unless the last one is gone; answers whether it could. */
    final boolean acquire() {
        for (; ; ) {
            int now = references;
            if (now == 0) {
                return false;
            }
            if (REFERENCES.compareAndSet(this, now, now + 1)) {
                return true;
            }
        }
    }

    /** Gives a reference up; the last one closes the file. */
    final void release() {
        int left = (int) REFERENCES.getAndAdd(this, -1) - 1;
        if (left < 0) {
            throw new IllegalStateException(this + " is released too often (count " + left + ")");
        }
        if (left == 0) {
            leaveEpolls();
            closed();
        }
    }

    /** An epoll instance has an item for this file, to be forgotten when it closes. */
    final void watchedBy(Epoll epoll) {
        synchronized (epolls) {
            epolls.add(epoll);
        }
    }

    private void leaveEpolls() {
        List<Epoll> watching;
        synchronized (epolls) {
            watching = List.copyOf(epolls);
        }
        for (Epoll epoll : watching) {
            epoll.forget(this);
        }
    }

    /** The last reference is gone. */
    void closed() {}

    /** An iov for one call. Give it back with {@link #done}. */
    final Iov takeIov() {
        Iov spare = (Iov) IOV.getAndSet(this, null);
        return spare == null ? new Iov() : spare;
    }

    final void done(Iov used) {
        used.clear();
        IOV.setRelease(this, used);
    }

    // Status.

    final int statusFlags() {
        return statusFlags;
    }

    /** F_SETFL: replaces what {@code mask} covers. */
    final synchronized void setStatusFlags(int flags, int mask) {
        statusFlags = (statusFlags & ~mask) | (flags & mask);
    }

    final boolean has(int flag) {
        return (statusFlags & flag) != 0;
    }

    final boolean nonblocking() {
        return has(O_NONBLOCK);
    }

    final boolean appends() {
        return has(O_APPEND);
    }

    final boolean readable() {
        return (statusFlags & O_ACCMODE) != O_WRONLY && !has(O_PATH);
    }

    final boolean writable() {
        return (statusFlags & O_ACCMODE) != O_RDONLY && !has(O_PATH);
    }

    // What it is.

    /** The pipe of a pipe's end. */
    @Nullable
    Pipe pipe() {
        return null;
    }

    /** Whether pread, pwrite and offsets mean something here. */
    boolean seekable() {
        return false;
    }

    /** What a name in the tree can stand for; null for what never has one. */
    @Nullable
    Inode inode() {
        return null;
    }

    /** Whether the description has a position of its own that reads and writes move. */
    boolean hasPosition() {
        return false;
    }

    /** Where the next read or write is; 0 for what has no position. */
    long position() {
        return 0;
    }

    abstract void stat(Stat stat);

    // Reading and writing.

    long read(Iov to, boolean nonblocking) {
        return -EINVAL;
    }

    long write(Iov from, boolean nonblocking) {
        return -EINVAL;
    }

    long pread(Iov to, long offset) {
        return -ESPIPE;
    }

    long pwrite(Iov from, long offset) {
        return -ESPIPE;
    }

    long fionread() {
        return -ENOTTY;
    }

    long seek(long offset, int whence) {
        return -ESPIPE;
    }

    long truncate(long length) {
        return -EINVAL;
    }

    long allocate(int mode, long offset, long length) {
        return -ENODEV;
    }

    long sync() {
        return -EINVAL;
    }

    /** Whether F_SETFL may set these flags here: 0 or -errno. Only some files take O_DIRECT. */
    long mayChangeStatus(int flags) {
        return pipe() == null && (flags & O_DIRECT) != 0 ? -EINVAL : 0;
    }

    /** fcntl commands of this kind of file alone. */
    long control(int command, int argument) {
        return -EINVAL;
    }

    // Splicing, with this file on the side that is no pipe.

    /** Whether this kind of file can be a source of splice(2). */
    boolean splicesOut() {
        return false;
    }

    /** Whether this kind of file can be a sink of splice(2). */
    boolean splicesIn() {
        return false;
    }

    /**
     * Moves up to {@code len} bytes into free slots of a pipe, whose lock is held and which has at least one free slot.
     *
     * @param offset where to read, advanced by the result; null: the description's own position, or a stream
     * @return bytes moved, 0 at the end of the file, -EAGAIN when there is nothing yet, or another -errno
     */
    long fillLocked(Pipe pipe, @Nullable Offset offset, long len) {
        return -EINVAL;
    }

    /**
     * Moves up to {@code len} bytes out of a pipe, whose lock is held and which is not empty. What is taken is
     * consumed.
     *
     * @param offset where to write, advanced by the result; null: the description's own position, or a stream
     * @return bytes moved, -EAGAIN when there is no room yet, or another -errno; never 0
     */
    long drainLocked(Pipe pipe, @Nullable Offset offset, long len, int flags) {
        return -EINVAL;
    }

    /**
     * Whether splice(2) waits for a source of this kind. {@code nonblocking}: SPLICE_F_NONBLOCK, or the pipe's
     * O_NONBLOCK.
     */
    boolean waitsAsSource(boolean nonblocking) {
        return !nonblocking();
    }

    /**
     * Sleeps, or does input, until {@link #fillLocked} with the same arguments may find something. No lock is held.
     * Returns 0 or -errno.
     */
    long awaitReadable(@Nullable Offset offset, long len) {
        return -EAGAIN;
    }

    /** The call that filled is over: what {@link #awaitReadable} got ready and nobody took can go. */
    void endFill() {}

    /** Whether a pipe is drained by {@link #writeClaim}, because writing may take long. */
    boolean drainsUnlocked() {
        return false;
    }

    /**
     * Writes a pipe's oldest bytes, which nobody else takes meanwhile. No lock is held.
     *
     * @return bytes written, which will be consumed, or -errno
     */
    long writeClaim(Claim claim, @Nullable Offset offset) {
        return -EINVAL;
    }

    /** Sleeps until {@link #drainLocked} may find room. Returns 0 or -errno. */
    long awaitWritable() {
        return -EAGAIN;
    }

    // Readiness.

    /** What poll(2) answers now. Files that are always ready do not override it. */
    int readiness() {
        return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
    }

    /** Begins to tell {@code watch} of changes; answers false for a file that epoll does not take (EPERM). */
    boolean watch(Watch watch) {
        return false;
    }

    void unwatch(Watch watch) {}
}
