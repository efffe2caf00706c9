// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.kernel.Flags.MSG_DONTWAIT;
import static io.sluice.kernel.Flags.MSG_PEEK;
import static io.sluice.kernel.Flags.POLLHUP;
import static io.sluice.kernel.Flags.POLLIN;
import static io.sluice.kernel.Flags.SEEK_CUR;
import static io.sluice.kernel.Flags.SEEK_SET;
import static io.sluice.kernel.Flags.SPLICE_F_MOVE;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Stat;
import io.sluice.kernel.TransferPath;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Bytes on their way from a source to a sink and to any branches: the one place that decides how they move.
 *
 * <p><b>The law.</b> <i>Drain</i>: on entry nothing is in hand; take from the source. <i>Pump</i>: on entry n bytes are
 * in hand, in the pipe or in the buffer; they go out. So would-block has one meaning each time: at the drain the source
 * is empty, since an empty pipe has room; at the pump the sink is full, since a filled pipe has bytes. Nothing is
 * drained while anything is in hand, and the end of the source counts only when nothing is.
 *
 * <p>Between the two, every branch gets its duplicate with exactly one tee into an empty stage.
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
        /** A branch whose policy is to block is full: {@link #fullBranch}. */
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

    /**
     * The most that one call on files moves, so that progress shows and interruption is noticed: some milliseconds'
     * work.
     */
    private static final long FILE_CALL_BYTES = 8 << 20;

    /** Where a look at a socket puts the byte that nobody reads; for all directions at once. */
    private static final MemorySegment PEEKED = Arena.global().allocate(1);

    private final Kernel kernel;
    private final PipePool pool;
    private final Endpoint source;
    private final int pipeBytes;
    private final List<TransferPath> paths;
    private final List<Branch> branches = new ArrayList<>();
    private final Tally tally = new Tally();
    private final Outlet outlet;

    private int path;
    private boolean ended;
    private boolean spliceAgain;
    private long splicedAtRefusal;
    private final AtomicLong takenBytes = new AtomicLong(); // written by one thread
    private long takenAtWait = -1;
    private long takenAtSight = -1;
    private long knownSourceBytes = -1;
    private @Nullable PooledPipe pipe;
    private @Nullable Branch fullBranch;
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
        this.kernel = kernel;
        this.pool = pool;
        this.source = source;
        this.paths = List.copyOf(paths);
        this.pipeBytes = pipeBytes;
        this.outlet = new Outlet(kernel, sink, tally);
        begin();
    }

    private void begin() {
        ended = false;
        errno = 0;
        path = 0;
        if (!source.splicesWithoutBlocking() || !outlet.splices()) {
            path = paths.indexOf(TransferPath.COPY); // known without a try
            if (path < 0) {
                ended(Side.EITHER, "splice", -Errno.EINVAL);
            }
        }
    }

    /** Adds a branch before the first step; false when there is no pipe for it. */
    public boolean add(Branch branch) {
        branches.add(branch);
        return branch.open();
    }

    // What has happened, for the loop around the steps.

    /** Bytes taken from the source. */
    public long taken() {
        return takenBytes.get();
    }

    private void took(long bytes) {
        takenBytes.setRelease(takenBytes.getPlain() + bytes);
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

    /** The branch to wait for; only after WAITS_FOR_BRANCH. */
    public Branch fullBranch() {
        Branch full = fullBranch;
        if (full == null) {
            throw new IllegalStateException("no branch is full");
        }
        return full;
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
        if (!branchesReady()) {
            return Step.WAITS_FOR_BRANCH;
        }
        if (ended) {
            return Step.ENDED;
        }
        return switch (paths.get(path)) {
            case REFLINK -> reflink(maxBytes);
            case COPY_FILE_RANGE -> copyFileRange(maxBytes);
            case SENDFILE -> sendfile(maxBytes);
            case SPLICE -> drainBySplice(maxBytes);
            case COPY -> drainByRead(maxBytes);
        };
    }

    /** Shares the blocks of a whole file with an empty one. */
    private Step reflink(long maxBytes) {
        Stat in = new Stat();
        Stat out = new Stat();
        boolean whole = kernel.fstat(source.fd(), in) == 0
                && kernel.fstat(sinkFd(), out) == 0
                && (in.size() > 0 || isLastPath())
                && in.size() <= maxBytes
                && out.size() == 0
                && kernel.lseek(source.fd(), 0, SEEK_CUR) == 0
                && kernel.lseek(sinkFd(), 0, SEEK_CUR) == 0;
        if (!whole) {
            return isLastPath() ? ended(Side.EITHER, "ficlone", -Errno.EINVAL) : next();
        }
        long result = kernel.ficlone(sinkFd(), source.fd());
        if (result < 0) {
            return refused("ficlone", result, Side.EITHER);
        }
        took(in.size());
        tally.moved(TransferPath.REFLINK, in.size());
        kernel.lseek(source.fd(), in.size(), SEEK_SET);
        kernel.lseek(sinkFd(), in.size(), SEEK_SET);
        // The next path finds the end, or what was added meanwhile.
        return isLastPath() ? ended(Side.SOURCE, "", 0) : next();
    }

    private Step copyFileRange(long maxBytes) {
        long moved = kernel.copyFileRange(source.fd(), null, sinkFd(), null, Math.min(maxBytes, FILE_CALL_BYTES), 0);
        return direct(TransferPath.COPY_FILE_RANGE, "copy_file_range", moved);
    }

    private Step sendfile(long maxBytes) {
        long asked = Math.min(maxBytes, FILE_CALL_BYTES);
        // Asked for more than there is, older kernels hold the last segment back for the rest (pitfall 58).
        long known = knownRest();
        long moved = kernel.sendfile(sinkFd(), source.fd(), null, known > 0 ? Math.min(asked, known) : asked);
        return direct(TransferPath.SENDFILE, "sendfile", moved);
    }

    /** The outcome of a call that moves bytes from end to end. */
    private Step direct(TransferPath by, String call, long moved) {
        if (moved > 0) {
            took(moved);
            tally.moved(by, moved);
            return Step.PROGRESS;
        }
        if (moved == 0) {
            return endOrNext();
        }
        if (moved == -Errno.EAGAIN) {
            return Step.WAITS_FOR_SINK; // the source is a file, which is always ready
        }
        return refused(call, moved, Side.EITHER);
    }

    private Step drainBySplice(long maxBytes) {
        PooledPipe borrowed = pipe;
        if (borrowed == null) {
            borrowed = pool.borrow(branchedPipeBytes());
            if (borrowed == null) {
                return refused("pipe2", -Errno.EPERM, Side.EITHER);
            }
            pipe = borrowed;
        }
        long asked = Math.min(maxBytes, borrowed.capacityBytes);
        long drained =
                kernel.splice(source.fd(), null, borrowed.writeFd, null, asked, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (drained > 0) {
            took(drained);
            borrowed.heldBytes = drained;
            for (Branch branch : branches) {
                long copied = duplicate(borrowed, branch);
                if (copied < 0) {
                    return ended(Side.EITHER, "tee", copied);
                }
            }
            return pump(drained < maxBytes && knownRest() > 0);
        }
        if (drained == -Errno.EAGAIN && source.kind() == EndKind.SOCKET && takenAtWait == taken()) {
            return peeked(); // after a wait, too
        }
        return drained == 0 ? endOrNext() : notDrained("splice", drained);
    }

    private Step drainByRead(long maxBytes) {
        MemorySegment buffer = outlet.emptyBuffer(Math.min(maxBytes, branchedPipeBytes()));
        long drained = source.read(buffer);
        if (drained > 0) {
            took(drained);
            outlet.filled(drained);
            for (Branch branch : branches) {
                long copied = duplicate(buffer.asSlice(0, drained), branch);
                if (copied < 0) {
                    return ended(Side.EITHER, "write", copied);
                }
            }
            return pump(false);
        }
        return drained == 0 ? endOrNext() : notDrained("read", drained);
    }

    private Step notDrained(String call, long result) {
        if (result == -Errno.EAGAIN) {
            takenAtWait = taken();
            return Step.WAITS_FOR_SOURCE;
        }
        return refused(call, result, Side.SOURCE);
    }

    /** Sends on what is in hand. */
    private Step pump(boolean more) {
        boolean spliced = outlet.splices();
        String call = outlet.nextCall();
        long pushed = outlet.push(pipe, more);
        if (pushed == -Errno.EAGAIN) {
            return Step.WAITS_FOR_SINK;
        }
        if (pushed < 0 && pushed != -Errno.EINTR) {
            return ended(Side.SINK, call, pushed);
        }
        if (spliced && !outlet.splices()) {
            return giveUpSplice(-outlet.refusal());
        }
        if (pending() == 0 && spliceAgain && pushed > 0) {
            spliceAgain = false;
            path = paths.indexOf(TransferPath.SPLICE);
            outlet.trySplicingAgain();
        }
        return Step.PROGRESS;
    }

    // Branches.

    /** Empties the stages; false when a branch is full and must be waited for. */
    private boolean branchesReady() {
        for (Branch branch : branches) {
            if (branch.ended() || branch.flush()) {
                continue;
            }
            if (!branch.detachWhenFull()) {
                fullBranch = branch;
                return false;
            }
            branch.detach();
        }
        return true;
    }

    private long duplicate(PooledPipe from, Branch branch) {
        if (branch.ended()) {
            return 0;
        }
        PooledPipe stage = branch.stage();
        stage.copied = false;
        long copied = kernel.tee(from.readFd, stage.writeFd, from.heldBytes, SPLICE_F_NONBLOCK);
        return duplicated(stage, copied, from.heldBytes, "tee");
    }

    private long duplicate(MemorySegment bytes, Branch branch) {
        if (branch.ended()) {
            return 0;
        }
        PooledPipe stage = branch.stage();
        stage.copied = true;
        return duplicated(stage, kernel.write(stage.writeFd, bytes), bytes.byteSize(), "write");
    }

    /** Into an empty pipe with as many slots as the source's, neither can be short: if one is, the mistake is ours. */
    private static long duplicated(PooledPipe stage, long copied, long wanted, String call) {
        if (copied >= 0 && copied != wanted) {
            throw new IllegalStateException(call + " of " + wanted + " bytes into an empty stage of "
                    + stage.capacityBytes + " bytes answered " + copied);
        }
        stage.heldBytes = Math.max(0, copied);
        return copied;
    }

    /** No larger than the smallest stage, or a tee could be short. */
    private int branchedPipeBytes() {
        int bytes = pipeBytes;
        for (Branch branch : branches) {
            if (!branch.ended()) {
                bytes = Math.min(bytes, branch.stage().capacityBytes);
            }
        }
        return bytes;
    }

    // Ends and refusals.

    /** What a result of 0 means. It is believed only where nothing else can be behind it (pitfalls 25, 53; [Q01]). */
    private Step endOrNext() {
        return switch (source.kind()) {
            // A FIFO that no writer has opened yet answers 0 as well, but shows no hang-up; and by the time of the look
            // a writer may have been there and left bytes.
            case PIPE ->
                (kernel.poll(source.fd(), POLLIN, 0) & (POLLIN | POLLHUP)) == POLLHUP
                        ? ended(Side.SOURCE, "", 0)
                        : Step.WAITS_FOR_SOURCE;
            case SOCKET -> paths.get(path) == TransferPath.COPY ? ended(Side.SOURCE, "", 0) : peeked();
            // Files of /proc claim to be empty, and say so to every call but read.
            case FILE, DEVICE -> taken() == 0 && !isLastPath() ? next() : ended(Side.SOURCE, "", 0);
            case TERMINAL -> ended(Side.SOURCE, "", 0);
        };
    }

    /**
     * Looks into a socket in which splice has found nothing. When it finds nothing again where bytes have been seen, it
     * declines them, as it does before urgent data, and epoll would report them for ever: reading leads on (pitfall 5).
     */
    private Step peeked() {
        if (takenAtSight == taken()) {
            tally.fellBack(new Fallback(TransferPath.SPLICE, "splice", Errno.EAGAIN));
            return giveUpSplice(-Errno.EAGAIN);
        }
        long peeked = kernel.recv(source.fd(), PEEKED, MSG_PEEK | MSG_DONTWAIT);
        if (peeked > 0) {
            takenAtSight = taken();
            return Step.PROGRESS;
        }
        return peeked == -Errno.EAGAIN ? Step.WAITS_FOR_SOURCE : ended(Side.SOURCE, "recv", peeked);
    }

    private boolean isLastPath() {
        return path == paths.size() - 1;
    }

    private Step next() {
        path++;
        return Step.PROGRESS;
    }

    private Step refused(String call, long result, Side side) {
        if (result == -Errno.EINTR) {
            return Step.PROGRESS;
        }
        TransferPath refusing = paths.get(path);
        if (!Fallback.allowed(refusing, (int) -result)) {
            return ended(side, call, result);
        }
        tally.fellBack(new Fallback(refusing, call, (int) -result));
        if (refusing == TransferPath.SPLICE) {
            return giveUpSplice(result);
        }
        return isLastPath() ? ended(side, call, result) : next();
    }

    /**
     * Goes on by copying. A socket on which splice has worked may refuse only for the moment, as one with kernel TLS
     * does for a record that is no data: there splice is tried again after one piece, unless it was refused twice in a
     * row (pitfall 49).
     */
    private Step giveUpSplice(long result) {
        int copy = paths.indexOf(TransferPath.COPY);
        if (copy < 0) {
            return ended(Side.EITHER, "splice", result);
        }
        long spliced = tally.bytes(TransferPath.SPLICE);
        boolean sockets = source.kind() == EndKind.SOCKET || outlet.sink().kind() == EndKind.SOCKET;
        spliceAgain = sockets && spliced > splicedAtRefusal;
        splicedAtRefusal = spliced;
        path = copy;
        return Step.PROGRESS;
    }

    private Step ended(Side side, String call, long result) {
        failedSide = side;
        failedCall = call;
        errno = (int) -result;
        ended = true;
        return Step.ENDED;
    }

    /** Bytes that the source surely still has, for a file on its way to a socket; else 0. */
    private long knownRest() {
        if (source.kind() != EndKind.FILE || outlet.sink().kind() != EndKind.SOCKET) {
            return 0;
        }
        if (knownSourceBytes < 0) {
            Stat stat = new Stat();
            kernel.fstat(source.fd(), stat);
            knownSourceBytes = Math.max(0, stat.size() - kernel.lseek(source.fd(), 0, SEEK_CUR)) + taken();
        }
        return knownSourceBytes - taken();
    }

    private int sinkFd() {
        return outlet.sink().fd();
    }

    // Rest and end.

    /** Gives the pipe back when it is empty: a direction that waits for its source holds none. */
    public void rest() {
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
        branches.forEach(Branch::close);
    }
}
