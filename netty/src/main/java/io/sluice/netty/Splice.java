// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFuture;
import io.netty.util.concurrent.DefaultProgressivePromise;
import io.sluice.flow.PipePool;
import io.sluice.flow.Poller;
import io.sluice.kernel.Kernel;
import io.sluice.netty.SpliceResult.Ending;
import io.sluice.netty.SpliceResult.Way;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A running splice: takes its channels over, runs its lanes, gives the channels back, and then is done. Each of these
 * steps begins when all of the one before have come in, on whatever thread brings the last; so nothing here is locked.
 */
final class Splice extends DefaultProgressivePromise<SpliceResult> implements SpliceFuture {
    private final ChannelSplice order;
    private final Splicer splicer;
    private final long startedNanos = System.nanoTime();
    private final List<Loan> loans;
    private final AtomicInteger missing = new AtomicInteger();
    private final AtomicReference<@Nullable Throwable> refusal = new AtomicReference<>();
    private final AtomicReference<@Nullable Ending> stopReason = new AtomicReference<>();

    private volatile List<Lane> lanes = List.of();
    private volatile long lastMoveNanos = startedNanos;
    private volatile long nextProgressNanos;
    private volatile boolean cancelled;

    Splice(ChannelSplice order) {
        super(order.first.eventLoop());
        this.order = order;
        this.splicer = order.splicer;
        this.nextProgressNanos = startedNanos + order.progressInterval.toNanos();
        Runnable whenClosed = () -> stop(Ending.CLOSED);
        Loan first = new Loan(order.first, kernel(), true, order.bothWays, whenClosed);
        this.loans = order.second == null
                ? List.of(first)
                : List.of(first, new Loan(order.second, kernel(), order.bothWays, true, whenClosed));
    }

    // Taking over.

    void start() {
        splicer.started(this);
        missing.set(loans.size());
        for (Loan loan : loans) {
            loan.onLoop(() -> begin(loan), () -> begun(withoutLoop(loan)));
        }
    }

    private void begin(Loan loan) {
        ChannelFuture connecting = connectionOf(loan);
        if (stopped() != null) {
            begun(null);
        } else if (connecting != null) {
            loan.begin(connecting, this::begun);
        } else {
            loan.begin(this::begun);
        }
    }

    private Throwable withoutLoop(Loan loan) {
        ChannelFuture connecting = connectionOf(loan);
        return connecting != null && connecting.cause() != null
                ? connecting.cause()
                : new IllegalStateException(loan.channel() + " has no event loop, or one that has ended");
    }

    /** What a channel that is still being connected waits for; else null. */
    private @Nullable ChannelFuture connectionOf(Loan loan) {
        return loan.channel().equals(order.second) ? order.connecting : null;
    }

    private void begun(@Nullable Throwable cause) {
        if (cause != null) {
            refusal.compareAndSet(null, cause);
            stop();
        }
        if (missing.decrementAndGet() == 0) {
            if (stopped() == null) {
                startLanes();
            } else {
                giveBack();
            }
        }
    }

    private void startLanes() {
        Loan first = loans.getFirst();
        Loan last = order.second == null ? null : loans.getLast();
        Lane forward = new Lane(this, first, last, order.file, order.limitBytes);
        List<Lane> all = order.bothWays && last != null
                ? List.of(forward, new Lane(this, last, first, null, order.limitBackBytes))
                : List.of(forward);
        lastMoveNanos = System.nanoTime();
        missing.set(all.size());
        lanes = all;
        all.forEach(Lane::start);
    }

    // While bytes move.

    Kernel kernel() {
        return splicer.kernel();
    }

    Poller poller() {
        return splicer.poller();
    }

    PipePool pool() {
        return splicer.pool();
    }

    int pipeBytes() {
        return order.pipeBytes;
    }

    /** Bytes have moved. */
    void moved() {
        long now = System.nanoTime();
        if (order.idle != null) {
            lastMoveNanos = now;
        }
        if (now >= nextProgressNanos) {
            tellProgress(now);
        }
    }

    private synchronized void tellProgress(long now) {
        if (now >= nextProgressNanos) {
            nextProgressNanos = now + order.progressInterval.toNanos();
            boolean known = !order.bothWays && order.limitBytes != Long.MAX_VALUE;
            tryProgress(movedBytes(), known ? order.limitBytes : -1);
        }
    }

    @Override
    public long movedBytes() {
        return lanes.stream().mapToLong(Lane::movedBytes).sum();
    }

    /** When the splice will have been idle for too long, if nothing moves. */
    long idleAtNanos() {
        return order.idle == null ? Poller.FOREVER : lastMoveNanos + order.idle.toNanos();
    }

    void stopIfIdle() {
        if (System.nanoTime() >= idleAtNanos()) {
            stop(Ending.IDLE);
        }
    }

    // Stopping.

    /** Why no more bytes are to be taken; null while they are. */
    @Nullable
    Ending stopped() {
        return stopReason.get();
    }

    @Override
    public void stop() {
        stop(Ending.STOPPED);
    }

    private void stop(Ending reason) {
        if (stopReason.compareAndSet(null, reason)) {
            List<Lane> begun = lanes;
            begun.forEach(Lane::wake);
            if (begun.isEmpty()) {
                loans.forEach(loan -> loan.onLoop(loan::hurry, () -> {}));
            }
        }
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
        if (isDone()) {
            return false;
        }
        cancelled = true;
        stop();
        return true;
    }

    // Giving back.

    void laneEnded(Lane lane) {
        Loan sink = lane.to();
        switch (lane.ending()) {
            case SOURCE_ENDED -> {
                if (order.bothWays && sink != null) {
                    sink.onLoop(sink::shutdownOutput, () -> {});
                }
            }
            default -> stop();
        }
        if (missing.decrementAndGet() == 0) {
            giveBack();
        }
    }

    private void giveBack() {
        missing.set(loans.size());
        for (Loan loan : loans) {
            loan.closeDuplicate();
            ByteBuf leftover = leftoverFor(loan);
            loan.onLoop(() -> loan.giveBack(leftover, this::givenBack), () -> {
                loan.abandon(leftover);
                givenBack();
            });
        }
    }

    private @Nullable ByteBuf leftoverFor(Loan loan) {
        return lanes.stream()
                .filter(lane -> lane.to() == loan)
                .findFirst()
                .map(Lane::takeLeftover)
                .orElse(null);
    }

    private void givenBack() {
        if (missing.decrementAndGet() == 0) {
            loans.getFirst().onLoop(this::complete, this::complete);
        }
    }

    private void complete() {
        boolean cut = lanes.stream().anyMatch(Lane::broken);
        tellProgress(nextProgressNanos);
        tellEnd();
        for (Loan loan : loans) {
            loan.onLoop(() -> loan.release(cut), () -> {});
        }
        splicer.ended(this);
    }

    private void tellEnd() {
        Throwable failure = Stream.concat(
                        Stream.ofNullable(refusal.get()),
                        lanes.stream().flatMap(lane -> Stream.ofNullable(lane.failure())))
                .findFirst()
                .orElse(null);
        if (failure instanceof SpliceException e) {
            tryFailure(e.with(result()));
        } else if (failure != null) {
            tryFailure(failure);
        } else if (cancelled) {
            super.cancel(false);
        } else {
            trySuccess(result());
        }
    }

    private SpliceResult result() {
        Duration elapsed = Duration.ofNanos(System.nanoTime() - startedNanos);
        if (lanes.isEmpty()) {
            Ending reason = stopped();
            Way nothing = new Way(0, Map.of(), 0, reason == null ? Ending.STOPPED : reason);
            return new SpliceResult(nothing, order.bothWays ? nothing : null, elapsed);
        }
        return new SpliceResult(
                lanes.getFirst().way(), order.bothWays ? lanes.getLast().way() : null, elapsed);
    }
}
