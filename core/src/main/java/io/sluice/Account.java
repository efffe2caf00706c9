// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.TransferResult.Ending;
import io.sluice.TransferResult.Fallback;
import io.sluice.TransferResult.Fate;
import io.sluice.TransferResult.SinkResult;
import io.sluice.flow.Direction;
import io.sluice.flow.Journal;
import io.sluice.flow.Poller;
import io.sluice.flow.Tally;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a transfer has done, in the words of those who asked for it: its progress on the way and its result at the end.
 * Belongs to the thread that runs the transfer, but {@link #movedBytes} may be read by any.
 */
final class Account {
    private final Direction direction;
    private final BranchThreads branches;
    private final @Nullable Consumer<Transfer.Progress> listener;
    private final Duration interval;
    private final long startedNanos = System.nanoTime();

    private long nextProgressNanos;
    private final Journal journal;
    private final @Nullable Object begun;
    private @Nullable Ending ending;
    private int firstSinkErrno;
    private boolean firstSinkComplete;
    private volatile boolean pastFirstSink;

    Account(Transfer transfer, Direction direction, BranchThreads branches) {
        this.direction = direction;
        this.branches = branches;
        this.listener = transfer.progress;
        this.interval = transfer.progressInterval;
        this.nextProgressNanos = nextProgress();
        this.journal = transfer.sluice.journal();
        this.begun = journal.transferBegins();
    }

    // Progress.

    /** Bytes on their way no longer: at the first sink, or past it when it has failed and the others go on. */
    long movedBytes() {
        return pastFirstSink ? direction.taken() : direction.delivered().bytes();
    }

    /** When progress is to be told next; no wait should last longer. */
    long nextProgressNanos() {
        return nextProgressNanos;
    }

    /** Tells the listener when it is time. */
    void tellProgress() {
        if (listener != null && System.nanoTime() >= nextProgressNanos) {
            nextProgressNanos = nextProgress();
            tellNow();
        }
    }

    /** Tells the listener, if there is one, whatever the time. */
    void tellNow() {
        if (listener != null) {
            listener.accept(new Transfer.Progress(movedBytes(), elapsed()));
        }
    }

    private long nextProgress() {
        return listener == null ? Poller.FOREVER : Sluice.deadlineAfter(interval);
    }

    private Duration elapsed() {
        return Duration.ofNanos(System.nanoTime() - startedNanos);
    }

    // The result.

    /** The first sink takes no more bytes. */
    void firstSinkFailed(int errno) {
        firstSinkErrno = errno;
    }

    /** All that there is has reached the first sink, whatever becomes of the others. */
    void firstSinkHasAll() {
        firstSinkComplete = true;
    }

    /** The first sink has failed, and the others go on without it. */
    void goesOnWithoutFirstSink() {
        pastFirstSink = true;
    }

    boolean isPastFirstSink() {
        return pastFirstSink;
    }

    /** Tells the listener and the journal that it is over; CLOSED when an end was closed and there is no result. */
    void close(End source, End sink) {
        tellNow();
        journal.transferEnded(begun, source, sink, direction.delivered(), ending == null ? "CLOSED" : ending);
    }

    TransferResult result(Ending newEnding) {
        ending = newEnding;
        Tally tally = direction.delivered();
        List<Fallback> fallbacks = tally.fallbacks().stream()
                .map(fallback -> new Fallback(fallback.from(), fallback.call(), fallback.errno()))
                .toList();
        return new TransferResult(
                tally.bytes(),
                elapsed(),
                newEnding,
                tally.bytesByPath(),
                fallbacks,
                direction.taken() - tally.bytes(),
                branches.results());
    }

    /** What the first of several sinks received: {@code result} tells of it without its fate. */
    SinkResult firstSink(End sink, TransferResult result) {
        return new SinkResult(
                sink.toString(),
                result.bytes(),
                result.bytesByPath(),
                firstSinkErrno != 0 ? Fate.FAILED : firstSinkComplete ? Fate.COMPLETE : Fate.CUT_SHORT,
                firstSinkErrno,
                result.strandedBytes());
    }
}
