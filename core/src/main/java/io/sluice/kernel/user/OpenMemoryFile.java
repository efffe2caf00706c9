// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.EPERM;
import static io.sluice.kernel.Flags.F_ADD_SEALS;
import static io.sluice.kernel.Flags.F_GET_SEALS;
import static io.sluice.kernel.Flags.O_DIRECT;
import static io.sluice.kernel.Flags.SEEK_CUR;
import static io.sluice.kernel.Flags.SEEK_DATA;
import static io.sluice.kernel.Flags.SEEK_END;
import static io.sluice.kernel.Flags.SEEK_HOLE;
import static io.sluice.kernel.Flags.SEEK_SET;

import io.sluice.kernel.Offset;
import io.sluice.kernel.Stat;
import org.jspecify.annotations.Nullable;

/** An open {@link MemoryFile}: the position, which the file's lock guards. */
final class OpenMemoryFile extends OpenFile {
    private final MemoryFile file;
    private long position;

    /** Takes over one hold of the file. */
    OpenMemoryFile(MemoryFile file, int statusFlags) {
        super(statusFlags);
        this.file = file;
    }

    MemoryFile file() {
        return file;
    }

    @Override
    Inode inode() {
        return file;
    }

    @Override
    void closed() {
        file.release();
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
    void stat(Stat stat) {
        file.stat(stat);
    }

    @Override
    long position() {
        file.lock();
        try {
            return position;
        } finally {
            file.unlock();
        }
    }

    // Reading and writing.

    @Override
    long read(Iov to, boolean nonblocking) {
        file.lock();
        try {
            long done = outOfRange(position, to.left()) ? -EINVAL : file.readLocked(to, position);
            position += Math.max(done, 0);
            return done;
        } finally {
            file.unlock();
        }
    }

    @Override
    long write(Iov from, boolean nonblocking) {
        file.lock();
        try {
            if (outOfRange(position, from.left())) {
                return -EINVAL;
            }
            long at = appends() ? file.sizeLocked() : position;
            long done = file.writeLocked(from, at);
            position = done > 0 ? at + done : position;
            return done;
        } finally {
            file.unlock();
        }
    }

    @Override
    long pread(Iov to, long offset) {
        file.lock();
        try {
            return outOfRange(offset, to.left()) ? -EINVAL : file.readLocked(to, offset);
        } finally {
            file.unlock();
        }
    }

    @Override
    long pwrite(Iov from, long offset) {
        file.lock();
        try {
            if (outOfRange(offset, from.left())) {
                return -EINVAL;
            }
            return file.writeLocked(from, appends() ? file.sizeLocked() : offset); // as Linux, against POSIX
        } finally {
            file.unlock();
        }
    }

    private static boolean outOfRange(long offset, long len) {
        return offset + len < 0;
    }

    @Override
    long fionread() {
        file.lock();
        try {
            return Integer.toUnsignedLong(
                    (int) (file.sizeLocked() - position)); // an int, which must look like no errno
        } finally {
            file.unlock();
        }
    }

    // Size, position, seals.

    @Override
    long seek(long offset, int whence) {
        file.lock();
        try {
            long target = switch (whence) {
                case SEEK_SET -> offset;
                case SEEK_CUR -> position + offset;
                case SEEK_END -> file.sizeLocked() + offset;
                case SEEK_DATA, SEEK_HOLE -> file.seekLocked(offset, whence == SEEK_DATA);
                default -> -EINVAL;
            };
            if (whence == SEEK_DATA || whence == SEEK_HOLE) {
                position = Math.max(target, target < 0 ? position : 0);
                return target;
            }
            if (target < 0 || target > file.store().mostBytes) {
                return -EINVAL;
            }
            position = target;
            return target;
        } finally {
            file.unlock();
        }
    }

    @Override
    long truncate(long length) {
        return file.truncate(length);
    }

    @Override
    long allocate(int mode, long offset, long length) {
        return file.allocate(mode, offset, length);
    }

    @Override
    long sync() {
        return 0;
    }

    @Override
    long mayChangeStatus(int flags) {
        return file.store() == MemoryFile.Store.MEMORY && (flags & O_DIRECT) != 0 ? -EINVAL : 0;
    }

    @Override
    long control(int command, int argument) {
        return switch (command) {
            case F_GET_SEALS -> file.seals();
            case F_ADD_SEALS -> writable() ? file.addSeals(argument) : -EPERM;
            default -> -EINVAL;
        };
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
    long fillLocked(Pipe pipe, @Nullable Offset offset, long len) {
        file.lock();
        try {
            long from = offset == null ? position : offset.value();
            long done = has(O_DIRECT) ? file.fillCopiesLocked(pipe, from, len) : file.fillLocked(pipe, from, len);
            advanceLocked(offset, done);
            return done;
        } finally {
            file.unlock();
        }
    }

    @Override
    long drainLocked(Pipe pipe, @Nullable Offset offset, long len, int flags) {
        file.lock();
        try {
            long done = file.drainLocked(pipe, offset == null ? position : offset.value(), len, flags);
            advanceLocked(offset, done);
            return done;
        } finally {
            file.unlock();
        }
    }

    long positionLocked() {
        return position;
    }

    void advanceLocked(@Nullable Offset offset, long done) {
        if (done <= 0) {
            return;
        }
        if (offset == null) {
            position += done;
        } else {
            offset.set(offset.value() + done);
        }
    }

    @Override
    public String toString() {
        return "open " + file;
    }
}
