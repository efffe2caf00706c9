// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EBADF;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.EMFILE;
import static io.sluice.kernel.Errno.ENOMEM;
import static io.sluice.kernel.Errno.ENOPKG;
import static io.sluice.kernel.Errno.ENOTSOCK;
import static io.sluice.kernel.Errno.EOPNOTSUPP;
import static io.sluice.kernel.Errno.ESPIPE;
import static io.sluice.kernel.Flags.EFD_CLOEXEC;
import static io.sluice.kernel.Flags.EFD_NONBLOCK;
import static io.sluice.kernel.Flags.EFD_SEMAPHORE;
import static io.sluice.kernel.Flags.EPOLL_CLOEXEC;
import static io.sluice.kernel.Flags.IOV_MAX;
import static io.sluice.kernel.Flags.MFD_CLOEXEC;
import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_DIRECT;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_NOTIFICATION_PIPE;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.Flags.POLLNVAL;
import static io.sluice.kernel.Flags.SEEK_HOLE;
import static io.sluice.kernel.Flags.SEEK_SET;
import static io.sluice.kernel.Flags.SHUT_RD;
import static io.sluice.kernel.Flags.SHUT_RDWR;
import static io.sluice.kernel.Flags.SOCK_CLOEXEC;
import static io.sluice.kernel.Flags.SOCK_NONBLOCK;
import static io.sluice.kernel.Flags.SPLICE_F_GIFT;

import io.sluice.kernel.Capabilities;
import io.sluice.kernel.EpollEvents;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Offset;
import io.sluice.kernel.Stat;
import java.lang.foreign.MemorySegment;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * The same system in user space: every call of {@link Kernel}, answered by Java objects as Linux 6.18 answers it. An
 * instance is a machine of its own: its descriptors, pages, files and sockets are seen by nobody else and end with
 * {@link #close}. Make one with {@link #builder}.
 *
 * <p>Calls that would sleep park the thread, virtual or not; an interrupt ends the sleep with EINTR and is looked at
 * only then. Nothing runs while nobody calls. Any thread may call anything at any time.
 */
public final class UserKernel implements Kernel {
    /** Whose word is followed where the manual pages and Linux 6.18 differ: table R of the catalogue. */
    public enum Profile {
        /** Answers as Linux 6.18 does. */
        LINUX,
        /** Answers as the manual pages promise; gifted pages are really moved. */
        MAN_PAGES
    }

    /** Where sockets of the internet lead; Unix sockets stay inside the kernel in any case. */
    public enum NetworkKind {
        /** To other sockets of the same kernel, by the addresses 127.0.0.0/8 and ::1. */
        MEMORY,
        /** To the network of this machine. */
        HOST
    }

    private final Resources resources;
    private final DescriptorTable table;
    private final UserMemory memory;
    private final Tree tree;
    private final Network network;
    private final Notices notices = new Notices();
    private final Features features;
    private final Capabilities capabilities;

    UserKernel(Resources resources, DescriptorTable table, Tree tree, Network network) {
        this.resources = resources;
        this.table = table;
        this.memory = new UserMemory(resources);
        this.tree = tree;
        this.network = network;
        this.features = new Features(this, resources, table, notices);
        this.capabilities = new Capabilities(
                Capabilities.Support.SHARES,
                Capabilities.Support.SHARES,
                Capabilities.Support.SHARES,
                resources.pipeMaxSizeBytes,
                resources.pipeUserPagesSoft,
                Page.SIZE,
                UserMemory.HUGE_PAGE);
    }

    /** Everything as Linux has it by default; change what should differ. */
    public static Builder builder() {
        return new Builder();
    }

    // Pipes and the splice family.

    @Override
    public long pipe2(int[] fds, int flags) {
        Objects.checkIndex(1, fds.length);
        if ((flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT | O_NOTIFICATION_PIPE)) != 0) {
            return -EINVAL; // [A02]
        }
        if ((flags & O_NOTIFICATION_PIPE) != 0) {
            return -ENOPKG; // [A08]
        }
        Pipe pipe = Pipe.withBothEnds(resources);
        OpenFile readEnd = new PipeEnd(pipe, O_RDONLY | (flags & O_NONBLOCK));
        OpenFile writeEnd = new PipeEnd(pipe, O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT))); // [A03]
        return installPair(readEnd, writeEnd, (flags & O_CLOEXEC) != 0, fds);
    }

    @Override
    public long splice(int fdIn, @Nullable Offset offIn, int fdOut, @Nullable Offset offOut, long len, int flags) {
        if (len == 0) {
            return 0; // before every other check [D01]
        }
        if ((flags & ~Splice.ALL_FLAGS) != 0) {
            return -EINVAL; // [D02]
        }
        OpenFile in = table.acquire(fdIn);
        if (in == null) {
            return -EBADF; // [D03]
        }
        try {
            OpenFile out = table.acquire(fdOut);
            if (out == null) {
                return -EBADF;
            }
            try {
                return Splice.splice(in, offIn, out, offOut, len, flags);
            } finally {
                out.release();
            }
        } finally {
            in.release();
        }
    }

    @Override
    public long tee(int fdIn, int fdOut, long len, int flags) {
        if ((flags & ~Splice.ALL_FLAGS) != 0) {
            return -EINVAL; // before the length, unlike splice [D15]
        }
        if (len == 0) {
            return 0;
        }
        OpenFile in = table.acquire(fdIn);
        if (in == null) {
            return -EBADF;
        }
        try {
            OpenFile out = table.acquire(fdOut);
            if (out == null) {
                return -EBADF;
            }
            try {
                return Splice.tee(in, out, len, flags);
            } finally {
                out.release();
            }
        } finally {
            in.release();
        }
    }

    @Override
    public long vmsplice(int fd, List<MemorySegment> iov, int flags) {
        return vmsplice(fd, iov, flags, null);
    }

    /** The checks in the order of [D16]; {@code released} as in {@link Vmsplice#toPipe}. */
    long vmsplice(int fd, List<MemorySegment> iov, int flags, @Nullable Runnable released) {
        Objects.requireNonNull(iov);
        if ((flags & ~Splice.ALL_FLAGS) != 0) {
            return -EINVAL;
        }
        OpenFile file = table.acquire(fd);
        if (file == null) {
            return -EBADF;
        }
        try {
            if (iov.size() > IOV_MAX) {
                return -EINVAL; // [K08]
            }
            Pipe pipe = file.pipe();
            if (resources.profile == Profile.MAN_PAGES) {
                long promised = promised(pipe, iov, flags);
                if (promised < 0) {
                    return promised;
                }
            }
            Iov segments = file.takeIov().of(iov);
            try {
                if (segments.left() == 0) {
                    return 0;
                }
                if (pipe == null) {
                    return -EBADF;
                }
                return file.writable() // both directions: memory to pipe [K20]
                        ? Vmsplice.toPipe(pipe, memory, iov, flags, released)
                        : Vmsplice.fromPipe(pipe, segments, flags);
            } finally {
                file.done(segments);
            }
        } finally {
            file.release();
        }
    }

    /** What vmsplice(2) promises to refuse and Linux does not: table R. */
    private static long promised(@Nullable Pipe pipe, List<MemorySegment> iov, int flags) {
        if (pipe == null) {
            return -EBADF;
        }
        if (iov.isEmpty()) {
            return -EINVAL;
        }
        for (MemorySegment segment : iov) {
            boolean whole = segment.address() % Page.SIZE == 0 && segment.byteSize() % Page.SIZE == 0;
            if ((flags & SPLICE_F_GIFT) != 0 && !whole) {
                return -EINVAL;
            }
        }
        return 0;
    }

    // Reading and writing.

    @Override
    public long read(int fd, MemorySegment buffer) {
        Objects.requireNonNull(buffer);
        OpenFile file = table.acquire(fd);
        if (file == null) {
            return -EBADF;
        }
        try {
            return file.readable() ? read(file, file.takeIov().of(buffer)) : -EBADF;
        } finally {
            file.release();
        }
    }

    @Override
    public long write(int fd, MemorySegment buffer) {
        Objects.requireNonNull(buffer);
        OpenFile file = table.acquire(fd);
        if (file == null) {
            return -EBADF;
        }
        try {
            return file.writable() ? write(file, file.takeIov().of(buffer)) : -EBADF;
        } finally {
            file.release();
        }
    }

    @Override
    public long readv(int fd, List<MemorySegment> iov) {
        Objects.requireNonNull(iov);
        return onFile(fd, file -> {
            if (!file.readable()) {
                return -EBADF;
            }
            return iov.size() > IOV_MAX ? -EINVAL : read(file, file.takeIov().of(iov));
        });
    }

    @Override
    public long writev(int fd, List<MemorySegment> iov) {
        Objects.requireNonNull(iov);
        return onFile(fd, file -> {
            if (!file.writable()) {
                return -EBADF;
            }
            return iov.size() > IOV_MAX ? -EINVAL : write(file, file.takeIov().of(iov));
        });
    }

    private static long read(OpenFile file, Iov to) {
        try {
            return file.read(to, file.nonblocking());
        } finally {
            file.done(to);
        }
    }

    private static long write(OpenFile file, Iov from) {
        try {
            return file.write(from, file.nonblocking());
        } finally {
            file.done(from);
        }
    }

    @Override
    public long pread(int fd, MemorySegment buffer, long offset) {
        Objects.requireNonNull(buffer);
        if (offset < 0) {
            return -EINVAL;
        }
        OpenFile file = table.acquire(fd);
        if (file == null) {
            return -EBADF;
        }
        try {
            if (!file.seekable()) {
                return -ESPIPE; // before the direction [A10]
            }
            if (!file.readable()) {
                return -EBADF;
            }
            Iov to = file.takeIov().of(buffer);
            try {
                return file.pread(to, offset);
            } finally {
                file.done(to);
            }
        } finally {
            file.release();
        }
    }

    @Override
    public long pwrite(int fd, MemorySegment buffer, long offset) {
        return pwritev(fd, List.of(buffer), offset);
    }

    @Override
    public long pwritev(int fd, List<MemorySegment> iov, long offset) {
        Objects.requireNonNull(iov);
        if (offset < 0) {
            return -EINVAL;
        }
        OpenFile file = table.acquire(fd);
        if (file == null) {
            return -EBADF;
        }
        try {
            if (!file.seekable()) {
                return -ESPIPE;
            }
            if (!file.writable()) {
                return -EBADF;
            }
            if (iov.size() > IOV_MAX) {
                return -EINVAL;
            }
            Iov from = file.takeIov().of(iov);
            try {
                return file.pwrite(from, offset);
            } finally {
                file.done(from);
            }
        } finally {
            file.release();
        }
    }

    // Descriptors.

    @Override
    public long close(int fd) {
        OpenFile file = table.remove(fd);
        if (file == null) {
            return -EBADF;
        }
        file.release();
        return 0;
    }

    @Override
    public long dup(int fd) {
        return table.duplicate(fd, 0, false);
    }

    @Override
    public long fcntl(int fd, int command, int argument) {
        return FileControl.fcntl(table, fd, command, argument);
    }

    @Override
    public long fionread(int fd) {
        return onFile(fd, OpenFile::fionread);
    }

    // Files.

    @Override
    public long sendfile(int outFd, int inFd, @Nullable Offset offset, long count) {
        OpenFile in = table.acquire(inFd);
        if (in == null) {
            return -EBADF;
        }
        try {
            long refused = Sendfile.checkInput(in, offset);
            OpenFile out = refused == 0 ? table.acquire(outFd) : null;
            if (out == null) {
                return refused == 0 ? -EBADF : refused;
            }
            try {
                return Sendfile.sendfile(resources, out, in, offset, count);
            } finally {
                out.release();
            }
        } finally {
            in.release();
        }
    }

    @Override
    public long copyFileRange(
            int fdIn, @Nullable Offset offIn, int fdOut, @Nullable Offset offOut, long len, int flags) {
        OpenFile in = table.acquire(fdIn);
        if (in == null) {
            return -EBADF;
        }
        try {
            OpenFile out = table.acquire(fdOut);
            if (out == null) {
                return -EBADF;
            }
            try {
                return FileCopy.copy(in, offIn, out, offOut, len, flags);
            } finally {
                out.release();
            }
        } finally {
            in.release();
        }
    }

    @Override
    public long ficlone(int destinationFd, int sourceFd) {
        OpenFile destination = table.acquire(destinationFd);
        if (destination == null) {
            return -EBADF;
        }
        destination.release();
        OpenFile source = table.acquire(sourceFd);
        if (source == null) {
            return -EBADF;
        }
        source.release();
        return -EOPNOTSUPP; // as on tmpfs: pages are not shared between files
    }

    @Override
    public long open(String path, int flags, int mode) {
        return table.isFull() ? -EMFILE : install(tree.open(path, flags, mode), (flags & O_CLOEXEC) != 0);
    }

    @Override
    public long memfdCreate(String name, int flags) {
        return table.isFull() ? -EMFILE : install(tree.memfd(name, flags), (flags & MFD_CLOEXEC) != 0);
    }

    @Override
    public long mkfifo(String path, int mode) {
        return tree.mkfifo(path, mode);
    }

    @Override
    public long unlink(String path) {
        return tree.unlink(path);
    }

    @Override
    public long lseek(int fd, long offset, int whence) {
        return onFile(fd, file -> whence < SEEK_SET || whence > SEEK_HOLE ? -EINVAL : file.seek(offset, whence));
    }

    @Override
    public long fstat(int fd, Stat stat) {
        OpenFile file = table.acquireAny(fd);
        if (file == null) {
            return -EBADF;
        }
        try {
            file.stat(stat);
            return 0;
        } finally {
            file.release();
        }
    }

    @Override
    public long ftruncate(int fd, long length) {
        return length < 0 ? -EINVAL : onFile(fd, file -> file.writable() ? file.truncate(length) : -EINVAL);
    }

    @Override
    public long fallocate(int fd, int mode, long offset, long length) {
        OpenFile file = table.acquire(fd);
        if (file == null) {
            return -EBADF;
        }
        try {
            if (offset < 0 || length <= 0) {
                return -EINVAL;
            }
            return file.writable() ? file.allocate(mode, offset, length) : -EBADF;
        } finally {
            file.release();
        }
    }

    @Override
    public long fsync(int fd) {
        return onFile(fd, OpenFile::sync);
    }

    // Sockets.

    @Override
    public long socket(int domain, int type, int protocol) {
        return table.isFull() ? -EMFILE : install(network.socket(domain, type, protocol), (type & SOCK_CLOEXEC) != 0);
    }

    @Override
    public long socketpair(int domain, int type, int protocol, int[] fds) {
        Objects.checkIndex(1, fds.length);
        Opened[] pair = network.pair(domain, type, protocol);
        if (pair[0] instanceof Opened.File first && pair[1] instanceof Opened.File second) {
            return installPair(first.file(), second.file(), (type & SOCK_CLOEXEC) != 0, fds);
        }
        return pair[0] instanceof Opened.Failed failed ? -failed.errno() : -EINVAL;
    }

    @Override
    public long bind(int fd, SocketAddress address) {
        return onSocket(fd, socket -> socket.bind(address));
    }

    @Override
    public long listen(int fd, int backlog) {
        return onSocket(fd, socket -> socket.listen(backlog));
    }

    @Override
    public long connect(int fd, SocketAddress address) {
        return onSocket(fd, socket -> socket.connect(address));
    }

    @Override
    public long accept4(int fd, int flags) {
        if ((flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0) {
            return -EINVAL;
        }
        return table.isFull()
                ? -EMFILE
                : onSocket(fd, socket -> install(socket.accept(flags), (flags & SOCK_CLOEXEC) != 0));
    }

    @Override
    public long shutdown(int fd, int how) {
        return onSocket(fd, socket -> how < SHUT_RD || how > SHUT_RDWR ? -EINVAL : socket.shutdown(how));
    }

    @Override
    public long recv(int fd, MemorySegment buffer, int flags) {
        Objects.requireNonNull(buffer);
        return onSocket(fd, socket -> {
            Iov to = socket.takeIov().of(buffer);
            try {
                return socket.recv(to, flags);
            } finally {
                socket.done(to);
            }
        });
    }

    @Override
    public long send(int fd, MemorySegment buffer, int flags) {
        Objects.requireNonNull(buffer);
        return onSocket(fd, socket -> {
            Iov from = socket.takeIov().of(buffer);
            try {
                return socket.send(from, flags);
            } finally {
                socket.done(from);
            }
        });
    }

    @Override
    public long setsockopt(int fd, int level, int name, int... value) {
        return onSocket(fd, socket -> socket.setOption(level, name, value));
    }

    @Override
    public long getsockopt(int fd, int level, int name, int[] value) {
        return onSocket(fd, socket -> socket.option(level, name, value));
    }

    @Override
    public long getsockname(int fd, SocketAddress[] out) {
        return onSocket(fd, socket -> socket.localAddress(out));
    }

    @Override
    public long getpeername(int fd, SocketAddress[] out) {
        return onSocket(fd, socket -> socket.peerAddress(out));
    }

    private long onSocket(int fd, ToLongFunction<Socket> call) {
        return onFile(fd, file -> file instanceof Socket socket ? call.applyAsLong(socket) : -ENOTSOCK);
    }

    /** A call on one open file, which stays open while it runs. */
    private long onFile(int fd, ToLongFunction<OpenFile> call) {
        OpenFile file = table.acquire(fd);
        if (file == null) {
            return -EBADF;
        }
        try {
            return call.applyAsLong(file);
        } finally {
            file.release();
        }
    }

    // Readiness.

    @Override
    public long poll(int fd, int events, int timeoutMillis) {
        OpenFile file = fd < 0 ? null : table.acquire(fd);
        if (file == null && fd >= 0) {
            return POLLNVAL; // [N12]
        }
        try {
            return PollWait.poll(file, events, timeoutMillis);
        } finally {
            if (file != null) {
                file.release();
            }
        }
    }

    @Override
    public long epollCreate1(int flags) {
        if ((flags & ~EPOLL_CLOEXEC) != 0) {
            return -EINVAL;
        }
        return install(new Opened.File(new Epoll(resources)), (flags & EPOLL_CLOEXEC) != 0);
    }

    @Override
    public long epollCtl(int epfd, int operation, int fd, int events, long data) {
        OpenFile epoll = table.acquire(epfd);
        if (epoll == null) {
            return -EBADF;
        }
        try {
            OpenFile file = table.acquire(fd);
            if (file == null) {
                return -EBADF;
            }
            try {
                return epoll instanceof Epoll instance ? instance.control(operation, file, fd, events, data) : -EINVAL;
            } finally {
                file.release();
            }
        } finally {
            epoll.release();
        }
    }

    @Override
    public long epollWait(int epfd, EpollEvents events, int timeoutMillis) {
        OpenFile epoll = table.acquire(epfd);
        if (epoll == null) {
            return -EBADF;
        }
        try {
            return epoll instanceof Epoll instance ? instance.await(events, timeoutMillis) : -EINVAL;
        } finally {
            epoll.release();
        }
    }

    @Override
    public long eventfd(int initial, int flags) {
        if ((flags & ~(EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE)) != 0) {
            return -EINVAL;
        }
        Page scratch = resources.pages.take();
        if (scratch == null) {
            return -ENOMEM;
        }
        OpenFile counter = new EventCounter(
                resources,
                scratch,
                initial,
                (flags & EFD_SEMAPHORE) != 0,
                (flags & EFD_NONBLOCK) != 0 ? O_NONBLOCK : 0);
        return install(new Opened.File(counter), (flags & EFD_CLOEXEC) != 0);
    }

    // Memory.

    @Override
    public long mmap(long length, boolean hugePages, MemorySegment[] out) {
        Objects.checkIndex(0, out.length);
        return memory.map(length, hugePages, out);
    }

    @Override
    public long munmap(MemorySegment segment) {
        return memory.unmap(segment);
    }

    // About this kernel.

    @Override
    public Capabilities capabilities() {
        return capabilities;
    }

    @Override
    public <T> Optional<T> feature(Class<T> type) {
        return type.isInstance(features) ? Optional.of(type.cast(features)) : Optional.empty();
    }

    /**
     * Ends the machine: sleeping calls answer EBADF, open files are closed, what was written to streams of the host is
     * brought there, and memory goes back. Every later call fails, and so may one that is running. An interrupt ends
     * the wait for a host that takes nothing; what is stuck there keeps its memory. Closing again does nothing.
     */
    @Override
    public void close() {
        resources.objects().forEach(Waitable::die);
        table.close();
        table.descriptors().forEach(this::close);
        network.close();
        boolean written = tree.close();
        memory.close();
        notices.close();
        if (written) {
            resources.pages.close();
        }
    }

    private long install(Opened made, boolean cloexec) {
        return switch (made) {
            case Opened.Failed failed -> -failed.errno();
            case Opened.File opened -> {
                long fd = table.install(opened.file(), cloexec);
                if (fd < 0) {
                    opened.file().release();
                }
                yield fd;
            }
        };
    }

    private long installPair(OpenFile first, OpenFile second, boolean cloexec, int[] fds) {
        long result = table.installPair(first, second, cloexec, fds);
        if (result < 0) {
            first.release();
            second.release();
        }
        return result;
    }

    /** The parts of a machine that can be chosen. Every default is what Linux has. Not safe for two threads at once. */
    public static final class Builder {
        private Profile profile = Profile.LINUX;
        private long pages = 1 << 18; // 1 GiB: what a process may well want, and a leak does not take the machine down
        private NetworkKind network = NetworkKind.MEMORY;
        private boolean checking;
        private int descriptors = 1024; // the usual RLIMIT_NOFILE
        private int pipeMaxSizeBytes = 1 << 20;
        private long pipeUserPagesSoft = 16384;
        private long fileSizeLimitBytes = Long.MAX_VALUE;
        private final Map<String, Path> mounts = new LinkedHashMap<>();
        private String workingDirectory = "/";
        private boolean standardStreams;

        private Builder() {}

        /** Whose word is followed where the manual pages and Linux differ. */
        public Builder profile(Profile chosen) {
            profile = chosen;
            return this;
        }

        /** Where sockets of the internet lead. */
        public Builder network(NetworkKind chosen) {
            network = chosen;
            return this;
        }

        /** How many pages of 4096 bytes pipes, files, sockets and mappings may take together; then ENOMEM. */
        public Builder pages(long budget) {
            pages = atLeast(1, budget, "pages");
            return this;
        }

        /** Scribbles over memory that comes back, so that a use after release shows. For tests; default off. */
        public Builder checking(boolean on) {
            checking = on;
            return this;
        }

        /** How many descriptors can be open at once, as RLIMIT_NOFILE; then EMFILE. */
        public Builder descriptors(int limit) {
            descriptors = (int) atLeast(1, limit, "descriptors");
            return this;
        }

        /** The largest pipe in bytes, as /proc/sys/fs/pipe-max-size; larger ones are EPERM. */
        public Builder pipeMaxSize(int bytes) {
            pipeMaxSizeBytes = (int) atLeast(Page.SIZE, bytes, "the largest pipe");
            return this;
        }

        /** Slots of all pipes above which new pipes are small and none grows [C10]; 0: no limit. */
        public Builder pipeUserPagesSoft(long slots) {
            pipeUserPagesSoft = atLeast(0, slots, "the soft limit of pipes");
            return this;
        }

        /** The largest file in bytes, as RLIMIT_FSIZE; writes past it are EFBIG. */
        public Builder fileSizeLimit(long bytes) {
            fileSizeLimitBytes = atLeast(0, bytes, "the limit of a file's size");
            return this;
        }

        /**
         * Shows a directory of the host at a path. Files can be made, written and removed there; FIFOs and sockets
         * cannot be made (EPERM). Later mounts lie over earlier ones; /dev/null and its like stay this kernel's own.
         */
        public Builder mount(String path, Path hostDirectory) {
            if (!path.startsWith("/")) {
                throw new IllegalArgumentException("a mount needs an absolute path: " + path);
            }
            mounts.put(path, hostDirectory);
            return this;
        }

        /** Where relative paths begin; default: the root. */
        public Builder workingDirectory(String path) {
            if (!path.startsWith("/")) {
                throw new IllegalArgumentException("a working directory needs an absolute path: " + path);
            }
            workingDirectory = path;
            return this;
        }

        /** Makes descriptors 0, 1 and 2 the process's standard streams. Default: no descriptor is open. */
        public Builder standardStreams() {
            standardStreams = true;
            return this;
        }

        /** Makes the machine. */
        public UserKernel build() {
            var resources = new Resources(
                    profile, new PagePool(pages, checking), pipeMaxSizeBytes, pipeUserPagesSoft, fileSizeLimitBytes);
            DescriptorTable table = new DescriptorTable(descriptors);
            HostThreads threads = new HostThreads();
            Tree tree = new Tree(resources, table, threads, workingDirectory);
            mounts.forEach(tree::mount);
            if (standardStreams) {
                StandardStreams.install(resources, table, threads);
            }
            return new UserKernel(resources, table, tree, new Network(resources, tree, network));
        }

        private static long atLeast(long least, long value, String what) {
            if (value < least) {
                throw new IllegalArgumentException(what + ": " + value + " is less than " + least);
            }
            return value;
        }
    }
}
