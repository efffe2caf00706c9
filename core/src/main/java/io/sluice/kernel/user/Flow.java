// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Flags.POLLIN;
import static io.sluice.kernel.Flags.POLLRDNORM;

import org.jspecify.annotations.Nullable;

/**
 * One direction of a connection: what one socket has sent and the other has not read yet. It is the receive queue of
 * its reader, whose state its lock guards, and it takes both sides' sleepers: readers wait for bytes, the writer for
 * room. A listener's queue holds connections instead, and those who wait for room in it are connecting.
 *
 * <p>The lock may be taken while a pipe's lock is held, never the other way round, and no two flows are locked at once.
 */
abstract class Flow extends Waitable {
    final Resources resources;
    final Protocol protocol;

    // All guarded by the lock.
    final Pieces pieces = new Pieces();

    /** SO_SNDBUF of the writer. */
    int sendLimitBytes;

    /** What the reader takes before the writer is charged: SO_RCVBUF on TCP. */
    int receiveLimitBytes;

    /** How many messages may wait, or no limit: what keeps many senders from filling one socket. */
    int mostMessages = Integer.MAX_VALUE;

    /** Nothing more will come: after what is queued the reader gets 0. */
    boolean readEnded;

    /** Nothing more may be sent. Read without the lock too. */
    volatile boolean writeEnded;

    /** The reader is closed, or has refused all that still comes. */
    boolean readerGone;

    /** The writer's connect(2) has not been answered yet. */
    boolean connecting;

    /** Connections instead of bytes, in a socket that listens. */
    @Nullable
    Backlog backlog;

    /** The last bytes, which wait for more to come before they may be seen: MSG_MORE and TCP_CORK. */
    long heldBytes;

    /** Somebody found no room and has not been told of any since. */
    private boolean roomMissed;

    private int ends = 2;

    Flow(Resources resources, Protocol protocol) {
        this.resources = resources;
        this.protocol = protocol;
        resources.remember(this);
    }

    static Flow of(Resources resources, Protocol protocol) {
        return protocol.keepsMessages() ? new MessageFlow(resources, protocol) : new ByteFlow(resources, protocol);
    }

    /** Gives the user what is queued: bytes moved, or -errno. Something is queued. */
    abstract long takeLocked(Iov to, int flags);

    /** Queues as much of the user's memory as there is room for: bytes, or -errno; -EAGAIN when there is no room. */
    abstract long putLocked(Iov from, boolean more);

    /** Moves up to {@code len} of what is queued into free slots of a pipe: bytes, or -errno. Something is queued. */
    abstract long fillLocked(Pipe pipe, long len);

    /** Queues up to {@code len} bytes of a pipe's slots: bytes, or -errno; -EAGAIN when there is no room. */
    abstract long drainLocked(Pipe pipe, long len, boolean more);

    /** FIONREAD. */
    abstract long unreadLocked();

    /** Whether there is something to read, be it an empty message. */
    abstract boolean hasDataLocked();

    @Override
    boolean readableLocked() {
        if (backlog != null) {
            return !backlog.pending.isEmpty() || readEnded;
        }
        return readEnded || hasDataLocked();
    }

    @Override
    boolean writableLocked() {
        if (backlog != null) {
            return backlog.hasRoom() || readEnded;
        }
        return !connecting && (writeEnded || readerGone || roomyLocked());
    }

    /** Whether the writer counts as writable. */
    boolean roomyLocked() {
        boolean roomy = protocol.roomy(chargedLocked(), sendLimitBytes) && !crowdedLocked();
        roomMissed |= !roomy;
        return roomy;
    }

    /** How many bytes more may be queued on TCP. */
    long freeBytesLocked() {
        long free = (long) receiveLimitBytes + sendLimitBytes - pieces.charge();
        roomMissed |= free <= 0;
        return Math.max(0, free);
    }

    /** Whether not one buffer more may be queued. */
    boolean fullLocked() {
        boolean full = chargedLocked() >= sendLimitBytes || crowdedLocked();
        roomMissed |= full;
        return full;
    }

    /** Whether as many messages wait as may. */
    boolean crowdedLocked() {
        return false;
    }

    private long chargedLocked() {
        return Math.max(0, pieces.charge() - receiveLimitBytes);
    }

    /** Something was queued: an edge for those who watch, even if something was queued before. */
    void tellArrivedLocked() {
        tellReadersLocked(POLLIN | POLLRDNORM);
    }

    /**
     * Bytes were taken, or the limits have changed. Unix sockets tell of every buffer that is gone, TCP only when
     * somebody missed room.
     */
    void tellRoomLocked(boolean bufferGone) {
        boolean tells = protocol.isUnix() ? bufferGone : roomMissed;
        if (tells && protocol.roomy(chargedLocked(), sendLimitBytes)) {
            roomMissed = false;
            tellWritersLocked(protocol.writableEvents());
        }
    }

    /** Both sides look: something other than bytes and room has changed. */
    void tellStateLocked() {
        tellReadersLocked(ANY_EVENT);
        tellWritersLocked(ANY_EVENT);
    }

    /** The writer has gone for good, with what is queued still to be read. */
    void closeWriter() {
        lock();
        writeEnded = true;
        readEnded = true;
        heldBytes = 0;
        tellStateLocked();
        unlock();
        closeEnd();
    }

    /** The reader has gone: what is queued is released. Answers whether anything was. */
    boolean closeReader() {
        lock();
        boolean unread = !pieces.isEmpty();
        pieces.clear();
        heldBytes = 0;
        readerGone = true;
        readEnded = true;
        tellReaderGoneLocked();
        unlock();
        closeEnd();
        return unread;
    }

    /** A connect(2) has failed and may be tried again: as it was made. */
    void renew() {
        lock();
        readEnded = false;
        writeEnded = false;
        readerGone = false;
        connecting = false;
        ends = 2;
        resources.remember(this);
        unlock();
    }

    /** Senders of datagrams hear of it from their next send alone. */
    void tellReaderGoneLocked() {
        tellStateLocked();
    }

    /** One of the two sides is done with this flow. */
    void closeEnd() {
        lock();
        ends--;
        boolean last = ends == 0;
        unlock();
        if (last) {
            resources.forget(this);
        }
    }
}
