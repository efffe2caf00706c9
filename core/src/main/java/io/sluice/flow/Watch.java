// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.kernel.Flags.EFD_CLOEXEC;
import static io.sluice.kernel.Flags.EFD_NONBLOCK;
import static io.sluice.kernel.Flags.EPOLLIN;
import static io.sluice.kernel.Flags.EPOLL_CTL_ADD;

import io.sluice.kernel.EpollEvents;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.spi.AbstractInterruptibleChannel;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Whose turn it is to sleep in epoll_wait: one thread at a time, the leader, who wakes all others. A platform thread
 * that has to wait leads when nobody else does, and so wakes straight from its own event, with no second thread
 * between; when its wait is over it passes the lead on. Who {@linkplain Waiter#mayLead may not lead} depends on others,
 * in the last place on a thread of this watch's own, which is started when the first of them comes.
 *
 * <p>While anybody is enlisted there is a leader. Safe for any thread; under the lock nothing else is locked.
 */
final class Watch {
    private static final int EVENTS_PER_WAIT = 256;
    private static final long WAKE_UP = 0; // ids of descriptors begin at 1

    private final Kernel kernel;
    private final InterestList interests;
    private final Runnable ended;
    private final Descriptor wakeUp;
    private final MemorySegment one = MemorySegment.ofBuffer(
            ByteBuffer.allocateDirect(Long.BYTES).order(ByteOrder.nativeOrder()).putLong(0, 1));

    private final Object turn = new Object();
    // Guarded by turn. Leaders-to-be stand in the order in which they came.
    private final LinkedHashSet<Waiter> followers = new LinkedHashSet<>();
    private int dependents;
    private @Nullable Own own;

    // Written under turn. The leader is someone enlisted, or the waiter of this watch's own thread.
    private volatile @Nullable Waiter leader;
    private volatile boolean stopped;

    // The leader's.
    private final EpollEvents events = new EpollEvents(EVENTS_PER_WAIT);
    private final List<Waiter> woken = new ArrayList<>();
    private final MemorySegment drained = MemorySegment.ofBuffer(ByteBuffer.allocateDirect(Long.BYTES));
    private InterruptSignal interrupts = new InterruptSignal();

    /**
     * A watch that nobody keeps yet.
     *
     * @param ended what is to be done when the watch can be kept no longer
     */
    Watch(Kernel kernel, InterestList interests, Runnable ended) throws PollerException {
        this.kernel = kernel;
        this.interests = interests;
        this.ended = ended;
        this.wakeUp = PollerException.opened(kernel, "eventfd", kernel.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        long added = kernel.epollCtl(interests.epoll().fd(), EPOLL_CTL_ADD, wakeUp.fd(), EPOLLIN, WAKE_UP);
        if (added < 0) {
            wakeUp.close();
            throw new PollerException("epoll_ctl", (int) -added);
        }
    }

    /** Waits, and leads when it is the calling thread's turn. */
    Poller.Outcome await(Waiter waiter, long deadlineNanos) throws PollerException {
        waiter.sleepsIn(this);
        enlist(waiter);
        try {
            return waiter.await(deadlineNanos, leftNanos -> sleep(waiter, leftNanos));
        } finally {
            delist(waiter);
        }
    }

    /** One sleep of someone enlisted. */
    void sleep(Waiter waiter, long leftNanos) throws PollerException {
        if (leader != waiter) {
            waiter.park(leftNanos);
        } else if (!waiter.hasOutcome()) { // the leader before it may have given it one since it looked
            lead(leftNanos);
        }
    }

    // Whose turn it is.

    void enlist(Waiter waiter) {
        synchronized (turn) {
            if (waiter.mayLead()) {
                followers.add(waiter);
            } else {
                startOwnLocked();
                dependents++;
            }
            if (leader == null) {
                passOnLocked();
            }
        }
    }

    private void startOwnLocked() {
        if (own == null && !stopped) {
            Own fresh = new Own();
            fresh.thread.start();
            own = fresh;
        }
    }

    void delist(Waiter waiter) {
        synchronized (turn) {
            if (!waiter.mayLead()) {
                dependents--;
            } else if (leader == waiter) {
                passOnLocked();
            } else {
                followers.remove(waiter);
            }
        }
    }

    /** Names the next leader, and wakes it. One that is on its way out by then passes the lead on in its turn. */
    private void passOnLocked() {
        Waiter next = null;
        if (!followers.isEmpty()) {
            next = followers.removeFirst();
        } else if (dependents > 0 && own != null) {
            next = own.waiter;
        }
        leader = next;
        if (next != null) {
            next.unpark();
        }
        if (stopped) {
            turn.notifyAll(); // whoever stops waits for the last to leave
        }
    }

    // What a leader does.

    private void lead(long leftNanos) throws PollerException {
        if (!interrupts.isOpen()) {
            interrupts = new InterruptSignal();
        }
        // Rounded up, or the last millisecond would be spent in a loop.
        long millis = TimeUnit.NANOSECONDS.toMillis(leftNanos) + 1;
        serve(interrupts.epollWait(leftNanos == Poller.FOREVER ? -1 : (int) Math.min(millis, Integer.MAX_VALUE)));
    }

    private long epollWait(int timeoutMillis) {
        return kernel.epollWait(interests.epoll().fd(), events, timeoutMillis);
    }

    /** Wakes those whom the answer of epoll_wait concerns. */
    private void serve(long count) throws PollerException {
        if (count < 0 && count != -Errno.EINTR) {
            throw new PollerException("epoll_wait", (int) -count);
        }
        for (int i = 0; i < count; i++) {
            if (events.data(i) == WAKE_UP) {
                kernel.read(wakeUp.fd(), drained);
            } else {
                interests.collect(events.data(i), events.events(i), woken);
            }
        }
        woken.forEach(Waiter::ready);
        woken.clear();
    }

    /** Ends the leader's sleep if that is {@code waiter}, whose outcome is set: it looks for one before it sleeps. */
    void wakeLeader(Waiter waiter) {
        if (leader == waiter) {
            signal();
        }
    }

    /** Ends one sleep in epoll_wait, this or the next. */
    private void signal() {
        if (!wakeUp.enter()) {
            return; // stopped: nobody sleeps
        }
        try {
            long written;
            do {
                written = kernel.write(wakeUp.fd(), one);
            } while (written == -Errno.EINTR);
        } finally {
            wakeUp.leave();
        }
    }

    /**
     * An interrupt ends no system call, but java.nio tells a channel in use of it, by closing the channel: it is used
     * up by that, and the leader takes a new one.
     */
    private final class InterruptSignal extends AbstractInterruptibleChannel {
        long epollWait(int timeoutMillis) {
            begin();
            try {
                return Watch.this.epollWait(timeoutMillis);
            } finally {
                try {
                    end(true);
                } catch (AsynchronousCloseException interrupted) {
                    // A kernel in Java has taken the flag down when it answered EINTR; whoever waits looks for it.
                    Thread.currentThread().interrupt();
                }
            }
        }

        @Override
        protected void implCloseChannel() {
            signal();
        }
    }

    // The thread of its own, and the end.

    /** Leads when nobody else can, and goes on until only such wait as can lead themselves. */
    private final class Own implements Runnable {
        private final Thread thread = Thread.ofPlatform()
                .daemon()
                .inheritInheritableThreadLocals(false)
                .name("sluice-poller")
                .unstarted(this);
        private final Waiter waiter = new Waiter(thread, 0, null);

        @Override
        public void run() {
            try {
                while (!stopped) {
                    if (leader == waiter) {
                        serve(epollWait(-1));
                        yieldLead();
                    } else {
                        LockSupport.park(Watch.this);
                    }
                }
            } catch (PollerException e) {
                throw new IllegalStateException(e);
            } finally {
                // Also when it ends by a mistake of ours: nobody sleeps on in a poller that has ended.
                ended.run();
            }
        }

        /** With nobody there at all it stays: the next to come is likely one that depends on it again. */
        private void yieldLead() {
            synchronized (turn) {
                if (dependents == 0 && !followers.isEmpty()) {
                    passOnLocked();
                }
            }
        }

        void stop() throws InterruptedException {
            waiter.unpark();
            signal();
            thread.join();
        }
    }

    /** Returns when nobody sleeps here any more. All who wait have been given their outcome; called once. */
    void stop() {
        boolean interrupted = false;
        while (true) {
            try {
                stopOwn();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        wakeUp.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void stopOwn() throws InterruptedException {
        Own last;
        synchronized (turn) {
            stopped = true;
            last = own;
            while (leader != null && (last == null || leader != last.waiter)) {
                turn.wait();
            }
        }
        if (last != null) {
            last.stop();
        }
    }
}
