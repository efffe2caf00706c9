// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EFAULT;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.ENOMEM;
import static io.sluice.kernel.Errno.ENOSPC;
import static io.sluice.kernel.Errno.ENOTTY;
import static io.sluice.kernel.Flags.O_DIRECT;
import static io.sluice.kernel.Flags.S_IFCHR;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.sluice.kernel.Offset;
import io.sluice.kernel.Stat;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/** /dev/null, /dev/zero, /dev/full and /dev/urandom: section I. Offsets are taken and never change [I04], [I06]. */
final class CharacterDevice extends Inode {
    /** Which device, with its minor number. */
    enum Kind {
        NULL(3),
        ZERO(5),
        FULL(7),
        URANDOM(9);

        private final int minor;

        Kind(int minor) {
            this.minor = minor;
        }
    }

    private static final long MEMORY_DEVICES = 1L << Integer.SIZE; // the major number

    private final Resources resources;
    private final Kind kind;

    CharacterDevice(Resources resources, Kind kind) {
        super(resources, S_IFCHR | 0666);
        this.resources = resources;
        this.kind = kind;
    }

    @Override
    Opened open(int flags) {
        if ((flags & O_DIRECT) != 0 || !acquire()) {
            return new Opened.Failed(EINVAL);
        }
        return new Opened.File(new Open(Tree.statusFlags(flags)));
    }

    @Override
    void stat(Stat stat) {
        stat.set(Device.DEVICE_FILES, number, mode, links(), MEMORY_DEVICES | kind.minor, 0, Page.SIZE, 0);
    }

    private final class Open extends OpenFile {
        Open(int statusFlags) {
            super(statusFlags);
        }

        @Override
        Inode inode() {
            return CharacterDevice.this;
        }

        @Override
        void closed() {
            CharacterDevice.this.release();
        }

        @Override
        void stat(Stat stat) {
            CharacterDevice.this.stat(stat);
        }

        @Override
        boolean seekable() {
            return true;
        }

        @Override
        long seek(long offset, int whence) {
            return 0;
        }

        @Override
        long fionread() {
            return kind == Kind.URANDOM ? -EINVAL : -ENOTTY;
        }

        @Override
        long read(Iov to, boolean nonblocking) {
            return switch (kind) {
                case NULL -> 0;
                case ZERO, FULL -> copyOut(to, resources.zeros);
                case URANDOM -> readRandom(to);
            };
        }

        private long readRandom(Iov to) {
            Page page = resources.pages.take();
            if (page == null) {
                return -ENOMEM;
            }
            try {
                return copyOut(to, page);
            } finally {
                page.release(0);
            }
        }

        private long copyOut(Iov to, Memory page) {
            long done = 0;
            while (to.left() > 0) {
                int count = (int) Math.min(to.left(), Page.SIZE);
                if (kind == Kind.URANDOM) {
                    randomize(page.bytes(), count);
                }
                int copied = to.copyWhatCanBe(page, 0, count, false);
                done += copied;
                if (copied < count) {
                    return done > 0 ? done : -EFAULT;
                }
            }
            return done;
        }

        @Override
        long write(Iov from, boolean nonblocking) {
            return kind == Kind.FULL ? -ENOSPC : from.left(); // the bytes are not even looked at
        }

        @Override
        long pread(Iov to, long offset) {
            return read(to, false);
        }

        @Override
        long pwrite(Iov from, long offset) {
            return write(from, false);
        }

        @Override
        boolean splicesOut() {
            return kind != Kind.NULL; // [I03]
        }

        @Override
        boolean splicesIn() {
            return kind != Kind.FULL; // [I05]
        }

        /** One slot for each started page [I01]. */
        @Override
        long fillLocked(Pipe pipe, @Nullable Offset offset, long len) {
            long most = Math.min(len, (long) pipe.ring.free() * Page.SIZE);
            long done = 0;
            while (done < most) {
                int count = (int) Math.min(Page.SIZE, most - done);
                Memory page = kind == Kind.URANDOM ? resources.pages.take() : resources.zeros;
                if (page == null) {
                    return done > 0 ? done : -ENOMEM;
                }
                if (kind == Kind.URANDOM) {
                    randomize(page.bytes(), count);
                } else {
                    page.retain(0);
                }
                pipe.ring.add(page, 0, count, 0);
                done += count;
            }
            return done;
        }

        /** Consumes without a look, so memory that cannot be reached any more is no matter [I11]. */
        @Override
        long drainLocked(Pipe pipe, @Nullable Offset offset, long len, int flags) {
            long done = pipe.ring.dropWhole(len);
            if (done < len && !pipe.ring.isEmpty()) {
                int rest = (int) (len - done);
                pipe.ring.consume(rest);
                done += rest;
            }
            return done;
        }

        private static void randomize(MemorySegment bytes, int count) {
            ThreadLocalRandom random = ThreadLocalRandom.current();
            for (int i = 0; i < count; i++) {
                bytes.set(JAVA_BYTE, i, (byte) random.nextInt());
            }
        }

        @Override
        public String toString() {
            return "/dev/" + kind;
        }
    }
}
