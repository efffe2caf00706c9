// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EACCES;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.ENXIO;
import static io.sluice.kernel.Flags.O_ACCMODE;
import static io.sluice.kernel.Flags.O_DIRECT;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_RDWR;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.Flags.S_IFCHR;
import static io.sluice.kernel.Flags.S_IFIFO;
import static io.sluice.kernel.Flags.S_IFSOCK;

import io.sluice.kernel.Stat;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * A FIFO or a character device of the host. An open may wait there for ever, and so may what comes after: each is done
 * by a thread of the kernel, and only the one who asked for it waits.
 */
final class HostSpecial extends Inode {
    private final Resources resources;
    private final HostThreads threads;
    private final Path path;
    private final HostAttributes attributes;

    /** An open under way. */
    private static final class Opening extends Waitable {
        private @Nullable FileChannel channel;
        private int errno;
        private boolean over;
        private boolean givenUp;

        @Override
        boolean readableLocked() {
            return over;
        }

        @Override
        boolean writableLocked() {
            return false;
        }

        /** The host has answered. Nobody wants it any more: then the channel is closed. */
        void answer(@Nullable FileChannel opened, int error) {
            lock();
            boolean unwanted = givenUp;
            channel = unwanted ? null : opened;
            errno = error;
            over = true;
            unlock();
            if (unwanted && opened != null) {
                HostPump.close(opened);
            }
        }

        /** Nobody wants the answer any more, and who waits for it need not. Returns the channel if it had come. */
        @Nullable
        FileChannel giveUp() {
            lock();
            try {
                givenUp |= !over;
                over = true;
                return channel;
            } finally {
                unlock();
            }
        }

        /** Waits as long as somebody wants the channel; null when there is none. For threads of the kernel. */
        @Nullable
        FileChannel awaitChannel() {
            lock();
            try {
                awaitReadableLocked(NO_DEADLINE);
                return channel;
            } finally {
                unlock();
            }
        }
    }

    HostSpecial(Resources resources, HostThreads threads, Path path, HostAttributes attributes) {
        super(resources, attributes.mode());
        this.resources = resources;
        this.threads = threads;
        this.path = path;
        this.attributes = attributes;
    }

    @Override
    Opened open(int flags) {
        int type = attributes.type();
        if (type != S_IFIFO && type != S_IFCHR) {
            return new Opened.Failed(type == S_IFSOCK ? ENXIO : EACCES);
        }
        if ((flags & O_DIRECT) != 0) {
            return new Opened.Failed(EINVAL);
        }
        int access = flags & O_ACCMODE;
        boolean waits = type != S_IFIFO || access == O_RDWR || (flags & O_NONBLOCK) == 0;
        int statusFlags = Tree.statusFlags(flags);
        Opening opening = new Opening();
        threads.start(() -> openHere(opening, access));
        if (!waits) {
            return new Opened.File(openedLater(opening, access, statusFlags));
        }
        long refused = await(opening);
        FileChannel channel = opening.channel;
        if (refused < 0 || channel == null) {
            return new Opened.Failed((int) (refused < 0 ? -refused : opening.errno));
        }
        return new Opened.File(
                type == S_IFIFO && access != O_RDWR
                        ? end(opening, channel, access, statusFlags)
                        : new HostStream(resources, threads, channel, true, attributes, statusFlags));
    }

    private void openHere(Opening opening, int access) {
        try {
            opening.answer(
                    switch (access) {
                        case O_RDONLY -> FileChannel.open(path, StandardOpenOption.READ);
                        case O_WRONLY -> FileChannel.open(path, StandardOpenOption.WRITE);
                        default -> FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
                    },
                    0);
        } catch (IOException e) {
            opening.answer(null, HostErrors.errno(e));
        }
    }

    /** Waits for the host's answer; who is interrupted leaves it to be thrown away. Returns 0 or -errno. */
    private long await(Opening opening) {
        resources.remember(opening);
        opening.lock();
        try {
            long result = opening.awaitReadableLocked(Waitable.NO_DEADLINE);
            boolean answered = opening.over;
            opening.givenUp = !answered;
            return answered ? 0 : result;
        } finally {
            opening.unlock();
            resources.forget(opening);
        }
    }

    /** One direction: the end of a pipe, as on the host, with a pump at its other end. */
    private OpenFile end(Opening opening, FileChannel channel, int access, int statusFlags) {
        Pipe pipe = Pipe.withBothEnds(resources);
        start(access, () -> pump(pipe, channel, access));
        return new PipeEnd(pipe, new Name(opening, access), statusFlags, -1);
    }

    /**
     * O_NONBLOCK on a FIFO: the host would make us wait, so its answer comes after ours. What was written meanwhile
     * waits for it, even when the kernel ends.
     */
    private OpenFile openedLater(Opening opening, int access, int statusFlags) {
        Pipe pipe = Pipe.withBothEnds(resources);
        start(access, () -> {
            FileChannel channel = opening.awaitChannel();
            if (channel == null) {
                pipe.closeEnd(access == O_WRONLY, access == O_RDONLY);
            } else {
                pump(pipe, channel, access);
            }
        });
        return new PipeEnd(pipe, new Name(opening, access), statusFlags, -1);
    }

    private void start(int access, Runnable pump) {
        if (access == O_RDONLY) {
            threads.start(pump);
        } else {
            threads.startWriting(pump);
        }
    }

    private static void pump(Pipe pipe, FileChannel channel, int access) {
        if (access == O_RDONLY) {
            HostPump.readInto(pipe, channel);
        } else {
            HostPump.writeFrom(pipe, channel);
        }
        HostPump.close(channel);
    }

    /** What the end of the pipe inside is called outside. */
    private final class Name implements PipeName {
        private final Opening opening;
        private final int access;

        Name(Opening opening, int access) {
            this.opening = opening;
            this.access = access;
        }

        @Override
        public Inode inode() {
            return HostSpecial.this;
        }

        @Override
        public void stat(Stat stat) {
            attributes.store(stat);
        }

        /**
         * A pump that waits for bytes that nobody will read is waked by closing its channel. One that waits for a
         * channel goes on only if it has something to write there.
         */
        @Override
        public void close(Pipe pipe, boolean reads, boolean writes) {
            pipe.closeEnd(reads, writes);
            if (access == O_RDONLY) {
                FileChannel open = opening.giveUp();
                if (open != null) {
                    threads.start(() -> HostPump.close(open));
                }
            } else if (pipe.fionread() == 0) {
                opening.giveUp();
            }
        }
    }

    @Override
    void stat(Stat stat) {
        attributes.store(stat);
    }

    @Override
    public String toString() {
        return "special file of the host " + path;
    }
}
