// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel;

import java.lang.foreign.MemorySegment;
import java.net.SocketAddress;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The system calls of the splice family and the few around them, under their manual-page names.
 *
 * <p><b>Results.</b> Every call answers what the raw system call answers: a value of zero or more, or a negated errno
 * in Linux numbering ({@code -Errno.EAGAIN}). No method throws for an outcome of the call. Misuse of Java throws at
 * once: a null where none is allowed, an array that is too short, a heap segment where only native memory can be used.
 *
 * <p><b>Numbers.</b> Descriptors are small integers; lengths and offsets are bytes; flags and commands are those of
 * {@link Flags}, the same on every platform: an implementation translates where the machine below numbers them
 * differently.
 *
 * <p><b>Memory.</b> A segment whose arena is closed, or whose address is 0, is answered with {@code EFAULT}, in the
 * order in which the kernel would find the fault. A segment is held reachable and open while a call uses it. What
 * {@link #vmsplice} puts into a pipe is a reference: the memory must stay as it is until the bytes have been consumed.
 *
 * <p><b>Blocking.</b> A call blocks when the system call would: when neither the open file description (O_NONBLOCK) nor
 * the call (SPLICE_F_NONBLOCK, MSG_DONTWAIT) forbids it. On a real kernel a blocked call holds its carrier, so a
 * virtual thread calls only what cannot block.
 *
 * <p><b>Threads.</b> Any number of threads may call any method at any time.
 */
public interface Kernel extends AutoCloseable {

    // Pipes and the splice family.

    /**
     * Creates a pipe; pipe2(2), [A01]–[A08].
     *
     * @param fds receives the read end at index 0 and the write end at index 1; untouched on failure
     * @param flags any of O_CLOEXEC, O_NONBLOCK, O_DIRECT
     * @return 0 or -errno
     */
    long pipe2(int[] fds, int flags);

    /**
     * Moves bytes between two descriptors of which at least one is a pipe; splice(2), catalogue sections D to I.
     *
     * @param offIn where to read a seekable input, advanced by the result; null: the descriptor's own position
     * @param offOut where to write a seekable output, advanced by the result; null: the descriptor's own position
     * @param len bytes at most
     * @param flags any of SPLICE_F_MOVE, SPLICE_F_NONBLOCK, SPLICE_F_MORE, SPLICE_F_GIFT
     * @return bytes moved, 0 at the end of the input, or -errno
     */
    long splice(int fdIn, @Nullable Offset offIn, int fdOut, @Nullable Offset offOut, long len, int flags);

    /**
     * Duplicates up to {@code len} bytes from one pipe into another without consuming them; tee(2), section J.
     *
     * @return bytes duplicated, 0 when the source is empty and has no writer, or -errno
     */
    long tee(int fdIn, int fdOut, long len, int flags);

    /**
     * Puts references to user memory into a pipe, or copies a pipe's bytes into user memory, by the direction of the
     * end; vmsplice(2), sections K and L.
     *
     * @param fd a pipe's write end (memory to pipe) or read end (pipe to memory)
     * @param iov at most IOV_MAX (1024) segments
     * @return bytes moved or -errno
     */
    long vmsplice(int fd, List<MemorySegment> iov, int flags);

    // Reading and writing.

    /** Reads into {@code buffer}; read(2). Returns bytes read, 0 at the end, or -errno. */
    long read(int fd, MemorySegment buffer);

    /** Writes from {@code buffer}; write(2). Returns bytes written or -errno. */
    long write(int fd, MemorySegment buffer);

    /** Reads into several segments as one; readv(2). Returns bytes read, 0 at the end, or -errno. */
    long readv(int fd, List<MemorySegment> iov);

    /** Writes several segments as one; writev(2). Returns bytes written or -errno. */
    long writev(int fd, List<MemorySegment> iov);

    /** Reads at a byte offset, leaving the position alone; pread(2). Returns bytes read, 0 at the end, or -errno. */
    long pread(int fd, MemorySegment buffer, long offset);

    /** Writes at a byte offset, leaving the position alone; pwrite(2). Returns bytes written or -errno. */
    long pwrite(int fd, MemorySegment buffer, long offset);

    /** Writes several segments at a byte offset; pwritev(2). Returns bytes written or -errno. */
    long pwritev(int fd, List<MemorySegment> iov, long offset);

    /** Receives from a socket; recv(2). Returns bytes received, 0 at the end of a stream, or -errno. */
    long recv(int fd, MemorySegment buffer, int flags);

    /** Sends on a socket; send(2). Returns bytes accepted or -errno. */
    long send(int fd, MemorySegment buffer, int flags);

    // Moving without a pipe of one's own.

    /**
     * Sends a file's bytes to any descriptor; sendfile(2), [E28].
     *
     * @param offset where to read, advanced by the result; null: the input's own position
     * @return bytes sent, 0 at the end of the file, or -errno
     */
    long sendfile(int outFd, int inFd, @Nullable Offset offset, long count);

    /**
     * Copies between two files inside the kernel; copy_file_range(2). Returns bytes copied, 0 at the end, or -errno.
     */
    long copyFileRange(int fdIn, @Nullable Offset offIn, int fdOut, @Nullable Offset offOut, long len, int flags);

    /** Makes the destination share the source's blocks; ioctl_ficlone(2), a reflink. Returns 0 or -errno. */
    long ficlone(int destinationFd, int sourceFd);

    // Files and descriptors.

    /** Opens a path; open(2). Returns the descriptor or -errno. */
    long open(String path, int flags, int mode);

    /** Makes an anonymous file in memory; memfd_create(2). Returns the descriptor or -errno. */
    long memfdCreate(String name, int flags);

    /** Makes a FIFO; mkfifo(3), section Q. Returns 0 or -errno. */
    long mkfifo(String path, int mode);

    /** Removes a name; unlink(2). Returns 0 or -errno. */
    long unlink(String path);

    /** Closes a descriptor; close(2). Returns 0 or -errno; the number is free in every case but EBADF. */
    long close(int fd);

    /** Duplicates a descriptor to the lowest free number; dup(2). Returns the new descriptor or -errno. */
    long dup(int fd);

    /**
     * Descriptor and pipe commands with an integer argument; fcntl(2), section C. Returns the command's value or
     * -errno.
     */
    long fcntl(int fd, int command, int argument);

    /** Bytes that wait to be read; ioctl FIONREAD, [C08]. Returns the bytes or -errno. */
    long fionread(int fd);

    /** Moves a file's position; lseek(2). Returns the new position in bytes or -errno. */
    long lseek(int fd, long offset, int whence);

    /** Describes an open file; fstat(2). Fills {@code stat} and returns 0, or -errno. */
    long fstat(int fd, Stat stat);

    /** Sets a file's length in bytes; ftruncate(2). Returns 0 or -errno. */
    long ftruncate(int fd, long length);

    /** Allocates or punches out a range of a file; fallocate(2), [E27]. Returns 0 or -errno. */
    long fallocate(int fd, int mode, long offset, long length);

    /** Brings a file to its device; fsync(2). Returns 0 or -errno. */
    long fsync(int fd);

    // Sockets.

    /** Makes a socket; socket(2). Returns the descriptor or -errno. */
    long socket(int domain, int type, int protocol);

    /** Makes two connected sockets; socketpair(2). Fills {@code fds[0]} and {@code fds[1]}. Returns 0 or -errno. */
    long socketpair(int domain, int type, int protocol, int[] fds);

    /**
     * Gives a socket its address; bind(2). Returns 0 or -errno.
     *
     * @param address a resolved {@link java.net.InetSocketAddress} or a {@link java.net.UnixDomainSocketAddress}; any
     *     other kind answers EAFNOSUPPORT, an unresolved name or a path that is too long EINVAL
     */
    long bind(int fd, SocketAddress address);

    /** Begins to accept connections; listen(2). Returns 0 or -errno. */
    long listen(int fd, int backlog);

    /** Connects a socket; connect(2), addresses as for {@link #bind}. Returns 0 or -errno. */
    long connect(int fd, SocketAddress address);

    /** Takes the next connection; accept4(2) with SOCK_NONBLOCK and SOCK_CLOEXEC. Returns its descriptor or -errno. */
    long accept4(int fd, int flags);

    /** Ends one or both directions; shutdown(2) with SHUT_RD, SHUT_WR, SHUT_RDWR. Returns 0 or -errno. */
    long shutdown(int fd, int how);

    /** Sets an integer option; setsockopt(2). SO_LINGER takes two values: on and seconds. Returns 0 or -errno. */
    long setsockopt(int fd, int level, int name, int... value);

    /**
     * Reads an integer option; getsockopt(2). Fills {@code value} and returns how many integers there were, or -errno.
     */
    long getsockopt(int fd, int level, int name, int[] value);

    /** The socket's own address; getsockname(2). Fills {@code out[0]} and returns 0, or -errno. */
    long getsockname(int fd, SocketAddress[] out);

    /** The peer's address; getpeername(2). Fills {@code out[0]} and returns 0, or -errno. */
    long getpeername(int fd, SocketAddress[] out);

    // Readiness.

    /**
     * Waits for one descriptor; poll(2), section N.
     *
     * @param events POLLIN, POLLOUT, POLLRDHUP
     * @param timeoutMillis -1: no limit; 0: only looks
     * @return the events that hold (POLLERR, POLLHUP, POLLNVAL among them), 0 at the timeout, or -errno
     */
    long poll(int fd, int events, int timeoutMillis);

    /** Makes an epoll instance; epoll_create1(2). Returns the descriptor or -errno. */
    long epollCreate1(int flags);

    /**
     * Adds, changes or removes interest; epoll_ctl(2). {@code data} comes back with the events. Returns 0 or -errno.
     */
    long epollCtl(int epfd, int operation, int fd, int events, long data);

    /** Waits for events; epoll_wait(2). Fills {@code events} and returns how many there are, or -errno. */
    long epollWait(int epfd, EpollEvents events, int timeoutMillis);

    /** Makes an event counter; eventfd(2). Returns the descriptor or -errno. */
    long eventfd(int initial, int flags);

    // Memory.

    /**
     * Maps zeroed private memory, page-aligned; mmap(2) with MAP_PRIVATE and MAP_ANONYMOUS. Untouched pages have no
     * memory of their own yet: write to them before {@link #vmsplice} ([K15]).
     *
     * @param length bytes; rounded up to whole pages
     * @param hugePages aligns to 2 MiB and asks for huge pages (madvise); a wish, never a failure
     * @param out receives the segment, accessible by any thread, at index 0
     * @return 0 or -errno
     */
    long mmap(long length, boolean hugePages, MemorySegment[] out);

    /**
     * Gives back what {@link #mmap} gave. The segment and its slices die: their use throws.
     *
     * @return 0; -EINVAL for a segment that is not a live and whole result of {@code mmap}; -EBUSY while another call
     *     uses it
     */
    long munmap(MemorySegment segment);

    // About this kernel.

    /** What works here, probed once at the first call and then remembered. */
    Capabilities capabilities();

    /** What only some kernels have. A wrapper passes the question on to the kernel that it wraps. */
    <T> Optional<T> feature(Class<T> type);

    /** Releases what the kernel object itself holds. Descriptors that callers opened stay theirs to close. */
    @Override
    void close();
}
