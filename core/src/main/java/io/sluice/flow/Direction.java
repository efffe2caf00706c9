// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.TransferPath;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Bytes on their way from a source to a sink and to any branches: the one place that decides how they move.
 *
 * <p><b>The law.</b> <i>Drain</i>: on entry nothing is in hand; take from the source. <i>Pump</i>: on entry n bytes are
 * in hand, in the pipe or in the buffer; they go out. So would-block has one meaning each time: at the drain the source
 * is empty, since an empty pipe has room; at the pump the sink is full, since a filled pipe has bytes. Nothing is
 * drained while anything is in hand, and the end of the source counts only when nothing is.
 *
 * <p>Between the two, every {@link Tap} gets its duplicate with exactly one tee into an empty stage.
 *
 * <p>A step makes one or two calls of bounded length, never blocks on an end, and ends in exactly one of progress, a
 * side to wait for, or the end. A pipe is held only while there are bytes in it, or until {@link #rest} says that a
 * wait begins. Belongs to one thread at a time; {@link #taken} and {@link #delivered} may be read by any.
 */
public final class Direction implements AutoCloseable {
    /** What a step came to. */
    public enum Step {
        PROGRESS,
        WAITS_FOR_SOURCE,
        WAITS_FOR_SINK,
        /** A tap that is to be waited for is full: {@link #fullTap}. */
        WAITS_FOR_BRANCH,
        /** {@link #failedSide} and {@link #errno} tell why. */
        ENDED
    }

    /** Where an end came from. */
    public enum Side {
        SOURCE,
        SINK,
        /** A call between both failed and does not tell which of them it was. */
        EITHER
    }

    private final PipePool pool;
    private final int pipeBytes;
    private final Inlet inlet;
    private final Outlet outlet;
    private final Bypass bypass;
    private final Branches branches;
    private final Route route;
    private final Tally tally;

    private @Nullable PooledPipe pipe;
    private boolean ended;
    private boolean endAnnounced;
    private Side failedSide = Side.SOURCE;
    private String failedCall = "";
    private int errno;

    /**
     * A direction that has moved nothing yet. Both descriptors stay entered while it is used.
     *
     * @param paths the paths to try, best first, as {@link Paths} gives them, or one that is forced
     * @param pipeBytes capacity of the pipes to borrow
     */
    public Direction(
            Kernel kernel, PipePool pool, Endpoint source, Endpoint sink, List<TransferPath> paths, int pipeBytes) {
        this.pool = pool;
        this.pipeBytes = pipeBytes;
        this.tally = new Tally(pool.journal());
        this.inlet = new Inlet(kernel, source);
        this.outlet = new Outlet(kernel, pool.buffers(), sink, tally);
        this.bypass = new Bypass(kernel, source, sink);
        this.branches = new Branches();
        this.route = new Route(paths);
        begin();
    }

    private void begin() {
        ended = false;
        errno = 0;
        if (!route.begin(inlet.source().splicesWithoutBlocking() && outlet.splices())) {
            ended(Side.EITHER, "splice", -Errno.EINVAL);
        }
    }

    /** Adds a tap, which gets what is taken from now on; false when there is no pipe for it. */
    public boolean add(Tap tap) {
        return branches.add(tap);
    }

    /** Takes a tap off that has brought on what it was given ({@link Branch#flush}). */
    public void remove(Tap tap) {
        branches.remove(tap);
    }

    /**
     * Goes on by {@code path} from the next piece on, as long as the kernel takes it; for whoever knows more of the
     * traffic than its ends tell.
     *
     * @return false when that path is not among this direction's, or has been refused for good
     */
    public boolean take(TransferPath path) {
        return route.take(path);
    }

    /**
     * Says that the source, a socket, has announced its end (EPOLLRDHUP), so that a read that comes short takes its
     * last bytes. From now on a socket may keep these back (MSG_MORE), for them to leave in one segment with the end:
     * the caller goes on, in this turn or the next, until the direction has ended, and then shuts the sink down.
     */
    public void endIsAnnounced() {
        endAnnounced = true;
    }

    /** The path that the next piece is to take. */
    public TransferPath path() {
        return route.path();
    }

    // The steps.

    /**
     * Moves bytes on.
     *
     * @param maxBytes the most to take from the source; with bytes in hand nothing is taken and it does not matter
     */
    public Step step(long maxBytes) {
        if (pending() > 0) {
            return pump(false);
        }
        if (!branches.ready()) {
            return Step.WAITS_FOR_BRANCH;
        }
        if (ended) {
            return Step.ENDED;
        }
        return switch (route.path()) {
            case REFLINK -> reflink(maxBytes);
            case COPY_FILE_RANGE ->
                moved(TransferPath.COPY_FILE_RANGE, "copy_file_range", bypass.copyFileRange(maxBytes));
            case SENDFILE -> moved(TransferPath.SENDFILE, "sendfile", bypass.sendfile(maxBytes, knownRest()));
            case SPLICE -> drainBySplice(maxBytes);
            case COPY -> drainByRead(maxBytes);
        };
    }

    /** Shares the blocks of a whole file; the next path finds the end, or what was added meanwhile. */
    private Step reflink(long maxBytes) {
        if (!bypass.isWholeFile(maxBytes, route.isLast())) {
            return nextPathOr(Side.EITHER, "ficlone", -Errno.EINVAL);
        }
        long shared = bypass.ficlone();
        if (shared < 0) {
            return refused("ficlone", shared, Side.EITHER);
        }
        inlet.took(shared);
        tally.moved(TransferPath.REFLINK, shared);
        return nextPathOr(Side.SOURCE, "", 0);
    }

    /** The outcome of a call that moves bytes past the pipe. */
    private Step moved(TransferPath by, String call, long moved) {
        if (moved > 0) {
            inlet.took(moved);
            tally.moved(by, moved);
            return Step.PROGRESS;
        }
        if (moved == -Errno.EAGAIN) {
            return Step.WAITS_FOR_SINK; // the source is a file, which is always ready
        }
        return nothingTaken(by, call, moved, Side.EITHER);
    }

    private Step drainBySplice(long maxBytes) {
        int most = branches.stageBytes();
        if (most == 0) {
            return withoutPipe(PipePool.NoPipe.OF_TAP);
        }
        PooledPipe borrowed = pipe;
        if (borrowed != null && borrowed.capacityBytes > most) {
            giveBackEmptyPipe(); // a tap has a smaller stage than before
            borrowed = null;
        }
        if (borrowed == null) {
            PipePool.Borrowed found = pool.borrow(Math.min(pipeBytes, most));
            if (found instanceof PipePool.NoPipe none) {
                return withoutPipe(none);
            }
            borrowed = (PooledPipe) found;
            pipe = borrowed;
        }
        long drained = inlet.splice(borrowed, maxBytes);
        if (drained <= 0) {
            return nothingTaken(TransferPath.SPLICE, "splice", drained, Side.SOURCE);
        }
        if (!branches.isEmpty()) {
            inlet.delivered(drained, false); // the branches' pipes hold the pages, too
        }
        branches.tee(borrowed);
        return pump(drained < maxBytes && knownRest() > 0);
    }

    private Step drainByRead(long maxBytes) {
        MemorySegment buffer = outlet.emptyBuffer(Math.min(maxBytes, copyBytes()));
        long drained = inlet.read(buffer);
        outlet.filled(Math.max(drained, 0));
        if (drained <= 0) {
            return nothingTaken(TransferPath.COPY, "read", drained, Side.SOURCE);
        }
        branches.write(buffer.asSlice(0, drained));
        return pump(endAnnounced && inlet.looksEmpty());
    }

    /**
     * Puts bytes in hand that have left the source by another's call, such as what was read to be looked at; they go
     * out before anything else is taken.
     *
     * @return how many were accepted: as many as the buffer holds, 0 while anything is in hand or a branch is full
     */
    public long preload(MemorySegment bytes) {
        if (pending() > 0 || !branches.ready()) {
            return 0;
        }
        MemorySegment buffer = outlet.emptyBuffer(Math.min(bytes.byteSize(), copyBytes()));
        buffer.copyFrom(bytes.asSlice(0, buffer.byteSize()));
        inlet.took(buffer.byteSize());
        outlet.filled(buffer.byteSize());
        branches.write(buffer);
        return buffer.byteSize();
    }

    /** What is copied at a time fits in every stage. */
    private int copyBytes() {
        return Math.min(pipeBytes, branches.copyBytes());
    }

    /**
     * Takes what is in hand back out, oldest first, so that somebody else brings it to the sink.
     *
     * @return how many bytes; less than {@link #pending} was only when {@code into} is too small
     */
    public long reclaim(MemorySegment into) {
        return outlet.reclaim(pipe, into);
    }

    /** Sends on what is in hand. */
    private Step pump(boolean more) {
        boolean spliced = outlet.splices();
        String call = outlet.nextCall();
        long pushed = outlet.push(pipe, more);
        if (pushed > 0) {
            inlet.delivered(pushed, outlet.sink().isRegularFile());
        }
        if (pushed == -Errno.EAGAIN) {
            return Step.WAITS_FOR_SINK;
        }
        if (pushed < 0 && pushed != -Errno.EINTR) {
            return ended(Side.SINK, call, pushed);
        }
        if (spliced && !outlet.splices()) {
            return leavePath("splice", -outlet.refusal());
        }
        if (pending() == 0 && pushed > 0 && route.returnsToSplice()) {
            outlet.trySplicingAgain();
        }
        return Step.PROGRESS;
    }

    /** Bytes that surely follow, for a file on its way to a socket; else 0. */
    private long knownRest() {
        return outlet.sink().kind() == EndKind.SOCKET ? inlet.knownRest() : 0;
    }

    // Ends and refusals.

    /** A call on the path {@code by} took nothing from the source: it answered 0 or -errno. */
    private Step nothingTaken(TransferPath by, String call, long result, Side side) {
        if (result != 0 && result != -Errno.EAGAIN) {
            return refused(call, result, side);
        }
        return switch (inlet.finding(by, result)) {
            case READY -> Step.PROGRESS;
            case EMPTY -> Step.WAITS_FOR_SOURCE;
            case DECLINES -> {
                tally.fellBack(new Fallback(by, call, Errno.EAGAIN));
                yield leavePath(call, -Errno.EAGAIN);
            }
            case DOUBTFUL -> nextPathOr(Side.SOURCE, "", 0);
            case ENDED -> ended(Side.SOURCE, "", 0);
            case FAILED -> ended(Side.SOURCE, "recv", -inlet.lookErrno());
        };
    }

    /** The kernel's -errno: where it says that the path cannot be taken here, the next one is. */
    private Step refused(String call, long result, Side side) {
        if (result == -Errno.EINTR) {
            return Step.PROGRESS;
        }
        if (!Fallback.allowed(route.path(), (int) -result)) {
            return ended(side, call, result);
        }
        tally.fellBack(new Fallback(route.path(), call, (int) -result));
        return leavePath(call, result);
    }

    /** Nothing has been moved, copying needs no pipe, and a moment later there may be one. */
    private Step withoutPipe(PipePool.NoPipe none) {
        tally.fellBack(new Fallback(TransferPath.SPLICE, none.call(), none.errno()));
        route.lacksPipe(tally.bytes(TransferPath.SPLICE));
        return nextPathOr(Side.EITHER, none.call(), -none.errno());
    }

    private Step leavePath(String call, long result) {
        if (route.path() == TransferPath.SPLICE) {
            boolean sockets =
                    inlet.source().kind() == EndKind.SOCKET || outlet.sink().kind() == EndKind.SOCKET;
            route.leavesSplice(sockets, tally.bytes(TransferPath.SPLICE));
        }
        return nextPathOr(Side.EITHER, call, result);
    }

    /** Goes on by the next path; where there is none, the direction has ended so. */
    private Step nextPathOr(Side side, String call, long result) {
        return route.next() ? Step.PROGRESS : ended(side, call, result);
    }

    private Step ended(Side side, String call, long result) {
        failedSide = side;
        failedCall = call;
        errno = (int) -result;
        ended = true;
        return Step.ENDED;
    }

    // What has happened, for the loop around the steps.

    /** Bytes taken from the source. */
    public long taken() {
        return inlet.taken();
    }

    /** Whether the last read took less than it had room for: by then the source was empty, or at its end. */
    public boolean sourceLooksEmpty() {
        return inlet.looksEmpty();
    }

    /** Bytes taken and not delivered: in the pipe and in the buffer. */
    public long pending() {
        return outlet.bufferedBytes() + (pipe == null ? 0 : pipe.heldBytes);
    }

    /** Bytes that reached the sink, by path. */
    public Tally delivered() {
        return tally;
    }

    public Side failedSide() {
        return failedSide;
    }

    /** The system call that failed. */
    public String failedCall() {
        return failedCall;
    }

    /** Why the direction ended: 0 at the end of the source. */
    public int errno() {
        return errno;
    }

    /** The tap to wait for; only after WAITS_FOR_BRANCH. */
    public Tap fullTap() {
        return branches.full();
    }

    // Rest and end.

    /** Gives the pipe back when it is empty: a direction that waits for its source holds none. */
    public void rest() {
        giveBackEmptyPipe();
        branches.rest();
    }

    private void giveBackEmptyPipe() {
        PooledPipe empty = pipe;
        if (empty != null && empty.heldBytes == 0) {
            pipe = null;
            pool.giveBack(empty);
        }
    }

    /**
     * After the sink has failed: what is in hand and what follows goes to {@code nowhere}, so that the branches go on.
     */
    public void redirect(Endpoint nowhere) {
        outlet.redirect(nowhere);
        begin();
    }

    /** Returns what was borrowed. Bytes still in hand are lost: {@link #pending} says how many, before. */
    @Override
    public void close() {
        PooledPipe last = pipe;
        pipe = null;
        if (last != null) {
            pool.giveBack(last);
        }
        outlet.close();
        inlet.close();
        branches.close();
    }
}
