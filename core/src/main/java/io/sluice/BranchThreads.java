// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.TransferResult.Fate;
import io.sluice.TransferResult.SinkResult;
import io.sluice.flow.Branch;
import io.sluice.flow.Direction;
import io.sluice.kernel.Errno;
import java.io.IOException;
import java.nio.channels.AsynchronousCloseException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * The branches of one transfer, each with the thread that serves it: how they come and go, which of them still live,
 * whether one that has failed ends the whole, and their common end. Their ends are entered from the first to the last.
 * Belongs to the thread that runs the transfer.
 */
final class BranchThreads {
    private final Transfer transfer;
    private final Direction direction;
    private final List<BranchThread> all = new CopyOnWriteArrayList<>();

    /** None yet. */
    BranchThreads(Transfer transfer, Direction direction) {
        this.transfer = transfer;
        this.direction = direction;
    }

    // Coming and going.

    /** Adds one, while nothing is in the direction's hand. */
    void add(Attachment attachment) throws IOException {
        End end = (End) attachment.sink;
        end.enter();
        Branch branch = new Branch(
                end.kernel(),
                end.sluice.pool(),
                end.endpoint,
                transfer.pipeBytes,
                attachment.queueBytes > 0 ? attachment.queueBytes : transfer.queueBytes,
                attachment.whenFull == WhenFull.DETACH);
        if (!direction.add(branch)) {
            direction.remove(branch);
            end.descriptor().leave();
            throw new ErrnoException(branch.failedCall(), branch.errno(), "a pipe for the branch to " + end);
        }
        BranchThread thread = new BranchThread(end.sluice.poller(), branch, attachment);
        thread.start();
        all.add(thread);
        attachment.begins(branch, direction::taken);
    }

    /** Lets sinks come and go, between two steps. */
    void tend(Arrivals arrivals) {
        while (direction.pending() == 0) {
            Attachment arrived = arrivals.next();
            if (arrived == null) {
                break;
            }
            attach(arrived);
        }
        for (BranchThread thread : all) {
            if (thread.attachment.leaving() && !thread.attachment.hasLeft() && thread.branch.flush()) {
                thread.attachment.left(direction.taken());
                thread.branch.finish();
                direction.remove(thread.branch);
            }
        }
        List<BranchThread> over = all.stream()
                .filter(thread -> thread.isOver() && !thread.attachment.essential)
                .toList();
        all.removeAll(over);
        for (BranchThread thread : over) {
            direction.remove(thread.branch);
            letGo(thread);
        }
    }

    /** What fails here fails the newcomer alone. */
    private void attach(Attachment arrived) {
        try {
            add(arrived);
        } catch (ErrnoException e) {
            arrived.neverBegan(Fate.FAILED, e.errno());
        } catch (IOException closed) {
            arrived.neverBegan(Fate.FAILED, Errno.EBADF);
        }
    }

    private void letGo(BranchThread over) {
        over.attachment.ended(over.result(direction.taken()));
        over.end.descriptor().leave();
    }

    // How they fare.

    boolean isEmpty() {
        return all.isEmpty();
    }

    /** What they serve, in the order in which they came; any thread may ask. */
    List<Attachment> attachments() {
        return all.stream().map(thread -> thread.attachment).toList();
    }

    /** What has become of each so far, in the same order. */
    List<SinkResult> results() {
        return all.stream().map(thread -> thread.result(direction.taken())).toList();
    }

    /** Bytes that have reached their sinks. */
    long broughtBytes() {
        return all.stream().mapToLong(thread -> thread.branch.tally().bytes()).sum();
    }

    /** Whether any still takes bytes. */
    boolean live() {
        return all.stream().anyMatch(thread -> !thread.branch.ended());
    }

    /** Whether one has failed whose failure ends the whole. */
    boolean anyFatal() {
        return all.stream().anyMatch(this::isFatal);
    }

    /** One whose failure ends the whole, if there is any. */
    @Nullable
    BranchThread fatal() throws AsynchronousCloseException {
        for (BranchThread thread : all) {
            thread.requireSound();
            if (isFatal(thread)) {
                if (!thread.end.isOpen()) {
                    throw new AsynchronousCloseException();
                }
                return thread;
            }
        }
        return null;
    }

    private boolean isFatal(BranchThread thread) {
        int errno = thread.branch.errno();
        return thread.attachment.essential && errno != 0 && !transfer.tolerable.test(errno);
    }

    /** Throws when one has died of a mistake of ours. */
    void requireSound() {
        all.forEach(BranchThread::requireSound);
    }

    // Their end.

    /** Tells all that no more bytes come; answers those that still have some to bring out. */
    List<Branch> finish() {
        List<Branch> left = new ArrayList<>(all.size());
        for (BranchThread thread : all) {
            if (!thread.branch.finish()) {
                left.add(thread.branch);
            }
        }
        return left;
    }

    /** Ends the threads of branches that have not ended; each finishes at most the call that it is in. */
    void cut() {
        boolean interrupted = false;
        for (BranchThread thread : all) {
            thread.branch.cut();
        }
        for (BranchThread thread : all) {
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

    /** Cuts those that are left, says what has become of them, and lets go of their ends. */
    void close() {
        cut();
        all.forEach(this::letGo);
        all.clear();
    }
}
