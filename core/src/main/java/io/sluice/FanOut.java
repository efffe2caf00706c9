// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.TransferResult.Fate;
import io.sluice.TransferResult.SinkResult;
import io.sluice.kernel.TransferPath;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.IntPredicate;

/**
 * Bytes from a source to several sinks of equal rank, duplicated by tee(2). Unlike a mirror, a sink that fails ends the
 * whole, unless {@link #keepGoing} was asked for. Describe it, then {@link #run} it once; the ends stay open and the
 * caller's.
 *
 * <p>While it runs, sinks may {@linkplain #attach come} and {@linkplain Attachment#leave go}. Each branch has a thread
 * of its own, virtual unless it writes to a file. One object serves one thread, but any may attach sinks to it and ask
 * how far it has come.
 */
public final class FanOut {
    private final Transfer transfer;
    private final Arrivals arrivals = new Arrivals();

    FanOut(Sluice sluice, Source source) {
        transfer = new Transfer(sluice, source);
        transfer.arrivals = arrivals;
    }

    /**
     * What a fan-out did.
     *
     * @param elapsed from the call of {@code run} to its return
     * @param ending why it ended; SINK_CLOSED when the reader of the first sink is gone
     * @param sinks what reached each sink, in the order in which they were added; of those that were attached on the
     *     way, the ones that were there at the end
     * @param fallbacks paths of the first sink that were refused
     */
    public record Result(
            Duration elapsed,
            TransferResult.Ending ending,
            List<SinkResult> sinks,
            List<TransferResult.Fallback> fallbacks) {}

    /** Adds a sink that the others wait for when it cannot keep up. */
    public FanOut to(Sink sink) {
        return to(sink, WhenFull.BLOCK);
    }

    /** Adds a sink. The first sets the pace in any case and cannot be detached. */
    public FanOut to(Sink sink, WhenFull whenFull) {
        if (transfer.sink == null) {
            transfer.to(sink);
        } else {
            transfer.duplicateTo(sink, whenFull, true);
        }
        return this;
    }

    /**
     * Attaches a sink, also while the fan-out runs: it gets what is taken from the source from then on. Its failure
     * never ends the whole. When the fan-out has ended by then, it gets nothing and its result says CUT_SHORT. Any
     * thread may call it; it does not wait.
     *
     * @param queueBytes how many bytes it may lag behind before it counts as full, at least 1
     * @return what tells how it fares, and takes it off
     * @throws IllegalArgumentException when {@code queueBytes} is less, or the sink belongs to another Sluice
     */
    public Attachment attach(Sink sink, WhenFull whenFull, long queueBytes) {
        if (queueBytes < 1) {
            throw new IllegalArgumentException("a queue of " + queueBytes + " bytes");
        }
        Attachment attachment = transfer.attachment(sink, whenFull, queueBytes, false);
        if (arrivals.add(attachment)) {
            transfer.wake();
        } else {
            attachment.neverBegan(Fate.CUT_SHORT, 0);
        }
        return attachment;
    }

    /** The sinks that are attached now, but for the first, which sets the pace; any thread may ask. */
    public List<Attachment> attachments() {
        return transfer.attachments();
    }

    /** Lets the other sinks go on when one fails. */
    public FanOut keepGoing() {
        return keepGoing(_ -> true);
    }

    /**
     * Lets the other sinks go on when one fails in a way that {@code tolerable} is true of; any other failure ends the
     * whole.
     *
     * @param tolerable is given the errno; asked by any thread, more than once
     */
    public FanOut keepGoing(IntPredicate tolerable) {
        transfer.tolerable = Objects.requireNonNull(tolerable);
        return this;
    }

    /** As {@link Transfer#limit}. */
    public FanOut limit(long bytes) {
        transfer.limit(bytes);
        return this;
    }

    /** As {@link Transfer#rate}. */
    public FanOut rate(long bytesPerSecond) {
        transfer.rate(bytesPerSecond);
        return this;
    }

    /** As {@link Transfer#deadline}. */
    public FanOut deadline(Duration within) {
        transfer.deadline(within);
        return this;
    }

    /** As {@link Transfer#idle}. */
    public FanOut idle(Duration within) {
        transfer.idle(within);
        return this;
    }

    /** As {@link Transfer#onProgress(Duration, Consumer)}; bytes are those of the first sink. */
    public FanOut onProgress(Duration interval, Consumer<Transfer.Progress> listener) {
        transfer.onProgress(interval, listener);
        return this;
    }

    /** As {@link Transfer#path}: SPLICE or COPY. */
    public FanOut path(TransferPath onlyThis) {
        transfer.path(onlyThis);
        return this;
    }

    /** As {@link Transfer#pipeSize}. */
    public FanOut pipeSize(int bytes) {
        transfer.pipeSize(bytes);
        return this;
    }

    /** As {@link Transfer#queue}. */
    public FanOut queue(long bytes) {
        transfer.queue(bytes);
        return this;
    }

    /** As {@link Transfer#stable}. */
    public FanOut stable() {
        transfer.stable();
        return this;
    }

    /**
     * Bytes that have reached the first sink so far, or gone past it when it has failed and the others go on; any
     * thread may ask.
     */
    public long movedBytes() {
        return transfer.movedBytes();
    }

    /**
     * Moves the bytes to all sinks; blocks and fails as {@link Transfer#run} does, and also when a sink fails that the
     * others are not to go on without. The {@link ErrnoException} then has the first sink's bytes, and those of the
     * others as mirrors, in its result.
     */
    public Result run() throws IOException {
        ParkingLoop loop = transfer.loop();
        TransferResult result = loop.run();
        List<SinkResult> sinks = new ArrayList<>();
        sinks.add(loop.firstSink(result));
        sinks.addAll(result.mirrors());
        return new Result(result.elapsed(), result.ending(), List.copyOf(sinks), result.fallbacks());
    }
}
