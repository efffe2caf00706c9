// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EBADF;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.EISDIR;
import static io.sluice.kernel.Errno.EOVERFLOW;
import static io.sluice.kernel.Errno.EXDEV;

import io.sluice.kernel.Offset;
import org.jspecify.annotations.Nullable;

/** copy_file_range(2) between two memory files, with the checks in the kernel's order. */
final class FileCopy {
    private FileCopy() {}

    static long copy(OpenFile in, @Nullable Offset offIn, OpenFile out, @Nullable Offset offOut, long len, int flags) {
        if (flags != 0) {
            return -EINVAL;
        }
        if (in.inode() instanceof Directory || out.inode() instanceof Directory) {
            return -EISDIR;
        }
        if (!(in instanceof OpenMemoryFile source) || !(out instanceof OpenMemoryFile target)) {
            return -EINVAL;
        }
        if (!in.readable() || !out.writable() || out.appends()) {
            return -EBADF;
        }
        if (source.file().store() != target.file().store()) {
            return -EXDEV; // a disk and tmpfs
        }
        lockBoth(source.file(), target.file());
        try {
            long from = offIn == null ? source.positionLocked() : offIn.value();
            long to = offOut == null ? target.positionLocked() : offOut.value();
            long count = countLocked(source.file(), from, target.file(), to, len);
            long done = count <= 0 ? count : MemoryFile.copyLocked(source.file(), from, target.file(), to, count);
            source.advanceLocked(offIn, done);
            target.advanceLocked(offOut, done);
            return done;
        } finally {
            source.file().unlock();
            if (source.file() != target.file()) {
                target.file().unlock();
            }
        }
    }

    /** How much is to be copied, or -errno. Lengths and sums are unsigned, as in the kernel. */
    private static long countLocked(MemoryFile source, long from, MemoryFile target, long to, long len) {
        if (Long.compareUnsigned(from + len, from) < 0 || Long.compareUnsigned(to + len, to) < 0) {
            return -EOVERFLOW;
        }
        if (from < 0 || to < 0) {
            return -EINVAL;
        }
        long left = Math.max(source.sizeLocked() - from, 0);
        long count = Long.compareUnsigned(len, left) < 0 ? len : left;
        count = target.allowedLocked(to, count);
        if (count < 0) {
            return count;
        }
        if (source == target && to + count > from && to < from + count) {
            return -EINVAL;
        }
        return count;
    }

    private static void lockBoth(MemoryFile a, MemoryFile b) {
        if (a.number <= b.number) {
            a.lock();
            if (a != b) {
                b.lock();
            }
        } else {
            b.lock();
            a.lock();
        }
    }
}
