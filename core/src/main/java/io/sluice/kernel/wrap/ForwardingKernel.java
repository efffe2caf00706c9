// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.wrap;

import io.sluice.kernel.Capabilities;
import io.sluice.kernel.EpollEvents;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Offset;
import io.sluice.kernel.Stat;
import java.lang.foreign.MemorySegment;
import java.net.SocketAddress;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A kernel that passes every call on to another. A wrapper overrides {@link #around} to stand around all calls, or
 * single calls to change their arguments; what it leaves alone goes through, features and capabilities too.
 *
 * <p>For tests and tools: each call makes a few small objects, which the kernels themselves never do.
 */
public abstract class ForwardingKernel implements Kernel {
    /** The kernel that answers. */
    protected final Kernel inner;

    /** Wraps {@code inner}, which is closed with this one. */
    protected ForwardingKernel(Kernel inner) {
        this.inner = Objects.requireNonNull(inner);
    }

    /**
     * Stands around each call; here it only makes it.
     *
     * @param name the call's name in the manual ({@code "epoll_wait"}); {@code "fionread"} and {@code "ficlone"} for
     *     the two ioctls
     * @param call makes the call on the inner kernel; to refuse a call, answer without it
     * @param arguments the method's own, in its order; what the call fills in is there when {@code call} has answered
     */
    protected long around(String name, LongSupplier call, @Nullable Object... arguments) {
        return call.getAsLong();
    }

    // Pipes and the splice family.

    @Override
    public long pipe2(int[] fds, int flags) {
        return around("pipe2", () -> inner.pipe2(fds, flags), fds, flags);
    }

    @Override
    public long splice(int fdIn, @Nullable Offset offIn, int fdOut, @Nullable Offset offOut, long len, int flags) {
        return around(
                "splice",
                () -> inner.splice(fdIn, offIn, fdOut, offOut, len, flags),
                fdIn,
                offIn,
                fdOut,
                offOut,
                len,
                flags);
    }

    @Override
    public long tee(int fdIn, int fdOut, long len, int flags) {
        return around("tee", () -> inner.tee(fdIn, fdOut, len, flags), fdIn, fdOut, len, flags);
    }

    @Override
    public long vmsplice(int fd, List<MemorySegment> iov, int flags) {
        return around("vmsplice", () -> inner.vmsplice(fd, iov, flags), fd, iov, flags);
    }

    // Reading and writing.

    @Override
    public long read(int fd, MemorySegment buffer) {
        return around("read", () -> inner.read(fd, buffer), fd, buffer);
    }

    @Override
    public long write(int fd, MemorySegment buffer) {
        return around("write", () -> inner.write(fd, buffer), fd, buffer);
    }

    @Override
    public long readv(int fd, List<MemorySegment> iov) {
        return around("readv", () -> inner.readv(fd, iov), fd, iov);
    }

    @Override
    public long writev(int fd, List<MemorySegment> iov) {
        return around("writev", () -> inner.writev(fd, iov), fd, iov);
    }

    @Override
    public long pread(int fd, MemorySegment buffer, long offset) {
        return around("pread", () -> inner.pread(fd, buffer, offset), fd, buffer, offset);
    }

    @Override
    public long pwrite(int fd, MemorySegment buffer, long offset) {
        return around("pwrite", () -> inner.pwrite(fd, buffer, offset), fd, buffer, offset);
    }

    @Override
    public long pwritev(int fd, List<MemorySegment> iov, long offset) {
        return around("pwritev", () -> inner.pwritev(fd, iov, offset), fd, iov, offset);
    }

    @Override
    public long recv(int fd, MemorySegment buffer, int flags) {
        return around("recv", () -> inner.recv(fd, buffer, flags), fd, buffer, flags);
    }

    @Override
    public long send(int fd, MemorySegment buffer, int flags) {
        return around("send", () -> inner.send(fd, buffer, flags), fd, buffer, flags);
    }

    // Moving without a pipe of one's own.

    @Override
    public long sendfile(int outFd, int inFd, @Nullable Offset offset, long count) {
        return around("sendfile", () -> inner.sendfile(outFd, inFd, offset, count), outFd, inFd, offset, count);
    }

    @Override
    public long copyFileRange(
            int fdIn, @Nullable Offset offIn, int fdOut, @Nullable Offset offOut, long len, int flags) {
        return around(
                "copy_file_range",
                () -> inner.copyFileRange(fdIn, offIn, fdOut, offOut, len, flags),
                fdIn,
                offIn,
                fdOut,
                offOut,
                len,
                flags);
    }

    @Override
    public long ficlone(int destinationFd, int sourceFd) {
        return around("ficlone", () -> inner.ficlone(destinationFd, sourceFd), destinationFd, sourceFd);
    }

    // Files and descriptors.

    @Override
    public long open(String path, int flags, int mode) {
        return around("open", () -> inner.open(path, flags, mode), path, flags, mode);
    }

    @Override
    public long memfdCreate(String name, int flags) {
        return around("memfd_create", () -> inner.memfdCreate(name, flags), name, flags);
    }

    @Override
    public long mkfifo(String path, int mode) {
        return around("mkfifo", () -> inner.mkfifo(path, mode), path, mode);
    }

    @Override
    public long unlink(String path) {
        return around("unlink", () -> inner.unlink(path), path);
    }

    @Override
    public long close(int fd) {
        return around("close", () -> inner.close(fd), fd);
    }

    @Override
    public long dup(int fd) {
        return around("dup", () -> inner.dup(fd), fd);
    }

    @Override
    public long fcntl(int fd, int command, int argument) {
        return around("fcntl", () -> inner.fcntl(fd, command, argument), fd, command, argument);
    }

    @Override
    public long fionread(int fd) {
        return around("fionread", () -> inner.fionread(fd), fd);
    }

    @Override
    public long lseek(int fd, long offset, int whence) {
        return around("lseek", () -> inner.lseek(fd, offset, whence), fd, offset, whence);
    }

    @Override
    public long fstat(int fd, Stat stat) {
        return around("fstat", () -> inner.fstat(fd, stat), fd, stat);
    }

    @Override
    public long ftruncate(int fd, long length) {
        return around("ftruncate", () -> inner.ftruncate(fd, length), fd, length);
    }

    @Override
    public long fallocate(int fd, int mode, long offset, long length) {
        return around("fallocate", () -> inner.fallocate(fd, mode, offset, length), fd, mode, offset, length);
    }

    @Override
    public long fsync(int fd) {
        return around("fsync", () -> inner.fsync(fd), fd);
    }

    // Sockets.

    @Override
    public long socket(int domain, int type, int protocol) {
        return around("socket", () -> inner.socket(domain, type, protocol), domain, type, protocol);
    }

    @Override
    public long socketpair(int domain, int type, int protocol, int[] fds) {
        return around("socketpair", () -> inner.socketpair(domain, type, protocol, fds), domain, type, protocol, fds);
    }

    @Override
    public long bind(int fd, SocketAddress address) {
        return around("bind", () -> inner.bind(fd, address), fd, address);
    }

    @Override
    public long listen(int fd, int backlog) {
        return around("listen", () -> inner.listen(fd, backlog), fd, backlog);
    }

    @Override
    public long connect(int fd, SocketAddress address) {
        return around("connect", () -> inner.connect(fd, address), fd, address);
    }

    @Override
    public long accept4(int fd, int flags) {
        return around("accept4", () -> inner.accept4(fd, flags), fd, flags);
    }

    @Override
    public long shutdown(int fd, int how) {
        return around("shutdown", () -> inner.shutdown(fd, how), fd, how);
    }

    @Override
    public long setsockopt(int fd, int level, int name, int... value) {
        return around("setsockopt", () -> inner.setsockopt(fd, level, name, value), fd, level, name, value);
    }

    @Override
    public long getsockopt(int fd, int level, int name, int[] value) {
        return around("getsockopt", () -> inner.getsockopt(fd, level, name, value), fd, level, name, value);
    }

    @Override
    public long getsockname(int fd, SocketAddress[] out) {
        return around("getsockname", () -> inner.getsockname(fd, out), fd, out);
    }

    @Override
    public long getpeername(int fd, SocketAddress[] out) {
        return around("getpeername", () -> inner.getpeername(fd, out), fd, out);
    }

    // Readiness.

    @Override
    public long poll(int fd, int events, int timeoutMillis) {
        return around("poll", () -> inner.poll(fd, events, timeoutMillis), fd, events, timeoutMillis);
    }

    @Override
    public long epollCreate1(int flags) {
        return around("epoll_create1", () -> inner.epollCreate1(flags), flags);
    }

    @Override
    public long epollCtl(int epfd, int operation, int fd, int events, long data) {
        return around(
                "epoll_ctl",
                () -> inner.epollCtl(epfd, operation, fd, events, data),
                epfd,
                operation,
                fd,
                events,
                data);
    }

    @Override
    public long epollWait(int epfd, EpollEvents events, int timeoutMillis) {
        return around("epoll_wait", () -> inner.epollWait(epfd, events, timeoutMillis), epfd, events, timeoutMillis);
    }

    @Override
    public long eventfd(int initial, int flags) {
        return around("eventfd", () -> inner.eventfd(initial, flags), initial, flags);
    }

    // Memory.

    @Override
    public long mmap(long length, boolean hugePages, MemorySegment[] out) {
        return around("mmap", () -> inner.mmap(length, hugePages, out), length, hugePages, out);
    }

    @Override
    public long munmap(MemorySegment segment) {
        return around("munmap", () -> inner.munmap(segment), segment);
    }

    // About this kernel.

    @Override
    public Capabilities capabilities() {
        return inner.capabilities();
    }

    @Override
    public <T> Optional<T> feature(Class<T> type) {
        return inner.feature(type);
    }

    @Override
    public void close() {
        inner.close();
    }
}
