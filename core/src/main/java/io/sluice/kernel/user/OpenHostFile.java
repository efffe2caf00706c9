// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.EFAULT;
import static io.sluice.kernel.Errno.EFBIG;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.ENOMEM;
import static io.sluice.kernel.Errno.ENXIO;
import static io.sluice.kernel.Errno.EOPNOTSUPP;
import static io.sluice.kernel.Flags.O_APPEND;
import static io.sluice.kernel.Flags.SEEK_CUR;
import static io.sluice.kernel.Flags.SEEK_DATA;
import static io.sluice.kernel.Flags.SEEK_END;
import static io.sluice.kernel.Flags.SEEK_HOLE;
import static io.sluice.kernel.Flags.SEEK_SET;

import io.sluice.kernel.Offset;
import io.sluice.kernel.Stat;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * An open regular file of the host. The kernel's own threads do the I/O, at explicit offsets and with pages of this
 * kernel; the caller waits for them as for a disk, which no interrupt cuts short.
 */
final class OpenHostFile extends OpenFile {
    private static final int BATCH_PAGES = Pipe.DEFAULT_SLOTS;

    private final Resources resources;
    private final HostThreads threads;
    private final FileChannel channel;
    private final HostAttributes attributes;
    private final @Nullable HostFile file;

    /** Reads and writes at the position come one after the other, their I/O included. */
    private final ReentrantLock serial = new ReentrantLock();

    private final AtomicLong position;

    /** What splices have read ahead of taking a pipe's lock, by the thread of the call. */
    private final Map<Thread, Staged> staged = new ConcurrentHashMap<>();

    /** Bytes read from {@code position} on, in whole pages but the last; or an errno. */
    private record Staged(long position, boolean atPosition, Ring pages, long errno) {}

    OpenHostFile(
            Resources resources,
            HostThreads threads,
            FileChannel channel,
            HostAttributes attributes,
            @Nullable HostFile file,
            long startPosition,
            int statusFlags) {
        super(statusFlags);
        this.resources = resources;
        this.threads = threads;
        this.channel = channel;
        this.attributes = attributes;
        this.file = file;
        this.position = new AtomicLong(startPosition);
    }

    @Override
    @Nullable
    Inode inode() {
        return file;
    }

    @Override
    void closed() {
        staged.values().forEach(left -> left.pages.clear());
        if (file != null) {
            threads.call(() -> {
                HostPump.close(channel);
                return 0;
            });
            file.release();
        } // else a standard stream, which stays the process's
    }

    /** The position; that of a standard stream is the process's, which others move too. */
    private long here() {
        if (file == null) {
            position.set(host(channel::position));
        }
        return position.get();
    }

    private void moveTo(long target) {
        position.set(target);
        if (file == null) {
            host(() -> channel.position(target).position());
        }
    }

    @Override
    boolean seekable() {
        return true;
    }

    @Override
    boolean hasPosition() {
        return true;
    }

    @Override
    long position() {
        return position.get();
    }

    @Override
    void stat(Stat stat) {
        HostAttributes now = file == null ? attributes : file.attributesNow(attributes);
        now.store(stat);
        stat.set(now.dev(), now.ino(), now.mode(), now.links(), now.rdev(), size(), Page.SIZE, now.mtimeNanos());
    }

    private long size() {
        return host(channel::size);
    }

    /** What answers a number and may fail. */
    @FunctionalInterface
    private interface Work {
        long run() throws IOException;
    }

    private long host(Work work) {
        return threads.call(() -> {
            try {
                return work.run();
            } catch (IOException e) {
                return (long) -HostErrors.errno(e);
            }
        });
    }

    // Reading and writing.

    @Override
    long read(Iov to, boolean nonblocking) {
        serial.lock();
        try {
            long at = here();
            long done = pread(to, at);
            if (done > 0) {
                moveTo(at + done);
            }
            return done;
        } finally {
            serial.unlock();
        }
    }

    @Override
    long pread(Iov to, long offset) {
        if (offset + to.left() < 0) {
            return -EINVAL;
        }
        long done = 0;
        while (to.left() > 0) {
            Staged batch = stage(offset + done, false, to.left(), BATCH_PAGES);
            long asked = Math.min(to.left(), (long) BATCH_PAGES * Page.SIZE);
            long got = batch.pages.bytes();
            try {
                for (int i = 0; i < batch.pages.size(); i++) {
                    int length = batch.pages.length(i);
                    int copied = to.copyWhatCanBe(batch.pages.memory(i), 0, length, false);
                    done += copied;
                    if (copied < length) {
                        return done > 0 ? done : -EFAULT;
                    }
                }
            } finally {
                batch.pages.clear();
            }
            if (got < asked) {
                return done > 0 ? done : batch.errno;
            }
        }
        return done;
    }

    /** Reads up to {@code len} bytes into pages, on a thread of the kernel. */
    private Staged stage(long offset, boolean atPosition, long len, int mostPages) {
        int slots = Integer.highestOneBit(Math.max(mostPages, 1)) << 1;
        Ring pages = new Ring(slots);
        long most = Math.min(len, (long) mostPages * Page.SIZE);
        long errno = threads.call(() -> readPages(offset, most, pages));
        return new Staged(offset, atPosition, pages, errno);
    }

    private long readPages(long offset, long len, Ring pages) {
        for (long done = 0; done < len; ) {
            Page page = resources.pages.take();
            if (page == null) {
                return -ENOMEM;
            }
            int count = (int) Math.min(Page.SIZE, len - done);
            int got = 0;
            try {
                ByteBuffer buffer = page.bytes().asSlice(0, count).asByteBuffer();
                while (buffer.hasRemaining() && channel.read(buffer, offset + done + buffer.position()) > 0) {
                    got = buffer.position();
                }
            } catch (IOException e) {
                page.release(0);
                return -HostErrors.errno(e);
            }
            if (got == 0) {
                page.release(0);
                return 0;
            }
            pages.add(page, 0, got, 0);
            done += got;
            if (got < count) {
                return 0;
            }
        }
        return 0;
    }

    @Override
    long write(Iov from, boolean nonblocking) {
        serial.lock();
        try {
            long at = appends() ? size() : here();
            if (at < 0) {
                return at;
            }
            long done = writeAt(from, at);
            if (done > 0) {
                moveTo(at + done);
            }
            return done;
        } finally {
            serial.unlock();
        }
    }

    @Override
    long pwrite(Iov from, long offset) {
        long at = appends() ? size() : offset;
        return at < 0 ? at : writeAt(from, at);
    }

    private long writeAt(Iov from, long offset) {
        if (offset + from.left() < 0) {
            return -EINVAL;
        }
        long most = allowed(offset, from.left());
        long done = 0;
        Page page = most > 0 ? resources.pages.take() : null;
        if (page == null) {
            return most > 0 ? -ENOMEM : most;
        }
        try {
            while (done < most) {
                int count = (int) Math.min(Page.SIZE, most - done);
                int copied = from.copyWhatCanBe(page, 0, count, true);
                long at = offset + done;
                ByteBuffer bytes = page.bytes().asSlice(0, copied).asByteBuffer();
                long written = copied == 0 ? -EFAULT : host(() -> writeAll(bytes, at));
                if (written <= 0) {
                    return done > 0 ? done : written;
                }
                done += written;
                if (written < count) {
                    return done;
                }
            }
            return done;
        } finally {
            page.release(0);
        }
    }

    private int writeAll(ByteBuffer bytes, long offset) throws IOException {
        int start = bytes.position();
        while (bytes.hasRemaining()) {
            try {
                if (channel.write(bytes, offset + bytes.position() - start) <= 0) {
                    break;
                }
            } catch (IOException e) {
                if (bytes.position() == start) {
                    throw e;
                }
                break; // the next write answers with it
            }
        }
        return bytes.position() - start;
    }

    private long allowed(long offset, long count) {
        long limit = resources.fileSizeLimitBytes;
        if (count > 0 && offset >= limit && limit != Long.MAX_VALUE) {
            resources.sigxfszs.increment();
            return -EFBIG;
        }
        return Math.min(count, limit - offset);
    }

    @Override
    long fionread() {
        long size = size();
        return size < 0 ? size : Integer.toUnsignedLong((int) (size - here()));
    }

    // Position and size.

    @Override
    long seek(long offset, int whence) {
        serial.lock();
        try {
            long size = whence == SEEK_SET || whence == SEEK_CUR ? 0 : size();
            if (size < 0) {
                return size;
            }
            boolean outside = offset < 0 || offset >= size;
            long target = switch (whence) {
                case SEEK_SET -> offset;
                case SEEK_CUR -> here() + offset;
                case SEEK_END -> size + offset;
                case SEEK_DATA -> outside ? -ENXIO : offset; // java.nio does not tell holes: all is data
                case SEEK_HOLE -> outside ? -ENXIO : size;
                default -> -EINVAL;
            };
            if (target < 0) {
                return target == -ENXIO && whence >= SEEK_DATA ? target : -EINVAL;
            }
            moveTo(target);
            return target;
        } finally {
            serial.unlock();
        }
    }

    @Override
    long truncate(long length) {
        return host(() -> {
            long size = channel.size();
            if (length <= size) {
                channel.truncate(length);
            } else {
                grow(size, length);
            }
            return 0;
        });
    }

    /** A zero at the new end leaves a hole before it. */
    private void grow(long size, long length) throws IOException {
        if (size < length) {
            writeAll(ByteBuffer.allocate(1), length - 1);
        }
    }

    @Override
    long allocate(int mode, long offset, long length) {
        return -EOPNOTSUPP;
    }

    @Override
    long sync() {
        return host(() -> {
            channel.force(true);
            return 0;
        });
    }

    @Override
    long mayChangeStatus(int flags) {
        boolean wasAppending = has(O_APPEND);
        long refused = super.mayChangeStatus(flags);
        // The host's channel appends whatever is asked of it later.
        return refused == 0 && wasAppending && (flags & O_APPEND) == 0 ? -EINVAL : refused;
    }

    // Splicing.

    @Override
    boolean splicesOut() {
        return true;
    }

    @Override
    boolean splicesIn() {
        return true;
    }

    @Override
    boolean waitsAsSource(boolean nonblocking) {
        return true; // a disk is waited for in any case
    }

    @Override
    long awaitReadable(@Nullable Offset offset, long len) {
        endFill();
        int pages = (int) Math.min((len - 1) / Page.SIZE + 1, BATCH_PAGES);
        staged.put(Thread.currentThread(), stage(offset == null ? here() : offset.value(), offset == null, len, pages));
        return 0;
    }

    @Override
    long fillLocked(Pipe pipe, @Nullable Offset offset, long len) {
        Staged ready = staged.get(Thread.currentThread());
        long wanted = offset == null ? position.get() : offset.value();
        if (ready == null || ready.position != wanted) {
            return -EAGAIN;
        }
        if (ready.pages.isEmpty()) {
            return ready.errno;
        }
        long most = 0;
        for (int i = 0; i < Math.min(ready.pages.size(), pipe.ring.free()); i++) {
            most += ready.pages.length(i);
        }
        if (offset != null) {
            offset.set(wanted + most);
        } else if (!position.compareAndSet(wanted, wanted + most)) {
            return -EAGAIN; // another call moved it meanwhile
        }
        for (long moved = 0; moved < most; ) {
            moved += ready.pages.length(0);
            ready.pages.moveOldestTo(pipe.ring, 0);
        }
        return most;
    }

    @Override
    void endFill() {
        Staged left = staged.remove(Thread.currentThread());
        if (left != null) {
            left.pages.clear();
            if (left.atPosition && file == null) {
                moveTo(position.get());
            }
        }
    }

    @Override
    boolean drainsUnlocked() {
        return true;
    }

    @Override
    long writeClaim(Claim claim, @Nullable Offset offset) {
        serial.lock();
        try {
            long at = offset == null ? here() : offset.value();
            long most = allowed(at, claim.bytes());
            if (most < 0) {
                return most;
            }
            long done = threads.call(() -> claim.writeTo(most, (bytes, before) -> writeAll(bytes, at + before)));
            if (done > 0) {
                if (offset == null) {
                    moveTo(at + done);
                } else {
                    offset.set(at + done);
                }
            }
            return done;
        } finally {
            serial.unlock();
        }
    }

    @Override
    public String toString() {
        return "open " + (file == null ? "file of the host" : file);
    }
}
