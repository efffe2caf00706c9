// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.EPOLLOUT;

import io.sluice.TransferResult.Fate;
import io.sluice.TransferResult.SinkResult;
import io.sluice.flow.Branch;
import io.sluice.flow.EndKind;
import io.sluice.flow.Poller;
import io.sluice.flow.PollerException;
import io.sluice.flow.Tally;
import io.sluice.kernel.Errno;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The thread that brings one branch's bytes to its sink, at the sink's own pace. */
final class BranchThread implements Runnable {
    final Branch branch;
    final Attachment attachment;
    final End end;
    private final Poller poller;
    private final Thread thread;
    private volatile boolean over;
    private volatile @Nullable Throwable mistake;

    BranchThread(Poller poller, Branch branch, Attachment attachment) {
        this.poller = poller;
        this.branch = branch;
        this.attachment = attachment;
        this.end = (End) attachment.sink;
        // A disk holds whoever writes to it, and that must not be the carrier that the main path needs.
        this.thread = branch.sink().kind() == EndKind.FILE
                ? Thread.ofPlatform().daemon().name("sluice-branch").unstarted(this)
                : Thread.ofVirtual().name("sluice-branch").unstarted(this);
        branch.servedBy(thread);
    }

    /** The sink's descriptor has been entered and stays so while the thread lives. */
    void start() {
        thread.start();
    }

    @Override
    public void run() {
        try {
            serve();
        } catch (PollerException e) {
            branch.fail(e.call(), e.errno());
        } catch (RuntimeException | Error e) {
            mistake = e;
        } finally {
            branch.cut();
            branch.step(); // returns what a branch that was cut or detached still holds
            finish();
            over = true;
            attachment.wakeLoop();
        }
    }

    private void serve() throws PollerException {
        while (true) {
            switch (branch.step()) {
                case PROGRESS -> {}
                case IDLE -> await(0);
                case WAITS_FOR_SINK -> await(EPOLLOUT);
                case ENDED -> {
                    return;
                }
            }
        }
    }

    private void await(int events) throws PollerException {
        Poller.Outcome outcome = events == 0
                ? poller.awaitUntil(branch::hasWork, Poller.FOREVER, end.descriptor())
                : poller.await(end.descriptor(), events, Poller.FOREVER, branch::ended);
        if (outcome == Poller.Outcome.CLOSED) {
            branch.fail("epoll_wait", Errno.EBADF);
        }
    }

    /** A stream that was given up must not look like one that came to its end. */
    private void finish() {
        try {
            if (branch.detached()) {
                end.giveUp();
            }
        } catch (IOException alreadyClosed) {
            // Then the peer has seen its end in any case.
        }
    }

    /** Throws when the thread has died of a mistake of ours: that is no failure of its sink. */
    void requireSound() {
        Throwable thrown = mistake;
        if (thrown != null) {
            throw new IllegalStateException("the branch to " + end + " broke", thrown);
        }
    }

    /** What has become of it, when so many bytes have been taken from the source. */
    SinkResult result(long takenBytes) {
        Tally tally = branch.tally();
        long dropped = attachment.sharedBytes(takenBytes) - tally.bytes();
        return new SinkResult(
                attachment.toString(), tally.bytes(), tally.bytesByPath(), fate(), branch.errno(), dropped);
    }

    private Fate fate() {
        if (branch.complete()) {
            return attachment.hasLeft() ? Fate.LEFT : Fate.COMPLETE;
        }
        return branch.detached() ? Fate.DETACHED : branch.errno() != 0 ? Fate.FAILED : Fate.CUT_SHORT;
    }

    /** Whether it has done its last. */
    boolean isOver() {
        return over;
    }

    /** Waits until the branch has ended; it was finished or cut before. */
    void join() throws InterruptedException {
        thread.join();
    }
}
