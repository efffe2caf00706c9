// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EBADF;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.EMFILE;
import static io.sluice.kernel.Flags.FD_CLOEXEC;
import static io.sluice.kernel.Flags.O_PATH;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Descriptor numbers and what they stand for. A new descriptor gets the lowest free number [A01]. Looking one up takes
 * no lock; changing the table does.
 */
final class DescriptorTable {
    private static final int FIRST_SIZE = 64;

    private int limit; // guarded by the lock
    private final ReentrantLock lock = new ReentrantLock();

    /** Index: descriptor. Grows by replacement; entries are written with the lock held. */
    private volatile AtomicReferenceArray<@Nullable OpenFile> files;

    // Guarded by the lock.
    private boolean[] closeOnExec;
    private int lowestFree; // no number below it is free

    /** A table of at most {@code limit} descriptors, as RLIMIT_NOFILE. */
    DescriptorTable(int limit) {
        this.limit = limit;
        int size = Math.min(FIRST_SIZE, limit);
        files = new AtomicReferenceArray<>(size);
        closeOnExec = new boolean[size];
    }

    /** The file behind a descriptor, with a reference taken; null for a bad number and for one opened with O_PATH. */
    @Nullable
    OpenFile acquire(int fd) {
        OpenFile file = acquireAny(fd);
        if (file != null && file.has(O_PATH)) {
            file.release();
            return null;
        }
        return file;
    }

    /** As {@link #acquire}, and those opened with O_PATH too. */
    @Nullable
    OpenFile acquireAny(int fd) {
        AtomicReferenceArray<@Nullable OpenFile> now = files;
        if (fd < 0 || fd >= now.length()) {
            return null;
        }
        OpenFile file = now.get(fd);
        return file != null && file.acquire() ? file : null;
    }

    /** Whether every number is taken: asked before a call makes something that would need one. */
    boolean isFull() {
        lock.lock();
        try {
            return lowestFreeLocked(0) < 0;
        } finally {
            lock.unlock();
        }
    }

    /** Gives a file, whose reference passes to the table, the lowest free number of at least {@code from}. */
    long install(OpenFile file, boolean cloexec, int from) {
        lock.lock();
        try {
            long fd = lowestFreeLocked(from);
            if (fd >= 0) {
                putLocked((int) fd, file, cloexec);
            }
            return fd;
        } finally {
            lock.unlock();
        }
    }

    long install(OpenFile file, boolean cloexec) {
        return install(file, cloexec, 0);
    }

    /** Gives two files the two lowest free numbers, both or neither [A07]. Returns 0 or -EMFILE. */
    long installPair(OpenFile first, OpenFile second, boolean cloexec, int[] fds) {
        lock.lock();
        try {
            long one = lowestFreeLocked(0);
            if (one < 0) {
                return one;
            }
            long two = lowestFreeLocked((int) one + 1);
            if (two < 0) {
                return two;
            }
            putLocked((int) one, first, cloexec);
            putLocked((int) two, second, cloexec);
            fds[0] = (int) one;
            fds[1] = (int) two;
            return 0;
        } finally {
            lock.unlock();
        }
    }

    /** Takes a descriptor out and answers its file, whose reference passes to the caller; null for a bad number. */
    @Nullable
    OpenFile remove(int fd) {
        lock.lock();
        try {
            if (fd < 0 || fd >= files.length()) {
                return null;
            }
            OpenFile file = files.getAndSet(fd, null);
            if (file != null) {
                closeOnExec[fd] = false;
                lowestFree = Math.min(lowestFree, fd);
            }
            return file;
        } finally {
            lock.unlock();
        }
    }

    /** F_DUPFD: another descriptor, of at least {@code from}, for the same file. */
    long duplicate(int fd, int from, boolean cloexec) {
        if (from < 0 || from >= limit()) {
            return -EINVAL;
        }
        OpenFile file = acquireAny(fd);
        if (file == null) {
            return -EBADF;
        }
        long duplicate = install(file, cloexec, from);
        if (duplicate < 0) {
            file.release();
        }
        return duplicate;
    }

    private int limit() {
        lock.lock();
        try {
            return limit;
        } finally {
            lock.unlock();
        }
    }

    /** F_GETFD. */
    long descriptorFlags(int fd) {
        lock.lock();
        try {
            return !openLocked(fd) ? -EBADF : closeOnExec[fd] ? FD_CLOEXEC : 0;
        } finally {
            lock.unlock();
        }
    }

    /** F_SETFD. */
    long setDescriptorFlags(int fd, int flags) {
        lock.lock();
        try {
            if (!openLocked(fd)) {
                return -EBADF;
            }
            closeOnExec[fd] = (flags & FD_CLOEXEC) != 0;
            return 0;
        } finally {
            lock.unlock();
        }
    }

    /** The kernel ends: no more descriptors. */
    void close() {
        lock.lock();
        try {
            limit = 0;
        } finally {
            lock.unlock();
        }
    }

    /** The numbers in use, in order. */
    List<Integer> descriptors() {
        lock.lock();
        try {
            List<Integer> numbers = new ArrayList<>();
            for (int fd = 0; fd < files.length(); fd++) {
                if (files.get(fd) != null) {
                    numbers.add(fd);
                }
            }
            return numbers;
        } finally {
            lock.unlock();
        }
    }

    private boolean openLocked(int fd) {
        return fd >= 0 && fd < files.length() && files.get(fd) != null;
    }

    private long lowestFreeLocked(int from) {
        int fd = Math.max(from, lowestFree);
        while (fd < files.length() && files.get(fd) != null) {
            fd++;
        }
        return fd < limit ? fd : -EMFILE;
    }

    private void putLocked(int fd, OpenFile file, boolean cloexec) {
        if (fd >= files.length()) {
            growLocked(fd + 1);
        }
        if (fd == lowestFree) {
            lowestFree++;
        }
        files.set(fd, file);
        closeOnExec[fd] = cloexec;
    }

    private void growLocked(int least) {
        int size = Math.min(limit, Math.max(least, 2 * files.length()));
        var larger = new AtomicReferenceArray<@Nullable OpenFile>(size);
        for (int i = 0; i < files.length(); i++) {
            larger.set(i, files.get(i));
        }
        closeOnExec = Arrays.copyOf(closeOnExec, size);
        files = larger;
    }
}
