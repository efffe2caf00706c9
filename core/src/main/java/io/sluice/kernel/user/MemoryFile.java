// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EBUSY;
import static io.sluice.kernel.Errno.EFAULT;
import static io.sluice.kernel.Errno.EFBIG;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.ENOENT;
import static io.sluice.kernel.Errno.ENOMEM;
import static io.sluice.kernel.Errno.ENXIO;
import static io.sluice.kernel.Errno.EOPNOTSUPP;
import static io.sluice.kernel.Errno.EPERM;
import static io.sluice.kernel.Flags.FALLOC_FL_KEEP_SIZE;
import static io.sluice.kernel.Flags.FALLOC_FL_PUNCH_HOLE;
import static io.sluice.kernel.Flags.FALLOC_FL_ZERO_RANGE;
import static io.sluice.kernel.Flags.F_SEAL_FUTURE_WRITE;
import static io.sluice.kernel.Flags.F_SEAL_GROW;
import static io.sluice.kernel.Flags.F_SEAL_SEAL;
import static io.sluice.kernel.Flags.F_SEAL_SHRINK;
import static io.sluice.kernel.Flags.F_SEAL_WRITE;
import static io.sluice.kernel.Flags.O_TRUNC;
import static io.sluice.kernel.Flags.SPLICE_F_MOVE;
import static io.sluice.kernel.Flags.S_IFREG;

import io.sluice.kernel.Stat;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A regular file in memory: page objects and a size (section T, 10). Pipes refer to its pages, so writes change pages
 * in place, and a page that is cut off stays with the pipes that have it.
 *
 * <p>What holds between calls: bytes behind the end are zero, and no page lies wholly behind the end but those that
 * fallocate(2) set aside.
 */
final class MemoryFile extends Inode {
    /** What a file is modelled on, where file systems differ. */
    enum Store {
        /** Named files, as ext4: a hole that is spliced becomes a page of the file [E18]. */
        DISK(Device.DISK_FILES, 0xffffffffL * Page.SIZE),
        /** memfd_create(2), as tmpfs: a hole that is spliced is the common page of zeros, and can be sealed. */
        MEMORY(Device.MEMORY_FILES, Long.MAX_VALUE);

        final long device;
        final long mostBytes;

        Store(long device, long mostBytes) {
            this.device = device;
            this.mostBytes = mostBytes;
        }
    }

    private static final int ALL_SEALS = 0x3f; // up to F_SEAL_EXEC

    private final Resources resources;
    private final Store store;
    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by the lock.
    private final PageTable pages = new PageTable();

    /** Pages of zeros that were set aside for holes: by fallocate(2), and on disk for slots that show a hole. */
    private final PageTable unwritten = new PageTable();

    private long size;
    private long mtimeNanos = now();
    private int seals;

    MemoryFile(Resources resources, Store store, int permissions, boolean sealable) {
        super(resources, S_IFREG | permissions);
        this.resources = resources;
        this.store = store;
        this.seals = sealable ? 0 : F_SEAL_SEAL;
    }

    Store store() {
        return store;
    }

    void lock() {
        lock.lock();
    }

    void unlock() {
        lock.unlock();
    }

    @Override
    Opened open(int flags) {
        if (!acquire()) {
            return new Opened.Failed(ENOENT);
        }
        if ((flags & O_TRUNC) != 0) {
            truncate(0);
        }
        return new Opened.File(new OpenMemoryFile(this, Tree.statusFlags(flags)));
    }

    @Override
    void stat(Stat stat) {
        lock();
        try {
            stat.set(store.device, number, mode, links(), 0, size, Page.SIZE, mtimeNanos);
        } finally {
            unlock();
        }
    }

    @Override
    void gone() {
        lock();
        try {
            pages.clear();
            unwritten.clear();
        } finally {
            unlock();
        }
    }

    // Reading and writing. All of these need the lock.

    long sizeLocked() {
        return size;
    }

    /** Copies up to the end of the file; returns bytes or -EFAULT. */
    long readLocked(Iov to, long position) {
        long most = Math.min(to.left(), size - position);
        long done = 0;
        while (done < most) {
            long at = position + done;
            int start = (int) (at % Page.SIZE);
            int count = (int) Math.min(Page.SIZE - start, most - done);
            Memory page = pages.get(at / Page.SIZE);
            int copied = to.copyWhatCanBe(page == null ? resources.zeros : page, start, count, false);
            done += copied;
            if (copied < count) {
                return done > 0 ? done : -EFAULT;
            }
        }
        return done;
    }

    /** write(2) at a position: what the limits, the seals and the memory allow. Returns bytes or -errno. */
    long writeLocked(Iov from, long position) {
        long most = allowed(position, from.left());
        long done = 0;
        long refused = Math.min(most, 0);
        while (done < most && refused == 0) {
            long at = position + done;
            int start = (int) (at % Page.SIZE);
            int count = (int) Math.min(Page.SIZE - start, most - done);
            refused = sealedLocked(at + count);
            if (refused < 0) {
                break;
            }
            Memory page = pageToWriteLocked(at / Page.SIZE, count);
            if (page == null) {
                refused = -ENOMEM;
                break;
            }
            int copied = from.copyWhatCanBe(page, start, count, true);
            if (copied < count) {
                refused = -EFAULT;
            }
            wroteLocked(page, at, count, copied);
            done += copied;
        }
        return done > 0 ? done : refused;
    }

    /** How many of {@code count} bytes the limits of size let through, or -EFBIG, with its signal [F08]. */
    private long allowed(long position, long count) {
        if (count == 0) {
            return 0;
        }
        long limit = resources.fileSizeLimitBytes;
        if (position >= limit && limit != Long.MAX_VALUE) {
            resources.sigxfszs.increment();
            return -EFBIG;
        }
        if (position >= store.mostBytes) {
            return -EFBIG; // without a signal [D10]
        }
        return Math.min(count, Math.min(limit, store.mostBytes) - position);
    }

    /** 0, or -EPERM when a seal forbids a write that ends there [F11]. */
    private long sealedLocked(long end) {
        boolean write = (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) != 0;
        return write || ((seals & F_SEAL_GROW) != 0 && end > size) ? -EPERM : 0;
    }

    /**
     * The page to write {@code count} bytes to. Where a hole is, one that is not yet the file's: zeros, or anything if
     * all of it will be written. Null: memory is used up.
     */
    private @Nullable Memory pageToWriteLocked(long number, int count) {
        Memory page = pages.get(number);
        if (page == null) {
            page = unwritten.get(number);
        }
        if (page == null) {
            page = count == Page.SIZE ? resources.pages.take() : resources.pages.takeZeroed();
        }
        return page;
    }

    /**
     * Of {@code count} bytes that the page was to take at {@code at}, it took {@code copied}. If it filled a hole, it
     * becomes the file's.
     */
    private void wroteLocked(Memory page, long at, int count, int copied) {
        long number = at / Page.SIZE;
        if (!page.equals(pages.get(number))) {
            boolean waited = page.equals(unwritten.get(number));
            if (copied == 0) {
                if (!waited) {
                    page.release(0);
                }
                return;
            }
            if (copied < count) {
                int end = (int) (at % Page.SIZE) + copied;
                Memory.copy(resources.zeros, 0, page, end, Page.SIZE - end); // anything may have been in it
            }
            if (waited) {
                unwritten.remove(number);
            }
            pages.put(number, page);
        } else if (copied == 0) {
            return;
        }
        size = Math.max(size, at + copied);
        mtimeNanos = Math.max(now(), mtimeNanos + 1);
    }

    private static long now() {
        return TimeUnit.MILLISECONDS.toNanos(System.currentTimeMillis());
    }

    // Splicing. All of these need the lock, and the pipe's, which is taken first.

    /** References to the pages from a position on, one slot for each page touched [E04], [E05]. */
    long fillLocked(Pipe pipe, long position, long len) {
        Ring ring = pipe.ring;
        long most = Math.min(len, size - position);
        long done = 0;
        while (done < most && !ring.isFull()) {
            long at = position + done;
            int start = (int) (at % Page.SIZE);
            int count = (int) Math.min(Page.SIZE - start, most - done);
            Memory page = pageToShareLocked(at / Page.SIZE);
            if (page == null) {
                return done > 0 ? done : -ENOMEM;
            }
            page.retain(start);
            ring.add(page, start, count, 0);
            done += count;
        }
        return done;
    }

    /** Copies from a position on into pages of the pipe's own: a file open with O_DIRECT shares nothing [E20]. */
    long fillCopiesLocked(Pipe pipe, long position, long len) {
        long most = Math.min(Math.min(len, size - position), (long) pipe.ring.free() * Page.SIZE);
        long done = 0;
        while (done < most) {
            Page copy = resources.pages.take();
            if (copy == null) {
                return done > 0 ? done : -ENOMEM;
            }
            int length = (int) Math.min(Page.SIZE, most - done);
            for (int filled = 0; filled < length; ) {
                long at = position + done + filled;
                int start = (int) (at % Page.SIZE);
                int count = Math.min(Page.SIZE - start, length - filled);
                Memory page = pages.get(at / Page.SIZE);
                Memory.copy(page == null ? resources.zeros : page, start, copy, filled, count);
                filled += count;
            }
            pipe.ring.add(copy, 0, length, 0);
            done += length;
        }
        return done;
    }

    private @Nullable Memory pageToShareLocked(long number) {
        Memory page = pages.get(number);
        if (page != null) {
            return page;
        }
        if (store == Store.MEMORY) {
            return resources.zeros;
        }
        page = unwritten.get(number);
        if (page == null) {
            page = resources.pages.takeZeroed();
            if (page != null) {
                unwritten.put(number, page); // a later write fills it in place, and the pipe shows that [E18]
            }
        }
        return page;
    }

    /** Copies out of the pipe and consumes what was copied; nothing is consumed on an error [F07], [F11]. */
    long drainLocked(Pipe pipe, long position, long len, int flags) {
        Ring ring = pipe.ring;
        long most = allowed(position, Math.min(len, ring.bytes()));
        long done = 0;
        long refused = Math.min(most, 0);
        while (done < most && refused == 0) {
            long at = position + done;
            int start = (int) (at % Page.SIZE);
            int chunk = (int) Math.min(Page.SIZE - start, most - done); // what the kernel would write in one go
            int count = Math.min(chunk, ring.length(0));
            refused = sealedLocked(at + chunk);
            if (refused == 0) {
                boolean moved = count == Page.SIZE && (flags & SPLICE_F_MOVE) != 0 && takeOverLocked(ring, at);
                refused = moved ? 0 : copyLocked(ring, at, start, count);
            }
            if (refused == 0) {
                ring.consume(count);
                done += count;
            }
        }
        return done > 0 ? done : refused;
    }

    private long copyLocked(Ring ring, long at, int start, int count) {
        Memory page = pageToWriteLocked(at / Page.SIZE, count);
        if (page == null) {
            return -ENOMEM;
        }
        boolean copied = Memory.copy(ring.memory(0), ring.start(0), page, start, count);
        wroteLocked(page, at, count, copied ? count : 0);
        return copied ? 0 : -EFAULT;
    }

    /** What the manual pages promise for a gift: a page that nobody else has becomes the file's, without a copy. */
    private boolean takeOverLocked(Ring ring, long at) {
        long start = ring.start(0);
        if (resources.profile != UserKernel.Profile.MAN_PAGES
                || !ring.marked(0, Ring.GIFT)
                || !(ring.memory(0) instanceof Mapping mapping)
                || start % Page.SIZE != 0
                || !mapping.onlyOneRefersTo(start)) {
            return false;
        }
        long number = at / Page.SIZE;
        pages.drop(number, number + 1);
        unwritten.drop(number, number + 1);
        wroteLocked(new GiftedPage(mapping, start), at, Page.SIZE, Page.SIZE);
        return true;
    }

    /** copy_file_range(2) after its checks, both files' locks held: copies page by page. */
    static long copyLocked(MemoryFile from, long position, MemoryFile to, long target, long len) {
        long done = 0;
        long refused = 0;
        while (done < len && refused == 0) {
            long source = position + done;
            long at = target + done;
            int sourceStart = (int) (source % Page.SIZE);
            int start = (int) (at % Page.SIZE);
            int chunk = (int) Math.min(Page.SIZE - start, len - done);
            int count = Math.min(chunk, Page.SIZE - sourceStart);
            refused = to.sealedLocked(at + chunk);
            Memory page = refused < 0 ? null : to.pageToWriteLocked(at / Page.SIZE, count);
            if (page == null) {
                refused = refused < 0 ? refused : -ENOMEM;
                break;
            }
            Memory sourcePage = from.pages.get(source / Page.SIZE);
            boolean copied = Memory.copy(
                    sourcePage == null ? from.resources.zeros : sourcePage, sourceStart, page, start, count);
            to.wroteLocked(page, at, count, copied ? count : 0);
            refused = copied ? 0 : -EFAULT;
            done += copied ? count : 0;
        }
        return done > 0 ? done : refused;
    }

    /** The limits for copy_file_range(2), which asks them for nothing too. */
    long allowedLocked(long position, long count) {
        long most = allowed(position, Math.max(count, 1));
        return most < 0 ? most : Math.min(most, count);
    }

    // Size and holes.

    /** ftruncate(2). The part of the last page that is cut off becomes zeros in place: pipes show it [E14]. */
    long truncate(long length) {
        lock();
        try {
            long refused = length > size ? growableLocked(length) : 0;
            if (length < size && (seals & F_SEAL_SHRINK) != 0) {
                refused = -EPERM;
            }
            if (refused < 0) {
                return refused;
            }
            if (length < size) {
                if (length % Page.SIZE != 0) {
                    zeroLocked(length, Page.SIZE);
                }
                long kept = length / Page.SIZE + (length % Page.SIZE == 0 ? 0 : 1);
                pages.drop(kept, Long.MAX_VALUE);
                unwritten.drop(kept, Long.MAX_VALUE);
            }
            size = length;
            mtimeNanos = Math.max(now(), mtimeNanos + 1);
            return 0;
        } finally {
            unlock();
        }
    }

    private long growableLocked(long length) {
        if ((seals & F_SEAL_GROW) != 0) {
            return -EPERM;
        }
        if (length > resources.fileSizeLimitBytes) {
            resources.sigxfszs.increment();
            return -EFBIG;
        }
        return length > store.mostBytes ? -EFBIG : 0;
    }

    /** fallocate(2). */
    long allocate(int mode, long offset, long length) {
        int kind = mode & ~FALLOC_FL_KEEP_SIZE;
        boolean keep = (mode & FALLOC_FL_KEEP_SIZE) != 0;
        boolean known = kind == 0
                || (kind == FALLOC_FL_PUNCH_HOLE && keep)
                || (kind == FALLOC_FL_ZERO_RANGE && store == Store.DISK);
        if (!known) {
            return -EOPNOTSUPP;
        }
        long end = offset + length;
        if (end < 0 || end > store.mostBytes) {
            return -EFBIG;
        }
        lock();
        try {
            long refused = kind == FALLOC_FL_PUNCH_HOLE
                    ? (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) != 0 ? -EPERM : 0
                    : !keep && end > size ? growableLocked(end) : 0;
            if (refused == 0 && kind == 0 && (seals & F_SEAL_GROW) != 0 && end > size) {
                refused = -EPERM;
            }
            if (refused == 0 && kind != 0) {
                punchLocked(offset, end);
            }
            if (refused == 0 && kind != FALLOC_FL_PUNCH_HOLE) {
                refused = setAsideLocked(offset / Page.SIZE, (end - 1) / Page.SIZE);
            }
            if (refused == 0) {
                size = keep ? size : Math.max(size, end);
                mtimeNanos = Math.max(now(), mtimeNanos + 1);
            }
            return refused;
        } finally {
            unlock();
        }
    }

    /** Whole pages go, and pipes keep their bytes; parts of pages become zeros, and pipes see them [E27]. */
    private void punchLocked(long offset, long end) {
        long first = offset / Page.SIZE + (offset % Page.SIZE == 0 ? 0 : 1);
        long last = end / Page.SIZE;
        if (offset % Page.SIZE != 0) {
            zeroLocked(offset, end - offset);
        }
        pages.drop(first, last);
        unwritten.drop(first, last);
        if (last >= first) {
            zeroLocked(last * Page.SIZE, end % Page.SIZE);
        }
    }

    /** Up to {@code count} zeros, within one page and if it is there. */
    private void zeroLocked(long from, long count) {
        Memory page = pages.get(from / Page.SIZE);
        long start = from % Page.SIZE;
        if (page != null && count > 0) {
            Memory.copy(resources.zeros, 0, page, start, Math.min(count, Page.SIZE - start));
        }
    }

    /** Memory for every hole between two pages, all or none: later writes there do not fail. */
    private long setAsideLocked(long first, long last) {
        for (long number = first; number <= last; number++) {
            Memory waiting = unwritten.get(number);
            if (waiting != null && store == Store.MEMORY) {
                unwritten.remove(number);
                pages.put(number, waiting); // tmpfs takes what is set aside twice for written
            } else if (waiting == null && pages.get(number) == null) {
                Page page = resources.pages.takeZeroed();
                if (page == null) {
                    unwritten.drop(first, number);
                    return -ENOMEM;
                }
                unwritten.put(number, page);
            }
        }
        return 0;
    }

    /** lseek(2) SEEK_DATA and SEEK_HOLE: where the next page, or the next hole, begins; -ENXIO behind the end. */
    long seekLocked(long offset, boolean data) {
        if (offset < 0 || offset >= size) {
            return -ENXIO;
        }
        long number = offset / Page.SIZE;
        long found = data ? pages.next(number) : pages.nextHole(number);
        if (found == number) {
            return offset;
        }
        if (data) {
            return found < 0 || found > (size - 1) / Page.SIZE ? -ENXIO : found * Page.SIZE;
        }
        return Math.min(found * Page.SIZE, size);
    }

    /** F_GET_SEALS. */
    long seals() {
        if (store != Store.MEMORY) {
            return -EINVAL;
        }
        lock();
        try {
            return seals;
        } finally {
            unlock();
        }
    }

    /** F_ADD_SEALS, by somebody who may write. */
    long addSeals(int added) {
        if ((added & ~ALL_SEALS) != 0 || store != Store.MEMORY) {
            return -EINVAL;
        }
        lock();
        try {
            if ((seals & F_SEAL_SEAL) != 0) {
                return -EPERM;
            }
            if ((added & ~seals & F_SEAL_WRITE) != 0 && pages.shared()) {
                return -EBUSY; // a pipe has a page that must not change any more
            }
            seals |= added;
            return 0;
        } finally {
            unlock();
        }
    }

    @Override
    public String toString() {
        return "memory file " + number;
    }
}
