// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.flow.Branch;
import java.nio.channels.AsynchronousCloseException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * The branches of one transfer, each with the thread that serves it: which of them still live, whether one that has
 * failed ends the whole, and their common end. Belongs to the thread that runs the transfer.
 */
final class BranchThreads {
    private final List<BranchThread> all = new CopyOnWriteArrayList<>();
    private final IntPredicate tolerable;

    /**
     * None yet.
     *
     * @param tolerable failures of one, by errno, that leave the others alone, even if it is essential
     */
    BranchThreads(IntPredicate tolerable) {
        this.tolerable = tolerable;
    }

    void start(BranchThread thread) {
        thread.start();
        all.add(thread);
    }

    boolean isEmpty() {
        return all.isEmpty();
    }

    /** In the order in which they were started; any thread may ask. */
    List<BranchThread> all() {
        return all;
    }

    /** Those whose sinks want to be taken off and still take bytes. */
    List<BranchThread> leaving() {
        return all.stream()
                .filter(thread -> thread.attachment.leaving() && !thread.attachment.hasLeft())
                .toList();
    }

    /** Forgets those that came later and are over; answers them. */
    List<BranchThread> takeOver() {
        List<BranchThread> over = all.stream()
                .filter(thread -> !thread.attachment.essential && thread.isOver())
                .toList();
        all.removeAll(over);
        return over;
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
        return thread.attachment.essential && errno != 0 && !tolerable.test(errno);
    }

    /** Throws when one has died of a mistake of ours. */
    void requireSound() {
        all.forEach(BranchThread::requireSound);
    }

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
}
