// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.EPOLLIN;
import static io.sluice.kernel.Flags.EPOLLOUT;
import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_WRONLY;

import io.sluice.TransferResult.Ending;
import io.sluice.TransferResult.Fallback;
import io.sluice.TransferResult.Fate;
import io.sluice.TransferResult.SinkResult;
import io.sluice.flow.Branch;
import io.sluice.flow.Descriptor;
import io.sluice.flow.Direction;
import io.sluice.flow.Endpoint;
import io.sluice.flow.Paths;
import io.sluice.flow.Poller;
import io.sluice.flow.Tally;
import io.sluice.kernel.Errno;
import io.sluice.kernel.TransferPath;
import java.io.IOException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Runs a {@link Direction} on the calling thread: steps while there is progress, parks while there is none. Looks after
 * limits, rate, deadline, interruption and the threads of the branches.
 */
final class ParkingLoop {
    /** How long a mirror that nobody waits for may take, after the last byte, to bring out what it has. */
    private static final Duration MIRROR_GRACE = Duration.ofSeconds(5);

    private final Transfer transfer;
    private final Sluice sluice;
    private final End source;
    private final End sink;
    private final long deadlineNanos;
    private final Direction direction;
    private final List<BranchThread> branches = new ArrayList<>();
    private final List<Descriptor> entered = new ArrayList<>();
    private final @Nullable RateLimit rate;
    private final long startedNanos = System.nanoTime();

    private long nextProgressNanos;
    private int firstSinkErrno;

    /** Where the bytes go when the first sink has failed and the others go on. */
    private volatile @Nullable Descriptor nowhere;

    ParkingLoop(Transfer transfer, End source, End sink, long deadlineNanos) {
        this.transfer = transfer;
        this.sluice = transfer.sluice;
        this.source = source;
        this.sink = sink;
        this.deadlineNanos = deadlineNanos;
        this.rate = transfer.bytesPerSecond == 0 ? null : new RateLimit(transfer.bytesPerSecond, startedNanos);
        this.nextProgressNanos = nextProgress();
        this.direction = new Direction(
                sluice.kernel(), sluice.pool(), source.endpoint, sink.endpoint, paths(), transfer.pipeBytes);
    }

    private List<TransferPath> paths() {
        if (transfer.forced != null) {
            return List.of(transfer.forced);
        }
        boolean branched = !transfer.mirrors.isEmpty();
        if (branched && !sluice.kernel().capabilities().tee().usable()) {
            return List.of(TransferPath.COPY);
        }
        return Paths.between(source.endpoint.kind(), sink.endpoint.kind(), branched, transfer.stable);
    }

    /** Bytes on their way no longer: at the first sink, or past it when it has failed and the others go on. */
    long movedBytes() {
        return nowhere == null ? direction.delivered().bytes() : direction.taken();
    }

    TransferResult run() throws IOException {
        try {
            enter(source);
            enter(sink);
            for (Transfer.Mirror mirror : transfer.mirrors) {
                addBranch(mirror);
            }
            Ending ending = move();
            if (ending != Ending.DEADLINE_PASSED && !finishBranches()) {
                ending = Ending.DEADLINE_PASSED;
            }
            cutBranches();
            branches.forEach(BranchThread::requireSound);
            return result(ending);
        } finally {
            release();
        }
    }

    private void enter(End end) throws ClosedChannelException {
        end.enter();
        entered.add(end.descriptor());
    }

    private void addBranch(Transfer.Mirror mirror) throws IOException {
        End end = (End) mirror.sink();
        enter(end);
        Branch branch = new Branch(
                sluice.kernel(),
                sluice.pool(),
                end.endpoint,
                transfer.pipeBytes,
                transfer.queueBytes,
                mirror.whenFull() == WhenFull.DETACH);
        if (!direction.add(branch)) {
            throw new ErrnoException("pipe2", Errno.EMFILE, "a pipe for the branch to " + end);
        }
        BranchThread thread = new BranchThread(sluice.poller(), branch, mirror);
        thread.start();
        branches.add(thread);
    }

    // The loop.

    private Ending move() throws IOException {
        while (true) {
            checkEnds();
            if (nobodyIsLeft()) {
                return Ending.SINK_CLOSED;
            }
            if (deadlineNanos != Poller.FOREVER && System.nanoTime() >= deadlineNanos) {
                return Ending.DEADLINE_PASSED;
            }
            long due = due();
            if (due == 0 && direction.pending() == 0) {
                if (direction.taken() == transfer.limitBytes) {
                    return Ending.LIMIT_REACHED;
                }
                if (!parked(awaitRate())) {
                    return Ending.DEADLINE_PASSED;
                }
                continue;
            }
            long taken = direction.taken();
            Direction.Step step = direction.step(due);
            if (rate != null) {
                rate.spend(direction.taken() - taken);
            }
            switch (step) {
                case PROGRESS -> report();
                case ENDED -> {
                    Ending ending = ended();
                    if (ending != null) {
                        return ending;
                    }
                }
                case WAITS_FOR_SOURCE, WAITS_FOR_SINK, WAITS_FOR_BRANCH -> {
                    direction.rest();
                    if (!parked(await(step))) {
                        return Ending.DEADLINE_PASSED;
                    }
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
        for (BranchThread thread : branches) {
            thread.requireSound();
            if (isFatal(thread)) {
                if (!thread.end.isOpen()) {
                    throw new AsynchronousCloseException();
                }
                throw failed(
                        "write", thread.branch.errno(), "writing " + thread.mirror.sink() + " (from " + source + ")");
            }
        }
    }

    private boolean isFatal(BranchThread thread) {
        return thread.mirror.essential() && !transfer.keepGoing && thread.branch.errno() != 0;
    }

    private Poller.Outcome await(Direction.Step step) throws IOException {
        Poller poller = sluice.poller();
        long until = Math.min(deadlineNanos, nextProgressNanos);
        return switch (step) {
            case WAITS_FOR_SOURCE -> await(source.descriptor(), EPOLLIN, until);
            case WAITS_FOR_SINK -> await(sink.descriptor(), EPOLLOUT, until);
            default -> {
                Branch full = direction.fullBranch();
                yield poller.awaitUntil(
                        () -> full.hasRoom() || branchesEndIt(), until, source.descriptor(), sink.descriptor());
            }
        };
    }

    private Poller.Outcome await(Descriptor descriptor, int events, long until) throws IOException {
        Poller poller = sluice.poller();
        return branches.isEmpty()
                ? poller.await(descriptor, events, until)
                : poller.await(descriptor, events, until, this::branchesEndIt);
    }

    /** Whether what has become of the branches ends the whole. */
    private boolean branchesEndIt() {
        return branches.stream().anyMatch(this::isFatal) || nobodyIsLeft();
    }

    /** The first sink has failed, and by now all others have, too. */
    private boolean nobodyIsLeft() {
        return nowhere != null && !liveBranches();
    }

    private Poller.Outcome awaitRate() {
        RateLimit limit = rate;
        long due = System.nanoTime() + (limit == null ? 0 : limit.nanosUntilWorthwhile());
        return sluice.poller()
                .awaitUntil(
                        () -> System.nanoTime() >= due,
                        Math.min(due, Math.min(deadlineNanos, nextProgressNanos)),
                        source.descriptor(),
                        sink.descriptor());
    }

    /** What a wait came to: false when the deadline has passed. */
    private boolean parked(Poller.Outcome outcome) throws IOException {
        switch (outcome) {
            case READY -> {}
            case TIMED_OUT -> {
                report();
                return System.nanoTime() < deadlineNanos;
            }
            case INTERRUPTED -> throw interrupted();
            case CLOSED -> throw new AsynchronousCloseException();
        }
        return true;
    }

    private long nextProgress() {
        return transfer.progress == null ? Poller.FOREVER : Sluice.deadlineAfter(transfer.progressInterval);
    }

    private void report() {
        Consumer<Transfer.Progress> listener = transfer.progress;
        if (listener == null) {
            return;
        }
        long now = System.nanoTime();
        if (now >= nextProgressNanos) {
            nextProgressNanos = nextProgress();
            listener.accept(new Transfer.Progress(movedBytes(), elapsed()));
        }
    }

    /** Sorts out why the direction ended; null when it goes on without its first sink. */
    private @Nullable Ending ended() throws IOException {
        int errno = direction.errno();
        if (errno == 0) {
            return Ending.SOURCE_ENDED;
        }
        boolean sinkFailed = direction.failedSide() != Direction.Side.SOURCE;
        if (sinkFailed && transfer.keepGoing && firstSinkErrno == 0 && liveBranches()) {
            firstSinkErrno = errno;
            direction.redirect(nowhere());
            return null;
        }
        boolean readerGone = errno == Errno.EPIPE || errno == Errno.ECONNRESET;
        if (sinkFailed && readerGone) {
            firstSinkErrno = errno;
            return Ending.SINK_CLOSED;
        }
        String what = switch (direction.failedSide()) {
            case SOURCE -> "reading " + source + " (for " + sink + ")";
            case SINK -> "writing " + sink + " (from " + source + ")";
            case EITHER -> source + " → " + sink;
        };
        throw failed(direction.failedCall(), errno, what);
    }

    private boolean liveBranches() {
        return branches.stream().anyMatch(branch -> !branch.branch.ended());
    }

    private Endpoint nowhere() throws IOException {
        long fd = sluice.kernel().open("/dev/null", O_WRONLY | O_NONBLOCK | O_CLOEXEC, 0);
        Descriptor descriptor = new Descriptor(sluice.kernel(), (int) Sluice.check("open", fd, "/dev/null"));
        nowhere = descriptor;
        return Endpoint.of(sluice.kernel(), descriptor);
    }

    private TransferInterruptedException interrupted() {
        cutBranches();
        return new TransferInterruptedException(movedBytes(), result(Ending.INTERRUPTED));
    }

    private ErrnoException failed(String call, int errno, String what) {
        cutBranches();
        return new ErrnoException(call, errno, what, result(Ending.FAILED));
    }

    // The branches' end.

    /** Lets every branch bring out what it has; false when the deadline passed before. */
    private boolean finishBranches() throws IOException {
        long graceEnd = Math.min(deadlineNanos, Sluice.deadlineAfter(MIRROR_GRACE));
        List<Branch> left =
                new ArrayList<>(branches.stream().map(thread -> thread.branch).toList());
        while (true) {
            left.removeIf(Branch::finish);
            checkEnds();
            if (left.isEmpty()) {
                return true;
            }
            long now = System.nanoTime();
            boolean detachable = left.stream().anyMatch(Branch::detachWhenFull);
            if (detachable && now >= graceEnd) {
                left.stream().filter(Branch::detachWhenFull).forEach(Branch::detach);
                continue;
            }
            if (now >= deadlineNanos) {
                return false;
            }
            long until = detachable ? graceEnd : deadlineNanos;
            parked(sluice.poller()
                    .awaitUntil(
                            () -> left.stream().anyMatch(Branch::hasRoom) || branchesEndIt(),
                            Math.min(until, nextProgressNanos),
                            source.descriptor(),
                            sink.descriptor()));
        }
    }

    /** Ends the threads of branches that have not ended; each finishes at most the call that it is in. */
    private void cutBranches() {
        boolean interrupted = false;
        for (BranchThread thread : branches) {
            thread.branch.cut();
        }
        for (BranchThread thread : branches) {
            while (true) {
                try {
                    thread.join();
                    break;
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void release() {
        cutBranches();
        direction.close();
        Descriptor opened = nowhere;
        if (opened != null) {
            opened.close();
        }
        entered.forEach(Descriptor::leave);
        entered.clear();
        Consumer<Transfer.Progress> listener = transfer.progress;
        if (listener != null) {
            listener.accept(new Transfer.Progress(movedBytes(), elapsed()));
        }
    }

    // The result.

    private TransferResult result(Ending ending) {
        Tally tally = direction.delivered();
        List<SinkResult> mirrors = branches.stream().map(this::mirrorResult).toList();
        List<Fallback> fallbacks = tally.fallbacks().stream()
                .map(fallback -> new Fallback(fallback.from(), fallback.call(), fallback.errno()))
                .toList();
        return new TransferResult(
                tally.bytes(), elapsed(), ending, byPath(tally), fallbacks, direction.taken() - tally.bytes(), mirrors);
    }

    private SinkResult mirrorResult(BranchThread thread) {
        Branch branch = thread.branch;
        Fate fate = branch.complete()
                ? Fate.COMPLETE
                : branch.detached() ? Fate.DETACHED : branch.errno() != 0 ? Fate.FAILED : Fate.CUT_SHORT;
        return new SinkResult(
                thread.mirror.sink().toString(),
                branch.tally().bytes(),
                byPath(branch.tally()),
                fate,
                branch.errno(),
                direction.taken() - branch.tally().bytes());
    }

    SinkResult firstSink(TransferResult result) {
        return new SinkResult(
                sink.toString(),
                result.bytes(),
                result.bytesByPath(),
                firstSinkErrno != 0 ? Fate.FAILED : Fate.COMPLETE,
                firstSinkErrno,
                result.strandedBytes());
    }

    private static Map<TransferPath, Long> byPath(Tally tally) {
        Map<TransferPath, Long> bytes = new EnumMap<>(TransferPath.class);
        for (TransferPath path : TransferPath.values()) {
            if (tally.bytes(path) > 0) {
                bytes.put(path, tally.bytes(path));
            }
        }
        return bytes;
    }

    private Duration elapsed() {
        return Duration.ofNanos(System.nanoTime() - startedNanos);
    }
}
