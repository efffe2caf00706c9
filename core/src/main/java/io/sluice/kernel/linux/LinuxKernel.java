// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.linux;

import static io.sluice.kernel.Flags.F_GETFL;
import static io.sluice.kernel.Flags.F_SETFL;
import static io.sluice.kernel.Flags.IOV_MAX;
import static io.sluice.kernel.Flags.O_ACCMODE;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.S_IFIFO;

import io.sluice.kernel.Capabilities;
import io.sluice.kernel.EpollEvents;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Offset;
import io.sluice.kernel.ProcessDescriptors;
import io.sluice.kernel.Stat;
import java.lang.foreign.MemorySegment;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The Linux kernel of this machine: each method is one system call, made once, without loop or policy.
 *
 * <p>Takes native segments only. A closed one is passed on as address 0, so that the kernel finds the fault (EFAULT) in
 * its own order of checks. Calls on the data path allocate nothing. Any number of threads may use one instance; a call
 * that sleeps holds its platform thread (a virtual thread's carrier).
 */
public final class LinuxKernel implements Kernel {
    private static final ProcessDescriptors OWN = fd -> "/proc/self/fd/" + fd;
    private static final long FIONREAD = 0x541B;
    private static final long FICLONE = 0x40049409;
    private static final long AT_FDCWD = -100;
    private static final long AT_EMPTY_PATH = 0x1000;
    private static final long STATX_BASIC_STATS = 0x7ff;
    private static final int STATX_BYTES = 256;
    private static final int MAX_OPTION_INTS = (Scratch.BLOCK_BYTES - 8) / 4;

    private final Abi abi = Abi.ofThisMachine();
    private final Scratch.Pool scratches = new Scratch.Pool();
    private final Mappings mappings = new Mappings();
    private final Rights rights = new Rights(scratches);
    private volatile @Nullable Capabilities capabilities;

    /**
     * Binds the system calls.
     *
     * @throws UnsupportedOperationException on another system than Linux on x86-64 or aarch64, or when native access is
     *     refused: the message names the flag that allows it
     */
    public LinuxKernel() {
        SystemCall.link();
    }

    // Pipes and the splice family.

    @Override
    public long pipe2(int[] fds, int flags) {
        Objects.checkFromIndexSize(0, 2, fds.length);
        Scratch s = scratches.take();
        try {
            long result = SystemCall.call(s, Numbers.PIPE2, s.blockAddress, abi.openFlags(flags), 0, 0, 0, 0);
            if (result == 0) {
                loadInts(s, 0, fds, 2);
            }
            return result;
        } finally {
            scratches.giveBack(s);
        }
    }

    @Override
    public long splice(int fdIn, @Nullable Offset offIn, int fdOut, @Nullable Offset offOut, long len, int flags) {
        return betweenOffsets(Numbers.SPLICE, fdIn, offIn, fdOut, offOut, len, flags);
    }

    @Override
    public long tee(int fdIn, int fdOut, long len, int flags) {
        Scratch s = scratches.take();
        try {
            return SystemCall.call(s, Numbers.TEE, fdIn, fdOut, len, flags, 0, 0);
        } finally {
            scratches.giveBack(s);
        }
    }

    @Override
    public long vmsplice(int fd, List<MemorySegment> iov, int flags) {
        if (anyReadOnly(iov) && isReadEnd(fd)) {
            throw new IllegalArgumentException("a read-only segment cannot be read into");
        }
        return vectored(Numbers.VMSPLICE, fd, iov, flags, false);
    }

    // Reading and writing.

    @Override
    public long read(int fd, MemorySegment buffer) {
        return buffered(Numbers.READ, fd, writable(buffer), 0);
    }

    @Override
    public long write(int fd, MemorySegment buffer) {
        return buffered(Numbers.WRITE, fd, buffer, 0);
    }

    @Override
    public long readv(int fd, List<MemorySegment> iov) {
        return vectored(Numbers.READV, fd, iov, 0, true);
    }

    @Override
    public long writev(int fd, List<MemorySegment> iov) {
        return vectored(Numbers.WRITEV, fd, iov, 0, false);
    }

    @Override
    public long pread(int fd, MemorySegment buffer, long offset) {
        return buffered(Numbers.PREAD64, fd, writable(buffer), offset);
    }

    @Override
    public long pwrite(int fd, MemorySegment buffer, long offset) {
        return buffered(Numbers.PWRITE64, fd, buffer, offset);
    }

    @Override
    public long pwritev(int fd, List<MemorySegment> iov, long offset) {
        return vectored(Numbers.PWRITEV, fd, iov, offset, false);
    }

    @Override
    public long recv(int fd, MemorySegment buffer, int flags) {
        return buffered(Numbers.RECVFROM, fd, writable(buffer), flags);
    }

    @Override
    public long send(int fd, MemorySegment buffer, int flags) {
        return buffered(Numbers.SENDTO, fd, buffer, flags);
    }

    // Moving without a pipe of one's own.

    @Override
    public long sendfile(int outFd, int inFd, @Nullable Offset offset, long count) {
        Scratch s = scratches.take();
        try {
            long result = SystemCall.call(s, Numbers.SENDFILE, outFd, inFd, s.in(offset), count, 0, 0);
            s.updateIn(offset);
            return result;
        } finally {
            scratches.giveBack(s);
        }
    }

    @Override
    public long copyFileRange(
            int fdIn, @Nullable Offset offIn, int fdOut, @Nullable Offset offOut, long len, int flags) {
        return betweenOffsets(Numbers.COPY_FILE_RANGE, fdIn, offIn, fdOut, offOut, len, flags);
    }

    @Override
    public long ficlone(int destinationFd, int sourceFd) {
        return plain(Numbers.IOCTL, destinationFd, FICLONE, sourceFd, 0);
    }

    // Files and descriptors.

    @Override
    public long open(String path, int flags, int mode) {
        return path(Numbers.OPENAT, path, abi.openFlags(flags), mode);
    }

    @Override
    public long memfdCreate(String name, int flags) {
        Scratch s = scratches.take();
        try {
            long string = s.string(name);
            return string < 0 ? string : SystemCall.call(s, Numbers.MEMFD_CREATE, string, flags, 0, 0, 0, 0);
        } finally {
            scratches.giveBack(s);
        }
    }

    @Override
    public long mkfifo(String path, int mode) {
        return path(Numbers.MKNODAT, path, S_IFIFO | (mode & 07777), 0);
    }

    @Override
    public long unlink(String path) {
        return path(Numbers.UNLINKAT, path, 0, 0);
    }

    @Override
    public long close(int fd) {
        return plain(Numbers.CLOSE, fd, 0, 0, 0);
    }

    @Override
    public long dup(int fd) {
        return plain(Numbers.DUP, fd, 0, 0, 0);
    }

    @Override
    public long fcntl(int fd, int command, int argument) {
        int translated = command == F_SETFL ? abi.openFlags(argument) : argument;
        long result = plain(Numbers.FCNTL, fd, command, translated, 0);
        return command == F_GETFL && result >= 0 ? abi.openFlags((int) result) : result;
    }

    @Override
    public long fionread(int fd) {
        Scratch s = scratches.take();
        try {
            long result = SystemCall.call(s, Numbers.IOCTL, fd, FIONREAD, s.blockAddress, 0, 0, 0);
            // Unsigned: a regular file with more than 2 GiB to go must not look like an errno.
            return result < 0 ? result : Integer.toUnsignedLong(s.block.getInt(0));
        } finally {
            scratches.giveBack(s);
        }
    }

    @Override
    public long lseek(int fd, long offset, int whence) {
        Scratch s = scratches.take();
        try {
            return SystemCall.call(s, Numbers.LSEEK, fd, offset, whence, 0, 0, 0);
        } finally {
            scratches.giveBack(s);
        }
    }

    /** By statx(2), whose structure is the same on every machine. */
    @Override
    public long fstat(int fd, Stat stat) {
        Objects.requireNonNull(stat);
        Scratch s = scratches.take();
        try {
            s.block.putLong(STATX_BYTES, 0); // the empty path
            long path = s.blockAddress + STATX_BYTES;
            int named = Math.max(fd, -1); // below it lies AT_FDCWD, which statx would describe
            long result =
                    SystemCall.call(s, Numbers.STATX, named, path, AT_EMPTY_PATH, STATX_BASIC_STATS, s.blockAddress, 0);
            if (result == 0) {
                loadStatx(s.block, stat);
            }
            return result;
        } finally {
            scratches.giveBack(s);
        }
    }

    private static void loadStatx(ByteBuffer statx, Stat stat) {
        stat.set(
                (long) statx.getInt(136) << 32 | Integer.toUnsignedLong(statx.getInt(140)),
                statx.getLong(32),
                Short.toUnsignedInt(statx.getShort(28)),
                statx.getInt(16),
                (long) statx.getInt(128) << 32 | Integer.toUnsignedLong(statx.getInt(132)),
                statx.getLong(40),
                statx.getInt(4),
                statx.getLong(112) * 1_000_000_000L + statx.getInt(120));
    }

    @Override
    public long ftruncate(int fd, long length) {
        return plain(Numbers.FTRUNCATE, fd, length, 0, 0);
    }

    @Override
    public long fallocate(int fd, int mode, long offset, long length) {
        return plain(Numbers.FALLOCATE, fd, mode, offset, length);
    }

    @Override
    public long fsync(int fd) {
        return plain(Numbers.FSYNC, fd, 0, 0, 0);
    }

    // Sockets.

    @Override
    public long socket(int domain, int type, int protocol) {
        return plain(Numbers.SOCKET, domain, type, protocol, 0);
    }

    @Override
    public long socketpair(int domain, int type, int protocol, int[] fds) {
        Objects.checkFromIndexSize(0, 2, fds.length);
        Scratch s = scratches.take();
        try {
            long result = SystemCall.call(s, Numbers.SOCKETPAIR, domain, type, protocol, s.blockAddress, 0, 0);
            if (result == 0) {
                loadInts(s, 0, fds, 2);
            }
            return result;
        } finally {
            scratches.giveBack(s);
        }
    }

    @Override
    public long bind(int fd, SocketAddress address) {
        return addressed(Numbers.BIND, fd, address);
    }

    @Override
    public long listen(int fd, int backlog) {
        return plain(Numbers.LISTEN, fd, backlog, 0, 0);
    }

    @Override
    public long connect(int fd, SocketAddress address) {
        return addressed(Numbers.CONNECT, fd, address);
    }

    @Override
    public long accept4(int fd, int flags) {
        return plain(Numbers.ACCEPT4, fd, 0, 0, flags);
    }

    @Override
    public long shutdown(int fd, int how) {
        return plain(Numbers.SHUTDOWN, fd, how, 0, 0);
    }

    @Override
    public long setsockopt(int fd, int level, int name, int... value) {
        Scratch s = scratches.take();
        try {
            storeInts(s, value);
            return SystemCall.call(s, Numbers.SETSOCKOPT, fd, level, name, s.blockAddress, 4L * value.length, 0);
        } finally {
            scratches.giveBack(s);
        }
    }

    @Override
    public long getsockopt(int fd, int level, int name, int[] value) {
        Scratch s = scratches.take();
        try {
            // The kernel writes as much as it is told there is room for.
            int wanted = Math.min(value.length, MAX_OPTION_INTS);
            s.block.putInt(0, 4 * wanted);
            long room = s.blockAddress + 8;
            long result = SystemCall.call(s, Numbers.GETSOCKOPT, fd, level, name, room, s.blockAddress, 0);
            if (result < 0) {
                return result;
            }
            int count = Math.min(s.block.getInt(0) / 4, wanted); // some options answer their full length
            loadInts(s, 8, value, count);
            return count;
        } finally {
            scratches.giveBack(s);
        }
    }

    @Override
    public long getsockname(int fd, SocketAddress[] out) {
        return nameOf(Numbers.GETSOCKNAME, fd, out);
    }

    @Override
    public long getpeername(int fd, SocketAddress[] out) {
        return nameOf(Numbers.GETPEERNAME, fd, out);
    }

    // Readiness.

    @Override
    public long poll(int fd, int events, int timeoutMillis) {
        Scratch s = scratches.take();
        try {
            s.block.putInt(0, fd);
            s.block.putShort(4, (short) events);
            s.block.putShort(6, (short) 0);
            long timeout = timeoutMillis < 0 ? 0 : s.blockAddress + 8;
            s.block.putLong(8, timeoutMillis / 1000);
            s.block.putLong(16, timeoutMillis % 1000 * 1_000_000L);
            long result = SystemCall.call(s, Numbers.PPOLL, s.blockAddress, 1, timeout, 0, 0, 0);
            return result < 0 ? result : Short.toUnsignedInt(s.block.getShort(6));
        } finally {
            scratches.giveBack(s);
        }
    }

    @Override
    public long epollCreate1(int flags) {
        return plain(Numbers.EPOLL_CREATE1, flags, 0, 0, 0);
    }

    @Override
    public long epollCtl(int epfd, int operation, int fd, int events, long data) {
        Scratch s = scratches.take();
        try {
            s.block.putInt(0, events);
            s.block.putLong(abi.epollDataOffset(), data);
            return SystemCall.call(s, Numbers.EPOLL_CTL, epfd, operation, fd, s.blockAddress, 0, 0);
        } finally {
            scratches.giveBack(s);
        }
    }

    @Override
    public long epollWait(int epfd, EpollEvents events, int timeoutMillis) {
        Scratch s = scratches.take();
        try {
            ByteBuffer array = s.bulk(Math.multiplyExact(events.capacity(), abi.epollEventBytes()));
            long result = SystemCall.call(
                    s, Numbers.EPOLL_PWAIT, epfd, s.bulkAddress(), events.capacity(), timeoutMillis, 0, 0);
            for (int i = 0; i < result; i++) {
                int at = i * abi.epollEventBytes();
                events.set(i, array.getInt(at), array.getLong(at + abi.epollDataOffset()));
            }
            return result;
        } finally {
            scratches.giveBack(s);
        }
    }

    @Override
    public long eventfd(int initial, int flags) {
        return plain(Numbers.EVENTFD2, initial, flags, 0, 0);
    }

    // Memory.

    @Override
    public long mmap(long length, boolean hugePages, MemorySegment[] out) {
        Objects.checkIndex(0, out.length);
        Scratch s = scratches.take();
        try {
            return mappings.map(s, length, hugePages, out);
        } finally {
            scratches.giveBack(s);
        }
    }

    @Override
    public long munmap(MemorySegment segment) {
        Scratch s = scratches.take();
        try {
            return mappings.unmap(s, segment);
        } finally {
            scratches.giveBack(s);
        }
    }

    // About this kernel.

    @Override
    public Capabilities capabilities() {
        Capabilities known = capabilities;
        if (known == null) {
            // Two threads that come first together probe twice and find the same.
            known = Probe.of(this);
            if (Probe.isLasting(known)) {
                capabilities = known;
            }
        }
        return known;
    }

    @Override
    public <T> Optional<T> feature(Class<T> type) {
        Objects.requireNonNull(type);
        return Stream.of(OWN, rights).filter(type::isInstance).map(type::cast).findFirst();
    }

    /** Nothing: descriptors and mappings are their owners' to release. */
    @Override
    public void close() {}

    /** How many native handles this process has linked: a measure of start-up cost. */
    public static int linkedHandles() {
        return SystemCall.LINKED.size();
    }

    // The few forms that calls take.

    private long plain(long number, long a, long b, long c, long d) {
        Scratch s = scratches.take();
        try {
            return SystemCall.call(s, number, a, b, c, d, 0, 0);
        } finally {
            scratches.giveBack(s);
        }
    }

    private long betweenOffsets(
            long number, int fdIn, @Nullable Offset offIn, int fdOut, @Nullable Offset offOut, long len, int flags) {
        Scratch s = scratches.take();
        try {
            long result = SystemCall.call(s, number, fdIn, s.in(offIn), fdOut, s.out(offOut), len, flags);
            s.updateIn(offIn);
            s.updateOut(offOut);
            return result;
        } finally {
            scratches.giveBack(s);
        }
    }

    private long buffered(long number, int fd, MemorySegment buffer, long last) {
        Scratch s = scratches.take();
        try {
            return SystemCall.call(s, number, fd, orNull(buffer), buffer.byteSize(), last);
        } finally {
            scratches.giveBack(s);
        }
    }

    private long vectored(long number, int fd, List<MemorySegment> iov, long last, boolean readsInto) {
        Scratch s = scratches.take();
        try {
            int count = iov.size();
            // More than IOV_MAX is refused before the array is read [K08], so the rest need not be written.
            int written = Math.min(count, IOV_MAX);
            ByteBuffer array = s.bulk(16 * IOV_MAX);
            for (int i = 0; i < written; i++) {
                MemorySegment segment = readsInto ? writable(iov.get(i)) : iov.get(i);
                MemorySegment live = orNull(segment);
                array.putLong(16 * i, live.address()).putLong(16 * i + 8, segment.byteSize());
                s.hold(live);
            }
            return SystemCall.callVector(s, number, fd, s.bulkAddress(), count, last);
        } finally {
            s.letGo();
            scratches.giveBack(s);
        }
    }

    /** Calls that take a path, relative to the working directory. */
    private long path(long number, String path, long b, long c) {
        Scratch s = scratches.take();
        try {
            long string = s.string(path);
            return string < 0 ? string : SystemCall.call(s, number, AT_FDCWD, string, b, c, 0, 0);
        } finally {
            scratches.giveBack(s);
        }
    }

    private long addressed(long number, int fd, SocketAddress address) {
        Objects.requireNonNull(address);
        Scratch s = scratches.take();
        try {
            int length = SocketAddresses.write(address, s.block);
            return length < 0 ? length : SystemCall.call(s, number, fd, s.blockAddress, length, 0, 0, 0);
        } finally {
            scratches.giveBack(s);
        }
    }

    private long nameOf(long number, int fd, SocketAddress[] out) {
        Objects.checkIndex(0, out.length);
        Scratch s = scratches.take();
        try {
            s.block.putInt(SocketAddresses.MAX_BYTES, SocketAddresses.MAX_BYTES);
            long lengthAddress = s.blockAddress + SocketAddresses.MAX_BYTES;
            long result = SystemCall.call(s, number, fd, s.blockAddress, lengthAddress, 0, 0, 0);
            if (result == 0) {
                out[0] = SocketAddresses.read(s.block, s.block.getInt(SocketAddresses.MAX_BYTES));
            }
            return result;
        } finally {
            scratches.giveBack(s);
        }
    }

    private static void storeInts(Scratch s, int[] from) {
        for (int i = 0; i < from.length; i++) {
            s.block.putInt(4 * i, from[i]);
        }
    }

    private static void loadInts(Scratch s, int offset, int[] to, int count) {
        for (int i = 0; i < count; i++) {
            to[i] = s.block.getInt(offset + 4 * i);
        }
    }

    /** The segment itself, or a null pointer in place of one that is closed. */
    private static MemorySegment orNull(MemorySegment segment) {
        if (!segment.isNative()) {
            throw new IllegalArgumentException(
                    "the Linux kernel cannot use a heap segment: allocate it from an Arena or map it");
        }
        return segment.scope().isAlive() ? segment : MemorySegment.NULL;
    }

    /** Whether vmsplice on this descriptor fills memory: it does so only where it cannot do the other [K20]. */
    private boolean isReadEnd(int fd) {
        long flags = plain(Numbers.FCNTL, fd, F_GETFL, 0, 0);
        return flags >= 0 && (flags & O_ACCMODE) == O_RDONLY;
    }

    private static boolean anyReadOnly(List<MemorySegment> iov) {
        int looked = Math.min(iov.size(), IOV_MAX);
        for (int i = 0; i < looked; i++) {
            if (iov.get(i).isReadOnly()) {
                return true;
            }
        }
        return false;
    }

    private static MemorySegment writable(MemorySegment segment) {
        if (segment.isReadOnly()) {
            throw new IllegalArgumentException("a read-only segment cannot be read into");
        }
        return segment;
    }
}
