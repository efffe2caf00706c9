// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.EOPNOTSUPP;
import static io.sluice.kernel.Errno.EPIPE;
import static io.sluice.kernel.Flags.IPPROTO_TCP;
import static io.sluice.kernel.Flags.MSG_DONTWAIT;
import static io.sluice.kernel.Flags.MSG_MORE;
import static io.sluice.kernel.Flags.MSG_NOSIGNAL;
import static io.sluice.kernel.Flags.MSG_OOB;
import static io.sluice.kernel.Flags.MSG_PEEK;
import static io.sluice.kernel.Flags.MSG_WAITALL;
import static io.sluice.kernel.Flags.O_RDWR;
import static io.sluice.kernel.Flags.SOL_SOCKET;
import static io.sluice.kernel.Flags.SO_ACCEPTCONN;
import static io.sluice.kernel.Flags.SO_DOMAIN;
import static io.sluice.kernel.Flags.SO_ERROR;
import static io.sluice.kernel.Flags.SO_PROTOCOL;
import static io.sluice.kernel.Flags.SO_TYPE;
import static io.sluice.kernel.Flags.SPLICE_F_MORE;
import static io.sluice.kernel.Flags.S_IFSOCK;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Offset;
import io.sluice.kernel.Stat;
import java.net.SocketAddress;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * What all sockets do alike: receiving from the flow that is theirs to read, sending into the one that their peer
 * reads, splicing both ways, options. Kinds of sockets say which flow that is and what they answer when there is none.
 */
abstract class QueuedSocket extends Socket {
    /** No errno: there is nobody to read what is sent. */
    private static final long GONE = 1;

    final Resources resources;
    final Protocol protocol;
    final SocketOptions options;

    /** What comes in. Its lock guards this socket's state. */
    final Flow in;

    /** What went wrong since somebody asked, as SO_ERROR shows it once: a positive errno. */
    final AtomicInteger error = new AtomicInteger();

    private final long number;

    QueuedSocket(Resources resources, Protocol protocol, SocketOptions options, Flow in, int statusFlags) {
        super(O_RDWR | statusFlags);
        this.resources = resources;
        this.protocol = protocol;
        this.options = options;
        this.in = in;
        this.number = resources.nextSequence();
    }

    /** Where sends go; null when there is nowhere. */
    abstract @Nullable Flow out();

    /** What is answered before anything can be received: 0 or -errno. */
    abstract long refusesReceiveLocked();

    /** What a send answers when there is nowhere to send to. */
    abstract long unconnectedSend();

    /** A send found its reader gone: the answer, or 0 when the bytes are to be taken and lost. No lock is held. */
    abstract long readerGone(Flow out);

    abstract boolean isClosed();

    /** The name that this socket has got. */
    abstract void named(SocketAddress name);

    /** Answers the error that waits, once, as -errno; 0 when there is none. */
    final long takeError() {
        return -error.getAndSet(0);
    }

    // Receiving.

    @Override
    final long read(Iov to, boolean nonblocking) {
        return to.left() == 0 ? 0 : receive(to, 0, nonblocking);
    }

    @Override
    final long recv(Iov to, int flags) {
        if ((flags & MSG_OOB) != 0) {
            return protocol.keepsMessages() ? -EOPNOTSUPP : -EINVAL; // as where no urgent byte has come
        }
        return receive(to, flags, nonblocking() || (flags & MSG_DONTWAIT) != 0);
    }

    private long receive(Iov to, int flags, boolean nonblocking) {
        boolean all = (flags & MSG_WAITALL) != 0 && !protocol.keepsMessages();
        if (all && (flags & MSG_PEEK) != 0 && in instanceof ByteFlow bytes) {
            long slept = nonblocking ? 0 : awaitAll(bytes, to.left());
            if (slept < 0 && slept != -EAGAIN) {
                return slept;
            }
            all = false;
        }
        long deadline = nonblocking ? 0 : options.deadlineNanos(SocketOptions.SO_RCVTIMEO);
        long done = 0;
        in.lock();
        try {
            for (; ; ) {
                long ready = awaitDataLocked(done > 0, nonblocking, deadline);
                if (ready <= 0) {
                    return done > 0 ? done : ready;
                }
                long took = in.takeLocked(to, flags);
                if (took < 0) {
                    return done > 0 ? done : took;
                }
                done += took;
                if (!all || to.left() == 0) {
                    return done;
                }
            }
        } finally {
            in.unlock();
        }
    }

    /** MSG_PEEK with MSG_WAITALL: sleeps until as much is queued, and leaves it there. */
    private long awaitAll(ByteFlow bytes, long count) {
        long deadline = options.deadlineNanos(SocketOptions.SO_RCVTIMEO);
        in.lock();
        try {
            if (refusesReceiveLocked() < 0) {
                return 0;
            }
            bytes.wantedBytes = Math.max(1, count);
            return in.awaitReadableLocked(deadline);
        } finally {
            bytes.wantedBytes = 1;
            in.unlock();
        }
    }

    /**
     * Waits until something is queued. Errors come before messages and after bytes, as in the kernel.
     *
     * @param some something has been received by this call: what ends the wait is for the next one
     * @return 1, 0 at the end, or -errno
     */
    private long awaitDataLocked(boolean some, boolean nonblocking, long deadline) {
        for (; ; ) {
            long refused = refusesReceiveLocked();
            if (refused < 0) {
                return refused;
            }
            boolean data = in.hasDataLocked();
            long failed = some || (data && !protocol.keepsMessages()) || endedBeforeReset() ? 0 : takeError();
            if (failed < 0) {
                return failed;
            }
            if (data) {
                return 1;
            }
            if (in.readEnded) {
                return endOfInput(nonblocking);
            }
            if (nonblocking) {
                return -EAGAIN;
            }
            long slept = in.awaitReadableLocked(deadline);
            if (slept < 0) {
                return slept;
            }
        }
    }

    /** Of a TCP reset that came after the end, who receives learns nothing, but who sends and who asks for it. */
    private boolean endedBeforeReset() {
        return in.readEnded && !protocol.isUnix() && error.get() == EPIPE;
    }

    /** What the end of input answers: 0, but for datagrams. */
    long endOfInput(boolean nonblocking) {
        return 0;
    }

    // Sending.

    @Override
    final long write(Iov from, boolean nonblocking) {
        return send(from, 0, nonblocking);
    }

    @Override
    final long send(Iov from, int flags) {
        if ((flags & MSG_OOB) != 0) {
            return -EOPNOTSUPP; // no urgent data here: rather refused than sent as what it is not
        }
        return send(from, flags, nonblocking() || (flags & MSG_DONTWAIT) != 0);
    }

    private long send(Iov from, int flags, boolean nonblocking) {
        long deadline = nonblocking ? 0 : options.deadlineNanos(SocketOptions.SO_SNDTIMEO);
        boolean signals = (flags & MSG_NOSIGNAL) == 0;
        boolean more = (flags & MSG_MORE) != 0 || corked();
        long done = 0;
        boolean slept = false;
        for (; ; ) {
            Flow out = out();
            if (out == null) {
                return signalled(unconnectedSend(), signals);
            }
            long refused;
            out.lock();
            try {
                refused = slept && protocol.isUnix() ? endedAsleepLocked(out) : 0;
                signals &= refused == 0;
                refused = refused == 0 ? refusesSendLocked(out, nonblocking, deadline) : refused;
                if (refused == 0) {
                    long put = out.putLocked(from, more);
                    if (put >= 0) {
                        done += put;
                        if (from.left() == 0 || protocol.keepsMessages()) {
                            return done;
                        }
                    }
                    refused = put < 0 ? put : -EAGAIN;
                    if (refused == -EAGAIN && !nonblocking) {
                        refused = out.awaitWritableLocked(deadline);
                        slept = true;
                    }
                }
            } finally {
                out.unlock();
            }
            if (refused == GONE) {
                long left = from.left();
                long answer = readerGone(out);
                return done > 0 ? done : answer == 0 ? left : signalled(answer, signals);
            }
            if (refused < 0) {
                return done > 0 ? done : signalled(refused, signals);
            }
        }
    }

    /** 0 when bytes may be queued, -errno, or GONE. */
    private long refusesSendLocked(Flow out, boolean nonblocking, long deadline) {
        while (out.connecting) {
            long slept = nonblocking ? -EAGAIN : out.awaitWritableLocked(deadline);
            if (slept < 0) {
                return slept;
            }
        }
        return out.writeEnded ? sendEnded() : out.readerGone ? GONE : 0;
    }

    /** What ended a send asleep on a Unix socket, which hears of an error first and gets no signal: 0 or -errno. */
    private long endedAsleepLocked(Flow out) {
        if (!out.writeEnded) {
            return 0;
        }
        long failed = takeError();
        return failed == 0 ? -EPIPE : failed;
    }

    /** What a send answers after the direction was ended: the error that waits, or a broken pipe. */
    private long sendEnded() {
        boolean errorFirst = !protocol.isUnix() || protocol == Protocol.UNIX_PACKET;
        long failed = errorFirst ? takeError() : 0;
        return failed == 0 ? -EPIPE : failed;
    }

    /** Counts the SIGPIPE that a real kernel sends with a broken pipe on a stream. */
    private long signalled(long answer, boolean signals) {
        if (answer == -EPIPE && signals && !protocol.keepsMessages()) {
            resources.sigpipes.increment();
        }
        return answer;
    }

    /** Whether partial segments are to wait. */
    boolean corked() {
        return false;
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
    final long fillLocked(Pipe pipe, @Nullable Offset offset, long len) {
        in.lock();
        try {
            long ready = awaitDataLocked(false, true, 0);
            if (ready == -EAGAIN && in.readEnded && !nonblocking()) {
                return 0;
            }
            return ready <= 0 ? ready : in.fillLocked(pipe, len);
        } finally {
            in.unlock();
        }
    }

    @Override
    final long drainLocked(Pipe pipe, @Nullable Offset offset, long len, int flags) {
        Flow out = out();
        if (out == null) {
            return signalled(unconnectedSend(), true);
        }
        long refused;
        out.lock();
        try {
            refused = refusesSendLocked(out, true, 0);
            if (refused == 0) {
                long moved = out.drainLocked(pipe, len, (flags & SPLICE_F_MORE) != 0 || corked());
                return signalled(moved, true);
            }
        } finally {
            out.unlock();
        }
        if (refused != GONE) {
            return signalled(refused, true);
        }
        long answer = readerGone(out);
        return answer == 0 ? lose(pipe, len) : signalled(answer, true);
    }

    /** The network takes the bytes, and nobody is there. */
    private static long lose(Pipe pipe, long len) {
        long lost = 0;
        while (lost < len && !pipe.ring.isEmpty()) {
            int count = (int) Math.min(pipe.ring.length(0), len - lost);
            pipe.ring.consume(count);
            lost += count;
        }
        return lost;
    }

    /** A Unix stream obeys the flag and the pipe too [H03], all others their own O_NONBLOCK alone [H04], [H12]. */
    @Override
    boolean waitsAsSource(boolean nonblocking) {
        return !nonblocking() && (protocol != Protocol.UNIX_STREAM || !nonblocking);
    }

    @Override
    final long awaitReadable(@Nullable Offset offset, long len) {
        in.lock();
        try {
            return in.awaitReadableLocked(options.deadlineNanos(SocketOptions.SO_RCVTIMEO));
        } finally {
            in.unlock();
        }
    }

    @Override
    final long awaitWritable() {
        Flow out = out();
        if (out == null) {
            return 0;
        }
        out.lock();
        try {
            long slept = out.awaitWritableLocked(options.deadlineNanos(SocketOptions.SO_SNDTIMEO));
            return slept == 0 && protocol.isUnix() ? endedAsleepLocked(out) : slept;
        } finally {
            out.unlock();
        }
    }

    // Options and names.

    @Override
    long setOption(int level, int name, int[] value) {
        return options.set(level, name, value);
    }

    @Override
    final long option(int level, int name, int[] value) {
        if (level != SOL_SOCKET) {
            return options.read(level, name, value);
        }
        return switch (name) {
            case SO_TYPE -> SocketOptions.answer(value, protocol.type);
            case SO_DOMAIN -> SocketOptions.answer(value, protocol.domain);
            case SO_PROTOCOL -> SocketOptions.answer(value, protocol.isUnix() ? 0 : IPPROTO_TCP);
            case SO_ERROR -> SocketOptions.answer(value, (int) -takeError());
            case SO_ACCEPTCONN -> SocketOptions.answer(value, listens() ? 1 : 0);
            default -> options.read(level, name, value);
        };
    }

    boolean listens() {
        return false;
    }

    @Override
    long fionread() {
        in.lock();
        try {
            return Math.min(in.unreadLocked(), Integer.MAX_VALUE);
        } finally {
            in.unlock();
        }
    }

    @Override
    final void stat(Stat stat) {
        stat.set(Device.SOCKET_FILES, number, S_IFSOCK | 0777, 1, 0, 0, Page.SIZE, 0);
    }

    static Opened failed(long errno) {
        return new Opened.Failed((int) Math.abs(errno));
    }

    @Override
    public String toString() {
        return protocol + " socket " + number + (error.get() == 0 ? "" : " with " + Errno.name(error.get()));
    }
}
