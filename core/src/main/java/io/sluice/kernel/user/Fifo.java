// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.ENOENT;
import static io.sluice.kernel.Errno.ENXIO;
import static io.sluice.kernel.Flags.O_ACCMODE;
import static io.sluice.kernel.Flags.O_DIRECT;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.Flags.S_IFIFO;

import io.sluice.kernel.Stat;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A named pipe: a name that leads to one and the same {@link Pipe} as long as anybody has it open, then to a new one
 * [Q03]. An open that meets nobody on the other side waits for the next to come [Q02].
 *
 * <p>Its lock comes before the pipe's.
 */
final class Fifo extends Inode implements PipeName {
    private static final long UNKNOWN = -1; // no count of writers: a hang-up shows [Q01]

    private final Resources resources;
    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by the lock.
    private @Nullable Pipe pipe;
    private final List<Opening> waitingReaders = new ArrayList<>();
    private final List<Opening> waitingWriters = new ArrayList<>();

    /** An open that waits: over when anybody opens the other side, even if that one has gone again meanwhile. */
    private static final class Opening extends Waitable {
        private boolean met;

        @Override
        boolean readableLocked() {
            return met;
        }

        @Override
        boolean writableLocked() {
            return false;
        }

        void meet() {
            lock();
            met = true;
            unlock();
        }

        /** Returns 0, -EINTR, or -EBADF when the kernel ends. */
        long await() {
            lock();
            try {
                return awaitReadableLocked(NO_DEADLINE);
            } finally {
                unlock();
            }
        }
    }

    Fifo(Resources resources, int permissions) {
        super(resources, S_IFIFO | permissions);
        this.resources = resources;
    }

    @Override
    Opened open(int flags) {
        int access = flags & O_ACCMODE;
        boolean reads = access != O_WRONLY;
        boolean writes = access != O_RDONLY;
        boolean nonblocking = (flags & O_NONBLOCK) != 0;
        if (!acquire()) {
            return new Opened.Failed(ENOENT);
        }
        long writersAtOpen = UNKNOWN;
        Opening waiting = null;
        Pipe opened;
        lock.lock();
        try {
            if (!reads && nonblocking && !hasReaderLocked()) {
                release();
                return new Opened.Failed(ENXIO);
            }
            opened = pipe == null ? new Pipe(resources) : pipe;
            pipe = opened;
            opened.lock();
            opened.openEndLocked(reads, writes);
            boolean alone = reads ? !opened.hasWriterLocked() : !opened.hasReaderLocked();
            if (alone && nonblocking) {
                writersAtOpen = opened.writeEndsEverLocked();
            }
            opened.unlock();
            if (alone && !nonblocking) {
                waiting = new Opening();
                (reads ? waitingReaders : waitingWriters).add(waiting);
            }
            if (reads) {
                meet(waitingWriters);
            }
            if (writes) {
                meet(waitingReaders);
            }
        } finally {
            lock.unlock();
        }
        int errno = waiting == null ? 0 : (int) -awaitPartner(waiting);
        if (errno == 0 && (flags & O_DIRECT) != 0) {
            errno = EINVAL; // only after the wait [Q08]
        }
        if (errno != 0) {
            close(opened, reads, writes);
            return new Opened.Failed(errno);
        }
        return new Opened.File(new PipeEnd(opened, this, Tree.statusFlags(flags), writersAtOpen));
    }

    private boolean hasReaderLocked() {
        Pipe now = pipe;
        if (now == null) {
            return false;
        }
        now.lock();
        try {
            return now.hasReaderLocked();
        } finally {
            now.unlock();
        }
    }

    private static void meet(List<Opening> waiting) {
        waiting.forEach(Opening::meet);
        waiting.clear();
    }

    private long awaitPartner(Opening waiting) {
        resources.remember(waiting);
        long result = waiting.await();
        resources.forget(waiting);
        lock.lock();
        try {
            boolean alone = waitingReaders.remove(waiting) || waitingWriters.remove(waiting);
            return alone ? result : 0; // one who came in the last moment was met all the same
        } finally {
            lock.unlock();
        }
    }

    /** An end is closed. With the last one, what nobody read is gone, and a changed capacity too. */
    @Override
    public void close(Pipe closed, boolean reads, boolean writes) {
        lock.lock();
        try {
            if (closed.closeEnd(reads, writes)) {
                pipe = null;
            }
        } finally {
            lock.unlock();
        }
        release();
    }

    @Override
    public Inode inode() {
        return this;
    }

    @Override
    public void stat(Stat stat) {
        stat.set(Device.DISK_FILES, number, mode, links(), 0, 0, Page.SIZE, 0);
    }

    @Override
    public String toString() {
        return "FIFO " + number;
    }
}
