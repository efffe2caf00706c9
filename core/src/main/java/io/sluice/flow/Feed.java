// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.TransferPath;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Bytes of memory on their way to one sink that is no pipe of ours: lent to a borrowed pipe and spliced on, or written
 * where that cannot be. As in {@link Direction}, memory is taken only when nothing is in hand, so that would-block
 * means one thing: the sink is full. Belongs to one thread.
 */
public final class Feed implements AutoCloseable {
    /** What a step came to. */
    public enum Step {
        PROGRESS,
        WAITS_FOR_SINK,
        DONE,
        /** {@link #failedCall} and {@link #errno} tell why. */
        FAILED
    }

    private final PipePool pool;
    private final Endpoint sink;
    private final MemorySegment memory;
    private final Lending lending;
    private final int pipeBytes;
    private final Tally tally;
    private final Outlet outlet;

    private @Nullable PooledPipe pipe;
    private long taken;
    private boolean copies;
    private String failedCall = "";
    private int errno;

    /** Of all of {@code memory} to {@code sink}, whose descriptor stays entered. */
    public Feed(Kernel kernel, PipePool pool, Endpoint sink, MemorySegment memory, Lending lending, int pipeBytes) {
        this.pool = pool;
        this.sink = sink;
        this.memory = memory;
        this.lending = lending;
        this.pipeBytes = pipeBytes;
        this.tally = new Tally(pool.journal());
        this.outlet = new Outlet(kernel, pool.buffers(), sink, tally);
    }

    /** Moves bytes on. */
    public Step step() {
        if (inHand() == 0) {
            if (taken == memory.byteSize()) {
                return done();
            }
            if (copies || !outlet.splices()) {
                return write();
            }
            if (!lend()) {
                return errno == 0 ? Step.PROGRESS : Step.FAILED;
            }
        }
        String call = outlet.nextCall();
        return outcome(call, outlet.push(pipe, taken < memory.byteSize()));
    }

    private long inHand() {
        return outlet.bufferedBytes() + (pipe == null ? 0 : pipe.heldBytes);
    }

    /** A regular file has copied the bytes [F07], and so has whoever took them from our buffer. */
    private Step done() {
        if (sink.isRegularFile() || tally.bytes(TransferPath.SPLICE) == 0) {
            lending.copied();
        }
        return Step.DONE;
    }

    private boolean lend() {
        PooledPipe borrowed = pipe;
        if (borrowed == null) {
            switch (pool.borrow(pipeBytes)) {
                case PooledPipe lent -> borrowed = lent;
                case PipePool.NoPipe none -> {
                    return copyFromNowOn(none.call(), none.errno());
                }
            }
            pipe = borrowed;
        }
        long lent = lending.vmsplice(borrowed.writeFd, memory.asSlice(taken), SPLICE_F_NONBLOCK);
        if (lent > 0) {
            taken += lent;
            borrowed.heldBytes = lent;
            return true;
        }
        if (Lending.isRefusal(lent)) {
            return copyFromNowOn("vmsplice", (int) -lent);
        }
        if (!PooledPipe.isForTheMoment(lent)) {
            failed("vmsplice", lent);
        }
        return false;
    }

    private boolean copyFromNowOn(String call, int why) {
        tally.fellBack(new Fallback(TransferPath.SPLICE, call, why));
        copies = true;
        return false;
    }

    private Step write() {
        long written = sink.write(memory.asSlice(taken));
        if (written > 0) {
            taken += written;
            tally.moved(TransferPath.COPY, written);
        }
        return outcome(sink.writingCall(), written == 0 ? -Errno.EIO : written);
    }

    private Step outcome(String call, long result) {
        if (result >= 0 || result == -Errno.EINTR) {
            return Step.PROGRESS;
        }
        return result == -Errno.EAGAIN ? Step.WAITS_FOR_SINK : failed(call, result);
    }

    private Step failed(String call, long result) {
        failedCall = call;
        errno = (int) -result;
        return Step.FAILED;
    }

    /** What reached the sink. */
    public Tally delivered() {
        return tally;
    }

    /** The system call that failed. */
    public String failedCall() {
        return failedCall;
    }

    /** Why it failed. */
    public int errno() {
        return errno;
    }

    /** Returns what was borrowed; bytes still in hand are lost. */
    @Override
    public void close() {
        PooledPipe last = pipe;
        pipe = null;
        if (last != null) {
            pool.giveBack(last);
        }
    }
}
