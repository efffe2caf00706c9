// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.kernel.Flags.SPLICE_F_MOVE;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import java.util.ArrayDeque;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One duplicate of a direction's bytes, on its way to a sink of its own.
 *
 * <pre>
 *   the direction's thread                       the branch's thread
 *   source pipe --tee--> stage --splice--> queue of pipes, the first --splice--> sink
 * </pre>
 *
 * <p>The stage is empty before each tee and has as many slots as the source's pipe, so a tee is never short. The
 * queue's last pipe is filled under this object's monitor. Its first, once taken, belongs to the branch's thread alone
 * until it is empty and leaves the queue, because a pipe that is being spliced to a file is locked while the disk works
 * [H25]. A stage that cannot be emptied means that the branch is full.
 */
public final class Branch {
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

    // The direction's thread.
    private @Nullable PooledPipe stage;

    // Guarded by this monitor.
    private final ArrayDeque<PooledPipe> queue = new ArrayDeque<>();
    private int boundPipes;
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

    /** Has a stage of the wanted capacity; false when there is no pipe to be had, and then it has failed so. */
    boolean open() {
        producer = Thread.currentThread();
        switch (pool.borrow(pipeBytes)) {
            case PooledPipe lent -> stage = lent;
            case PipePool.NoPipe none -> fail(none.call(), none.errno());
        }
        return stage != null;
    }

    /** The pipe to duplicate into; empty. Only of a branch that is open. */
    PooledPipe stage() {
        PooledPipe open = stage;
        if (open == null) {
            throw new IllegalStateException("the branch has no stage");
        }
        return open;
    }

    /**
     * Moves the stage into the queue as far as there is room; true when the stage is empty, so that a tee may follow.
     */
    public boolean flush() {
        boolean empty;
        synchronized (this) {
            if (ended || finished) {
                return true;
            }
            empty = flushLocked(stage());
        }
        wake(consumer);
        return empty;
    }

    private boolean flushLocked(PooledPipe from) {
        while (from.heldBytes > 0) {
            PooledPipe tail = queue.peekLast();
            boolean tailTaken = headTaken && queue.size() == 1;
            if (tail == null || tailTaken || tailFull || tail.copied != from.copied) {
                if (queue.size() >= boundPipes) {
                    return false;
                }
                switch (pool.borrow(pipeBytes)) {
                    case PooledPipe lent -> tail = lent;
                    case PipePool.NoPipe none -> {
                        return withoutPipeLocked(none);
                    }
                }
                tail.copied = from.copied;
                queue.addLast(tail);
                tailFull = false;
            }
            long moved = kernel.splice(
                    from.readFd, null, tail.writeFd, null, from.heldBytes, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
            if (moved == -Errno.EAGAIN && tail.heldBytes > 0) {
                tailFull = true;
            } else if (moved <= 0) {
                if (!PooledPipe.isForTheMoment(moved)) {
                    failLocked("splice", (int) -moved);
                    return true;
                }
            } else {
                from.heldBytes -= moved;
                tail.heldBytes += moved;
            }
        }
        return true;
    }

    private void failLocked(String call, int newErrno) {
        ended = true;
        errno = newErrno;
        failedCall = call;
    }

    /** There are no more pipes: the queue stays as short as it is, and a branch that has none at all ends. */
    private boolean withoutPipeLocked(PipePool.NoPipe none) {
        if (queue.isEmpty()) {
            failLocked(none.call(), none.errno());
            return true;
        }
        boundPipes = queue.size();
        return false;
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

    /** Returns the stage; after this the direction's thread has no business here. */
    void close() {
        PooledPipe open = stage;
        stage = null;
        if (open != null) {
            pool.giveBack(open);
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
            pool.giveBack(pipe);
            synchronized (this) {
                queue.removeFirst();
                headTaken = false;
                tailFull &= !queue.isEmpty();
            }
            wake(producer);
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

    /** Whether a stage could be emptied now, at least in part, or need not be any more. */
    public synchronized boolean hasRoom() {
        return ended || (!finished && queue.size() < boundPipes);
    }

    private static void wake(@Nullable Thread thread) {
        if (thread != null) {
            LockSupport.unpark(thread);
        }
    }
}
