// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.kernel.Flags.SPLICE_F_MOVE;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One duplicate of a direction's bytes, on its way to a sink of its own.
 *
 * <pre>
 *   the direction's thread                 the branch's thread, or the same one
 *   source pipe --tee--> stage ----> queue of pipes, the first --splice--> sink
 *                          ^                                |
 *                          +------------- empty ------------+
 * </pre>
 *
 * <p>The stage is empty before each tee and has as many slots as the source's pipe, so a tee is never short. It is
 * emptied into the queue's last pipe under this object's monitor; where that has no room, the stage itself becomes the
 * last. The queue's first, once taken, belongs to the branch's thread alone until it is empty and leaves the queue,
 * because a pipe that is being spliced to a file is locked while the disk works [H25]. A stage that cannot be emptied
 * means that the branch is full.
 */
public final class Branch implements Tap {
    /** What {@link #step} found. */
    public enum Step {
        PROGRESS,
        /** Nothing is queued now. */
        IDLE,
        WAITS_FOR_SINK,
        ENDED
    }

    private final Kernel kernel;
    private final PipePool pool;
    private final int pipeBytes;
    private final boolean detachWhenFull;
    private final Tally tally;
    private final Outlet outlet;

    // Guarded by this monitor.
    private @Nullable PooledPipe stage; // what is in it is the direction's thread's alone
    private boolean left; // by the direction
    private final ArrayDeque<PooledPipe> queue = new ArrayDeque<>();
    private final int boundPipes;
    private boolean headTaken;
    private boolean tailFull;
    private boolean finished;
    private boolean ended;
    private boolean complete;
    private boolean detached;
    private int errno;
    private String failedCall = "";

    // Woken after the monitor is let go.
    private volatile @Nullable Thread producer;
    private volatile @Nullable Thread consumer;

    /**
     * A branch to {@code sink}.
     *
     * @param boundBytes how far it may lag behind: this many bytes, or as many slots as pipes of that size have, beside
     *     what is on its way out
     * @param detachWhenFull whether it is given up when it is full; otherwise its direction waits for it
     */
    public Branch(Kernel kernel, PipePool pool, Endpoint sink, int pipeBytes, long boundBytes, boolean detachWhenFull) {
        this.kernel = kernel;
        this.pool = pool;
        this.pipeBytes = pipeBytes;
        this.detachWhenFull = detachWhenFull;
        this.boundPipes = 1 + Math.clamp(boundBytes / pipeBytes, 1, Integer.MAX_VALUE - 1); // one is on its way out
        this.tally = new Tally(pool.journal());
        this.outlet = new Outlet(kernel, pool.buffers(), sink, tally);
    }

    /** What reached the sink. */
    public Tally tally() {
        return tally;
    }

    public Endpoint sink() {
        return outlet.sink();
    }

    public boolean detachWhenFull() {
        return detachWhenFull;
    }

    // Called by the direction's thread.

    @Override
    public boolean open() {
        producer = Thread.currentThread();
        return hasStage() && !ended();
    }

    @Override
    public boolean ready() {
        if (ended() || (flush() && hasStage())) {
            return true;
        }
        if (!detachWhenFull) {
            return false;
        }
        detach();
        return true;
    }

    /**
     * Sees to a stage; false when there is none before the queue gets shorter. A branch without any pipe has failed.
     */
    private synchronized boolean hasStage() {
        if (stage == null && !ended) {
            switch (pool.borrow(pipeBytes)) {
                case PooledPipe lent -> stage = lent;
                case PipePool.NoPipe none -> {
                    if (!queue.isEmpty()) {
                        return false;
                    }
                    failLocked(none.call(), none.errno());
                }
            }
        }
        return true;
    }

    @Override
    public synchronized int stageBytes() {
        return ended ? Integer.MAX_VALUE : stage().capacityBytes;
    }

    /** The pipe to duplicate into; empty when the branch is ready. */
    synchronized PooledPipe stage() {
        PooledPipe open = stage;
        if (open == null) {
            throw new IllegalStateException("the branch has no stage");
        }
        return open;
    }

    @Override
    public void tee(PooledPipe from) {
        if (!ended()) {
            staged("tee", from.teeInto(kernel, stage()));
        }
    }

    @Override
    public void write(MemorySegment bytes) {
        if (!ended()) {
            staged("write", stage().fill(kernel, bytes));
        }
    }

    private void staged(String call, long result) {
        if (result < 0) {
            fail(call, (int) -result);
        }
    }

    /**
     * Moves the stage into the queue as far as there is room; true when the stage is empty, so that a tee may follow.
     */
    public boolean flush() {
        boolean empty;
        synchronized (this) {
            empty = ended || finished || flushLocked();
        }
        wake(consumer);
        return empty;
    }

    private boolean flushLocked() {
        PooledPipe from = stage;
        if (from == null || from.heldBytes == 0) {
            return true;
        }
        PooledPipe tail = queue.peekLast();
        boolean tailTaken = headTaken && queue.size() == 1;
        if (tail != null && !tailTaken && !tailFull && tail.copied == from.copied) {
            // A slot may hold more than a page, of what came from a socket: what a pipe was asked for bounds its bytes.
            moveLocked(from, tail, tail.capacityBytes - tail.heldBytes);
            if (from.heldBytes == 0 || ended) {
                return true;
            }
        }
        if (queue.size() >= boundPipes) {
            return false;
        }
        queue.addLast(from); // the stage itself: nothing is moved, and as a rule the pipe that comes back is the next
        stage = null;
        tailFull = false;
        return true;
    }

    private void moveLocked(PooledPipe from, PooledPipe tail, long roomBytes) {
        long room = roomBytes;
        while (room > 0 && from.heldBytes > 0) {
            long moved = kernel.splice(
                    from.readFd,
                    null,
                    tail.writeFd,
                    null,
                    Math.min(room, from.heldBytes),
                    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
            if (moved > 0) {
                room -= moved;
                from.heldBytes -= moved;
                tail.heldBytes += moved;
            } else if (moved == -Errno.EAGAIN) {
                tailFull = true; // it has bytes, so that means what it says
                return;
            } else if (moved != -Errno.EINTR) {
                failLocked("splice", (int) -moved);
                return;
            }
        }
    }

    private void failLocked(String call, int newErrno) {
        ended = true;
        errno = newErrno;
        failedCall = call;
    }

    /**
     * No more bytes will come: the branch ends when the stage and the queue have gone out. To be called again when
     * {@link #hasRoom}, until it answers true: it has ended.
     */
    public boolean finish() {
        if (flush()) {
            synchronized (this) {
                finished = true;
            }
            wake(consumer);
        }
        return ended();
    }

    /** Gives the branch up because it is full: what it holds is dropped and counted. */
    public void detach() {
        end(true, "", 0);
    }

    /** Ends the branch with what it has brought out so far, because the whole is cut short. */
    public void cut() {
        end(false, "", 0);
    }

    /** Ends the branch because its sink cannot be used: {@code call} has answered so. */
    public void fail(String call, int newErrno) {
        end(false, call, newErrno);
    }

    private void end(boolean becauseFull, String call, int newErrno) {
        synchronized (this) {
            if (ended) {
                return;
            }
            failLocked(call, newErrno);
            detached = becauseFull;
        }
        if (becauseFull) {
            pool.journal().branchDetached(outlet.sink(), tally.bytes());
        }
        wake(consumer);
        wake(producer);
    }

    /** Keeps its stage: with one pipe of its own a branch never fails for want of one. */
    @Override
    public void rest() {}

    /** Gives an empty stage back until {@link #ready}; for one of many branches, most of which have nothing to do. */
    public void giveBackStage() {
        PooledPipe empty = null;
        synchronized (this) {
            if (stage != null && stage.heldBytes == 0) {
                empty = stage;
                stage = null;
            }
        }
        if (empty != null) {
            pool.giveBack(empty);
        }
    }

    @Override
    public void close() {
        PooledPipe last;
        synchronized (this) {
            last = stage;
            stage = null;
            left = true;
        }
        if (last != null) {
            pool.giveBack(last);
        }
    }

    // Called by the branch's thread.

    /** Says who is to be unparked when there is something to do. */
    public void servedBy(Thread thread) {
        consumer = thread;
    }

    /** Moves queued bytes on to the sink with one call. */
    public Step step() {
        PooledPipe pipe = head();
        if (pipe == null) {
            return restState();
        }
        String call = outlet.nextCall();
        long pushed = outlet.push(pipe, false);
        if (pipe.heldBytes == 0 && outlet.bufferedBytes() == 0) {
            emptied(pipe);
        }
        if (pushed >= 0 || pushed == -Errno.EINTR) {
            return Step.PROGRESS;
        }
        if (pushed == -Errno.EAGAIN) {
            return Step.WAITS_FOR_SINK;
        }
        fail(call, (int) -pushed);
        return step();
    }

    private void emptied(PooledPipe pipe) {
        boolean next;
        synchronized (this) {
            queue.removeFirst();
            headTaken = false;
            tailFull &= !queue.isEmpty();
            next = stage == null && !left && !ended;
            if (next) {
                pipe.copied = false;
                stage = pipe;
            }
        }
        if (!next) {
            pool.giveBack(pipe);
        }
        wake(producer);
    }

    private synchronized @Nullable PooledPipe head() {
        if (ended) {
            return null;
        }
        headTaken = !queue.isEmpty();
        return queue.peekFirst();
    }

    private Step restState() {
        synchronized (this) {
            if (!ended) {
                if (!queue.isEmpty()) {
                    return Step.PROGRESS; // the last bytes came, and with them the end, after we had looked
                }
                if (!finished) {
                    return Step.IDLE;
                }
                complete = true;
                ended = true;
            }
        }
        release();
        return Step.ENDED;
    }

    /** Whether {@link #step} would answer anything but IDLE. */
    public synchronized boolean hasWork() {
        return ended || finished || !queue.isEmpty();
    }

    private void release() {
        synchronized (this) {
            queue.forEach(pool::giveBack);
            queue.clear();
        }
        wake(producer);
    }

    // Called by anyone.

    /** Whether the branch takes no more bytes. */
    public synchronized boolean ended() {
        return ended;
    }

    /** Whether all of its bytes have reached the sink. */
    public synchronized boolean complete() {
        return complete;
    }

    /** Whether it was given up because it was full. */
    public synchronized boolean detached() {
        return detached;
    }

    /** Why the sink failed; 0 when it did not. */
    public synchronized int errno() {
        return errno;
    }

    /** The system call that failed. */
    public synchronized String failedCall() {
        return failedCall;
    }

    @Override
    public synchronized boolean hasRoom() {
        return ended || (!finished && queue.size() < boundPipes && (stage != null || queue.isEmpty()));
    }

    private static void wake(@Nullable Thread thread) {
        if (thread != null && !thread.equals(Thread.currentThread())) {
            LockSupport.unpark(thread);
        }
    }
}
