// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.EPOLLIN;
import static io.sluice.kernel.Flags.EPOLLOUT;
import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_WRONLY;

import io.sluice.TransferResult.Ending;
import io.sluice.TransferResult.Fate;
import io.sluice.TransferResult.SinkResult;
import io.sluice.flow.Branch;
import io.sluice.flow.Descriptor;
import io.sluice.flow.Direction;
import io.sluice.flow.Endpoint;
import io.sluice.flow.Paths;
import io.sluice.flow.Poller;
import io.sluice.flow.PollerException;
import io.sluice.flow.Tap;
import io.sluice.kernel.Errno;
import io.sluice.kernel.TransferPath;
import java.io.IOException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs a {@link Direction} on the calling thread: steps while there is progress, parks while there is none, and ends at
 * the source's end, the limit, the deadline, an interrupt, or the failure of an end. The {@link Account} tells what was
 * done.
 */
final class ParkingLoop {
    /** How long a mirror that nobody waits for may take, after the last byte, to bring out what it has. */
    private static final Duration MIRROR_GRACE = Duration.ofSeconds(5);

    private final Transfer transfer;
    private final Sluice sluice;
    private final End source;
    private final End sink;
    private final Leash leash;
    private final Direction direction;
    private final BranchThreads branches;
    private final Account account;
    private final List<Descriptor> entered = new ArrayList<>();
    private final @Nullable RateLimit rate;

    /** Where the bytes go when the first sink has failed and the others go on. */
    private @Nullable Descriptor nowhere;

    ParkingLoop(Transfer transfer, End source, End sink, Leash leash) {
        this.transfer = transfer;
        this.sluice = transfer.sluice;
        this.source = source;
        this.sink = sink;
        this.leash = leash;
        this.rate = transfer.bytesPerSecond == 0 ? null : new RateLimit(transfer.bytesPerSecond, System.nanoTime());
        this.direction = new Direction(
                sluice.kernel(), sluice.pool(), source.endpoint, sink.endpoint, paths(), transfer.pipeBytes);
        this.branches = new BranchThreads(transfer, direction);
        this.account = new Account(transfer, direction, branches);
    }

    private List<TransferPath> paths() {
        if (transfer.forced != null) {
            return List.of(transfer.forced);
        }
        boolean branched = transfer.branched();
        if (branched && !sluice.kernel().capabilities().tee().usable()) {
            return List.of(TransferPath.COPY);
        }
        return Paths.between(source.endpoint.kind(), sink.endpoint.kind(), branched, transfer.stable);
    }

    /** As {@link Account#movedBytes}; any thread may ask. */
    long movedBytes() {
        return account.movedBytes();
    }

    TransferResult run() throws IOException {
        leash.hold();
        try {
            enter(source);
            enter(sink);
            for (Attachment mirror : transfer.mirrors) {
                branches.add(mirror);
            }
            Ending ending = move();
            if (ending == Ending.SOURCE_ENDED || ending == Ending.LIMIT_REACHED) {
                account.firstSinkHasAll();
            }
            Ending broken = switch (ending) {
                case SOURCE_ENDED, LIMIT_REACHED, SINK_CLOSED -> finishBranches();
                default -> null;
            };
            branches.cut();
            branches.requireSound();
            return account.result(broken == null ? ending : broken);
        } finally {
            release();
        }
    }

    private void enter(End end) throws ClosedChannelException {
        end.enter();
        entered.add(end.descriptor());
    }

    /** Has the loop look at who came and who wants to go. */
    void wake() {
        leash.pull();
    }

    /** The sinks that are attached now, but for the first; any thread may ask. */
    List<Attachment> attachments() {
        return branches.attachments();
    }

    // The loop.

    private Ending move() throws IOException {
        while (true) {
            checkEnds();
            if (nobodyIsLeft()) {
                return Ending.SINK_CLOSED;
            }
            Ending broken = leash.broken();
            if (broken != null) {
                return broken;
            }
            if (transfer.arrivals != null) {
                branches.tend(transfer.arrivals);
            }
            long due = due();
            if (due == 0 && direction.pending() == 0) {
                if (direction.taken() == transfer.limitBytes) {
                    return Ending.LIMIT_REACHED;
                }
                parkForRate();
                continue;
            }
            long taken = direction.taken();
            Direction.Step step = direction.step(due);
            if (rate != null) {
                rate.spend(direction.taken() - taken);
            }
            switch (step) {
                case PROGRESS -> {
                    leash.moved();
                    account.tellProgress();
                }
                case ENDED -> {
                    Ending ending = ended();
                    if (ending != null) {
                        return ending;
                    }
                }
                case WAITS_FOR_SOURCE, WAITS_FOR_SINK, WAITS_FOR_BRANCH -> {
                    direction.rest();
                    parkAfter(step);
                }
            }
        }
    }

    /** Bytes that may be taken from the source now. */
    private long due() {
        long due = transfer.limitBytes - direction.taken();
        return rate == null ? due : Math.min(due, rate.allowance(System.nanoTime()));
    }

    private void checkEnds() throws IOException {
        if (Thread.interrupted()) {
            throw interrupted();
        }
        if (!source.isOpen() || !sink.isOpen()) {
            throw new AsynchronousCloseException();
        }
        BranchThread fatal = branches.fatal();
        if (fatal != null) {
            String what = "writing " + fatal.attachment.sink + " (from " + source + ")";
            throw failed(fatal.branch.failedCall(), fatal.branch.errno(), what);
        }
    }

    /** Whether something else than the two ends asks for a look. */
    private boolean mustLook() {
        return leash.pulled() || branches.anyFatal() || nobodyIsLeft();
    }

    /** The first sink has failed, and by now all others have, too. */
    private boolean nobodyIsLeft() {
        return account.isPastFirstSink() && !branches.live();
    }

    /** Sorts out why the direction ended; null when it goes on without its first sink. */
    private @Nullable Ending ended() throws IOException {
        int errno = direction.errno();
        if (errno == 0) {
            Throwable endedBy = source.endedBy();
            if (endedBy != null) {
                branches.cut();
                throw new CodeException("reading " + source, endedBy, account.result(Ending.FAILED));
            }
            return Ending.SOURCE_ENDED;
        }
        boolean sinkFailed = direction.failedSide() != Direction.Side.SOURCE;
        if (sinkFailed && transfer.tolerable.test(errno) && !account.isPastFirstSink() && branches.live()) {
            account.firstSinkFailed(errno);
            direction.redirect(nowhere());
            return null;
        }
        boolean readerGone = errno == Errno.EPIPE || errno == Errno.ECONNRESET;
        if (sinkFailed && readerGone) {
            account.firstSinkFailed(errno);
            return Ending.SINK_CLOSED;
        }
        String what = switch (direction.failedSide()) {
            case SOURCE -> "reading " + source + " (for " + sink + ")";
            case SINK -> "writing " + sink + " (from " + source + ")";
            case EITHER -> source + " → " + sink;
        };
        throw failed(direction.failedCall(), errno, what);
    }

    private Endpoint nowhere() throws IOException {
        long fd = sluice.kernel().open("/dev/null", O_WRONLY | O_NONBLOCK | O_CLOEXEC, 0);
        Descriptor descriptor = new Descriptor(sluice.kernel(), (int) Sluice.check("open", fd, "/dev/null"));
        nowhere = descriptor;
        account.goesOnWithoutFirstSink();
        return Endpoint.of(sluice.kernel(), descriptor);
    }

    private TransferInterruptedException interrupted() {
        branches.cut();
        return new TransferInterruptedException(movedBytes(), account.result(Ending.INTERRUPTED));
    }

    private ErrnoException failed(String call, int errno, String what) {
        branches.cut();
        return new ErrnoException(call, errno, what, account.result(Ending.FAILED));
    }

    // The waits. Each may end early: whoever called looks again at everything.

    private void parkAfter(Direction.Step step) throws IOException {
        switch (step) {
            case WAITS_FOR_SOURCE -> parkUntilReady(source, EPOLLIN);
            case WAITS_FOR_SINK -> parkUntilReady(sink, EPOLLOUT);
            default -> {
                Tap full = direction.fullTap();
                parkUntil(full::hasRoom, leash.untilNanos());
            }
        }
    }

    private void parkUntilReady(End end, int events) throws IOException {
        Poller poller = sluice.poller();
        long until = Math.min(leash.untilNanos(), account.nextProgressNanos());
        try {
            parked(
                    branches.isEmpty() && !leash.mayBeCut()
                            ? poller.await(end.descriptor(), events, until)
                            : poller.await(end.descriptor(), events, until, this::mustLook));
        } catch (PollerException e) {
            throw failed(e.call(), e.errno(), "waiting for " + end + " (" + source + " → " + sink + ")");
        }
    }

    private void parkUntil(BooleanSupplier condition, long untilNanos) throws IOException {
        long until = Math.min(untilNanos, account.nextProgressNanos());
        BooleanSupplier orLook = () -> condition.getAsBoolean() || mustLook();
        parked(sluice.poller().awaitUntil(orLook, until, source.descriptor(), sink.descriptor()));
    }

    private void parkForRate() throws IOException {
        if (rate != null) {
            long due = System.nanoTime() + rate.nanosUntilWorthwhile();
            parkUntil(() -> System.nanoTime() >= due, Math.min(due, leash.untilNanos()));
        }
    }

    private void parked(Poller.Outcome outcome) throws IOException {
        switch (outcome) {
            case READY -> {}
            case TIMED_OUT -> account.tellProgress();
            case INTERRUPTED -> throw interrupted();
            case CLOSED -> throw new AsynchronousCloseException();
        }
    }

    // The branches' end.

    /** Lets every branch bring out what it has. Answers what has broken that off; null: nothing. */
    private @Nullable Ending finishBranches() throws IOException {
        long graceEnd = Sluice.deadlineAfter(MIRROR_GRACE);
        long brought = 0;
        while (true) {
            List<Branch> left = branches.finish();
            checkEnds();
            if (left.isEmpty()) {
                return null;
            }
            if (branches.broughtBytes() > brought) {
                brought = branches.broughtBytes();
                leash.moved();
            }
            Ending broken = leash.broken();
            if (broken != null) {
                return broken;
            }
            boolean detachable = left.stream().anyMatch(Branch::detachWhenFull);
            if (detachable && System.nanoTime() >= graceEnd) {
                left.stream().filter(Branch::detachWhenFull).forEach(Branch::detach);
                continue;
            }
            long until = detachable ? Math.min(graceEnd, leash.untilNanos()) : leash.untilNanos();
            parkUntil(() -> left.stream().anyMatch(Branch::hasRoom), until);
        }
    }

    private void release() {
        branches.close();
        if (transfer.arrivals != null) {
            transfer.arrivals.close().forEach(late -> late.neverBegan(Fate.CUT_SHORT, 0));
        }
        direction.close();
        Descriptor opened = nowhere;
        if (opened != null) {
            opened.close();
        }
        entered.forEach(Descriptor::leave);
        entered.clear();
        account.close(source, sink);
    }

    /** As {@link Account#firstSink}. */
    SinkResult firstSink(TransferResult result) {
        return account.firstSink(sink, result);
    }
}
