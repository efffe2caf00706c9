// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.ESPIPE;
import static io.sluice.kernel.Flags.F_GETPIPE_SZ;
import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static io.sluice.kernel.Flags.POLLERR;
import static io.sluice.kernel.Flags.POLLHUP;
import static io.sluice.kernel.Flags.POLLIN;
import static io.sluice.kernel.Flags.POLLOUT;
import static io.sluice.kernel.Flags.POLLRDNORM;
import static io.sluice.kernel.Flags.POLLWRNORM;
import static io.sluice.kernel.Flags.S_IFIFO;

import io.sluice.kernel.Stat;
import org.jspecify.annotations.Nullable;

/** One open end of a pipe or FIFO; a FIFO opened O_RDWR is both ends in one. */
final class PipeEnd extends OpenFile {
    private final Pipe pipe;
    private final @Nullable PipeName name;

    /** Writers that the FIFO had ever had when this end was opened without one: until the next, no hang-up [Q01]. */
    private final long writersAtOpen;

    /** An end of a pipe without a name. The caller has counted it in the pipe. */
    PipeEnd(Pipe pipe, int statusFlags) {
        this(pipe, null, statusFlags, -1);
    }

    PipeEnd(Pipe pipe, @Nullable PipeName name, int statusFlags, long writersAtOpen) {
        super(statusFlags);
        this.pipe = pipe;
        this.name = name;
        this.writersAtOpen = writersAtOpen;
    }

    @Override
    Pipe pipe() {
        return pipe;
    }

    @Override
    @Nullable
    Inode inode() {
        return name == null ? null : name.inode();
    }

    @Override
    void closed() {
        if (name == null) {
            pipe.closeEnd(readable(), writable());
        } else {
            name.close(pipe, readable(), writable());
        }
    }

    @Override
    long read(Iov to, boolean nonblocking) {
        return pipe.read(to, nonblocking);
    }

    @Override
    long write(Iov from, boolean nonblocking) {
        return pipe.write(from, this);
    }

    @Override
    long fionread() {
        return pipe.fionread();
    }

    @Override
    long allocate(int mode, long offset, long length) {
        return -ESPIPE;
    }

    @Override
    long control(int command, int argument) {
        return switch (command) {
            case F_GETPIPE_SZ -> pipe.sizeBytes();
            case F_SETPIPE_SZ -> pipe.resize(argument);
            default -> -EINVAL;
        };
    }

    @Override
    void stat(Stat stat) {
        if (name == null) {
            stat.set(Device.PIPE_FILES, pipe.sequence(), S_IFIFO | 0600, 1, 0, 0, Page.SIZE, 0);
        } else {
            name.stat(stat);
        }
    }

    @Override
    int readiness() {
        pipe.lock();
        try {
            int ready = 0;
            if (readable()) {
                ready |= pipe.ring.isEmpty() ? 0 : POLLIN | POLLRDNORM;
                ready |= !pipe.hasWriterLocked() && pipe.writeEndsEverLocked() != writersAtOpen ? POLLHUP : 0;
            }
            if (writable()) {
                ready |= pipe.ring.isFull() ? 0 : POLLOUT | POLLWRNORM;
                ready |= pipe.hasReaderLocked() ? 0 : POLLERR;
            }
            return ready;
        } finally {
            pipe.unlock();
        }
    }

    @Override
    boolean watch(Watch watch) {
        pipe.watch(watch, readable(), writable());
        return true;
    }

    @Override
    void unwatch(Watch watch) {
        pipe.unwatch(watch);
    }

    @Override
    public String toString() {
        return (readable() ? writable() ? "both ends" : "read end" : "write end") + " of pipe " + pipe.sequence();
    }
}
