// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.TransferResult.Fate;
import io.sluice.TransferResult.SinkResult;
import io.sluice.flow.Branch;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A sink that gets a duplicate of a stream: how far it lags behind, and the way to take it off while the stream runs.
 * Safe for any thread.
 */
public final class Attachment {
    private static final long NOT_YET = -1;

    final Sink sink;
    final WhenFull whenFull;
    final long queueBytes;

    /** Whether its failure ends the whole. */
    final boolean essential;

    private final Runnable loopWaker;
    private volatile boolean leaving;
    private volatile long fromByte = NOT_YET;
    private volatile long untilByte = NOT_YET;
    private volatile @Nullable Branch branch;
    private volatile @Nullable LongSupplier taken;
    private volatile @Nullable SinkResult result;

    Attachment(Sink sink, WhenFull whenFull, long queueBytes, boolean essential, Runnable loopWaker) {
        this.sink = sink;
        this.whenFull = Objects.requireNonNull(whenFull);
        this.queueBytes = queueBytes;
        this.essential = essential;
        this.loopWaker = loopWaker;
    }

    /** The sink. */
    public Sink sink() {
        return sink;
    }

    /** Where in the stream it began: how many bytes had gone by. -1 when it gets none yet. */
    public long fromByte() {
        return fromByte;
    }

    /** Bytes that have reached the sink. */
    public long deliveredBytes() {
        SinkResult ended = result;
        Branch served = branch;
        return ended != null
                ? ended.bytes()
                : served == null ? 0 : served.tally().bytes();
    }

    /** Bytes that are on their way to it: taken from the source since it began, and not delivered. */
    public long lagBytes() {
        LongSupplier source = taken;
        if (result != null || source == null) {
            return 0;
        }
        return Math.max(0, sharedBytes(source.getAsLong()) - deliveredBytes());
    }

    /**
     * Takes the sink off: after what has been taken from the source so far it gets no more, and is told no end. Returns
     * at once; {@link #result} tells when all is there. Leaving again does nothing.
     */
    public void leave() {
        leaving = true;
        wakeLoop();
    }

    /** What became of it; null while it is attached, or brings out its last bytes. */
    public @Nullable SinkResult result() {
        return result;
    }

    @Override
    public String toString() {
        return sink.toString();
    }

    /** Has the loop look at it. */
    void wakeLoop() {
        loopWaker.run();
    }

    // Called by the loop.

    void begins(Branch itsBranch, LongSupplier takenBytes) {
        branch = itsBranch;
        taken = takenBytes;
        fromByte = takenBytes.getAsLong();
    }

    boolean leaving() {
        return leaving;
    }

    /** Gets no more than what had been taken by now. */
    void left(long takenBytes) {
        untilByte = takenBytes;
    }

    boolean hasLeft() {
        return untilByte != NOT_YET;
    }

    /** How many of the bytes that the source has given so far are meant for it. */
    long sharedBytes(long takenBytes) {
        return fromByte == NOT_YET ? 0 : (hasLeft() ? untilByte : takenBytes) - fromByte;
    }

    /** It never got a byte. */
    void neverBegan(Fate fate, int errno) {
        ended(new SinkResult(toString(), 0, Map.of(), fate, errno, 0));
    }

    void ended(SinkResult itsResult) {
        result = itsResult;
        branch = null;
        taken = null;
    }
}
