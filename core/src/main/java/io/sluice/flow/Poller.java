// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.kernel.Flags.EFD_CLOEXEC;
import static io.sluice.kernel.Flags.EFD_NONBLOCK;
import static io.sluice.kernel.Flags.EPOLLERR;
import static io.sluice.kernel.Flags.EPOLLHUP;
import static io.sluice.kernel.Flags.EPOLLIN;
import static io.sluice.kernel.Flags.EPOLLONESHOT;
import static io.sluice.kernel.Flags.EPOLL_CLOEXEC;
import static io.sluice.kernel.Flags.EPOLL_CTL_ADD;
import static io.sluice.kernel.Flags.EPOLL_CTL_DEL;
import static io.sluice.kernel.Flags.EPOLL_CTL_MOD;

import io.sluice.kernel.EpollEvents;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Parks threads, platform and virtual alike, until a descriptor is ready: one daemon thread sleeps in epoll_wait for
 * all of them, without a timeout, so an idle poller never wakes. Interest is one-shot: a descriptor that nobody waits
 * for costs nothing, however busy it is.
 *
 * <p>A descriptor stays known to epoll until it is closed; waiting again costs one epoll_ctl. The thread starts with
 * the first wait; a poller that is closed answers CLOSED to every wait. Safe for any thread. Lock order: a descriptor's
 * monitor, then nothing.
 */
public final class Poller implements AutoCloseable {
    /** No deadline. */
    public static final long FOREVER = Long.MAX_VALUE;

    private static final int EVENTS_PER_WAIT = 256;

    /** How a wait ended. */
    public enum Outcome {
        READY,
        TIMED_OUT,
        INTERRUPTED,
        CLOSED
    }

    private final Kernel kernel;
    private final ConcurrentHashMap<Long, Descriptor> members = new ConcurrentHashMap<>();
    private final Set<Waiter> parked = ConcurrentHashMap.newKeySet();
    private final Object starting = new Object();
    private volatile @Nullable Loop loop; // set once, under starting
    private volatile boolean closed; // set once, under starting

    /** A poller on {@code kernel}; starts nothing yet. */
    public Poller(Kernel kernel) {
        this.kernel = kernel;
    }

    /**
     * Parks the calling thread until the descriptor has one of {@code events} (or hangs up, or fails),
     * {@link System#nanoTime} reaches {@code deadlineNanos}, the thread is interrupted, or the descriptor is closed.
     * The caller has entered the descriptor. A descriptor that epoll refuses, such as a regular file, is always ready.
     *
     * @param events EPOLLIN or EPOLLOUT
     * @return how it ended; the interrupt flag is cleared exactly when it is INTERRUPTED
     * @throws PollerException when the kernel gives no epoll instance or no room in it
     */
    public Outcome await(Descriptor descriptor, int events, long deadlineNanos) throws PollerException {
        return await(descriptor, events, deadlineNanos, () -> false);
    }

    /** Parks as above, or until {@code condition} holds. Whoever makes the condition true unparks the thread. */
    public Outcome await(Descriptor descriptor, int events, long deadlineNanos, BooleanSupplier condition)
            throws PollerException {
        Loop running = started();
        Waiter waiter = new Waiter(Thread.currentThread(), events);
        synchronized (descriptor) {
            if (descriptor.isClosed()) {
                return Outcome.CLOSED;
            }
            descriptor.waiters.add(waiter);
            int error = armLocked(running, descriptor);
            if (error != 0) {
                descriptor.waiters.remove(waiter);
                if (error == Errno.EPERM) {
                    return Outcome.READY;
                }
                if (closed) {
                    return Outcome.CLOSED;
                }
                throw new PollerException("epoll_ctl", error);
            }
        }
        Outcome outcome = park(waiter, deadlineNanos, condition);
        if (!waiter.woken()) {
            synchronized (descriptor) {
                // The kernel may still fire once for it; that wakes nobody.
                descriptor.waiters.remove(waiter);
            }
        }
        return outcome;
    }

    /**
     * Parks the calling thread until {@code condition} holds, as {@link #await} does until a descriptor is ready.
     * Whoever makes the condition true unparks the thread.
     *
     * @param descriptors whose closing ends the wait too
     */
    public Outcome awaitUntil(BooleanSupplier condition, long deadlineNanos, Descriptor... descriptors) {
        Waiter waiter = new Waiter(Thread.currentThread(), 0);
        for (Descriptor descriptor : descriptors) {
            synchronized (descriptor) {
                if (descriptor.isClosed()) {
                    waiter.closed();
                } else {
                    descriptor.waiters.add(waiter);
                }
            }
        }
        Outcome outcome = park(waiter, deadlineNanos, condition);
        for (Descriptor descriptor : descriptors) {
            synchronized (descriptor) {
                descriptor.waiters.remove(waiter);
            }
        }
        return outcome;
    }

    private Outcome park(Waiter waiter, long deadlineNanos, BooleanSupplier condition) {
        parked.add(waiter);
        try {
            // Either close finds the waiter, or the waiter finds it closed.
            return closed ? Outcome.CLOSED : waiter.park(deadlineNanos, condition);
        } finally {
            parked.remove(waiter);
        }
    }

    /** Has epoll watch for what the descriptor's waiters want; answers 0 or an errno. */
    private int armLocked(@Nullable Loop running, Descriptor descriptor) {
        int wanted = 0;
        for (Waiter waiter : descriptor.waiters) {
            wanted |= waiter.events;
        }
        if ((wanted & ~descriptor.armedEvents) == 0) { // also when nobody wants anything
            return 0;
        }
        if (running == null || !running.epoll.enter()) {
            return Errno.EBADF;
        }
        try {
            return registerLocked(running.epoll, descriptor, wanted);
        } finally {
            running.epoll.leave();
        }
    }

    private int registerLocked(Descriptor epoll, Descriptor descriptor, int wanted) {
        Membership known = descriptor.membershipLocked();
        if (known == null) {
            members.put(descriptor.id, descriptor);
        }
        int operation = known == null ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
        long result = kernel.epollCtl(epoll.fd(), operation, descriptor.fd(), wanted | EPOLLONESHOT, descriptor.id);
        if (result < 0) {
            if (known == null) {
                members.remove(descriptor.id);
            }
            return (int) -result;
        }
        if (known == null) {
            descriptor.joinedLocked(new Membership(epoll));
        }
        descriptor.armedEvents = wanted;
        return 0;
    }

    /** One thread's wait. */
    static final class Waiter {
        private final Thread thread;
        private final int events;
        private volatile @Nullable Outcome outcome;

        Waiter(Thread thread, int events) {
            this.thread = thread;
            this.events = events;
        }

        private Outcome park(long deadlineNanos, BooleanSupplier condition) {
            while (true) {
                Outcome ended = outcome;
                if (ended != null) {
                    return ended;
                }
                if (condition.getAsBoolean()) {
                    return Outcome.READY;
                }
                if (Thread.interrupted()) {
                    return Outcome.INTERRUPTED;
                }
                if (deadlineNanos == FOREVER) {
                    LockSupport.park(this);
                    continue;
                }
                long left = deadlineNanos - System.nanoTime();
                if (left <= 0) {
                    return Outcome.TIMED_OUT;
                }
                LockSupport.parkNanos(this, left);
            }
        }

        /** Whether the poller or a close has taken this waiter off its descriptor. */
        private boolean woken() {
            return outcome != null;
        }

        private void ready() {
            outcome = Outcome.READY;
            LockSupport.unpark(thread);
        }

        void closed() {
            outcome = Outcome.CLOSED;
            LockSupport.unpark(thread);
        }
    }

    /** That epoll knows a descriptor. */
    final class Membership {
        private final Descriptor epoll;

        Membership(Descriptor epoll) {
            this.epoll = epoll;
        }

        /**
         * The descriptor's monitor is held, and its number still open: epoll would keep a closed one while a dup lives.
         */
        void end(Descriptor descriptor) {
            if (epoll.enter()) {
                kernel.epollCtl(epoll.fd(), EPOLL_CTL_DEL, descriptor.fd(), 0, 0);
                epoll.leave();
            }
            members.remove(descriptor.id);
        }
    }

    /** The loop, started when there is none yet; null when the poller is closed. */
    private @Nullable Loop started() throws PollerException {
        Loop running = loop;
        if (running != null) {
            return running;
        }
        synchronized (starting) {
            if (loop == null && !closed) {
                Loop fresh = new Loop();
                fresh.thread.start();
                loop = fresh;
            }
            return loop;
        }
    }

    /** Ends the thread and waits for its end; whoever still waits is answered CLOSED. */
    @Override
    public void close() {
        Loop running;
        synchronized (starting) {
            if (closed) {
                return;
            }
            closed = true;
            running = loop;
        }
        parked.forEach(Waiter::closed);
        if (running != null) {
            running.stop();
        }
    }

    /** The thread that sleeps for the others. */
    private final class Loop implements Runnable {
        private static final long STOP = 0; // ids begin at 1

        final Descriptor epoll;
        final Thread thread = Thread.ofPlatform()
                .daemon()
                .inheritInheritableThreadLocals(false)
                .name("sluice-poller")
                .unstarted(this);
        private final Descriptor stopEvent;

        Loop() throws PollerException {
            epoll = opened("epoll_create1", kernel.epollCreate1(EPOLL_CLOEXEC));
            try {
                stopEvent = opened("eventfd", kernel.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
            } catch (PollerException e) {
                epoll.close();
                throw e;
            }
            long added = kernel.epollCtl(epoll.fd(), EPOLL_CTL_ADD, stopEvent.fd(), EPOLLIN, STOP);
            if (added < 0) {
                release();
                throw new PollerException("epoll_ctl", (int) -added);
            }
        }

        private Descriptor opened(String call, long result) throws PollerException {
            if (result < 0) {
                throw new PollerException(call, (int) -result);
            }
            return new Descriptor(kernel, (int) result);
        }

        private void release() {
            epoll.close();
            stopEvent.close();
        }

        @Override
        public void run() {
            try {
                wakeOthers();
            } finally {
                // Also when it ends by a mistake of ours: nobody sleeps on in a poller that has ended.
                closed = true;
                parked.forEach(Waiter::closed);
            }
        }

        private void wakeOthers() {
            EpollEvents events = new EpollEvents(EVENTS_PER_WAIT);
            List<Waiter> woken = new ArrayList<>();
            boolean stopped = false;
            while (!stopped) {
                long count = kernel.epollWait(epoll.fd(), events, -1);
                if (count < 0 && count != -Errno.EINTR) {
                    throw new IllegalStateException("epoll_wait: " + Errno.name((int) count));
                }
                for (int i = 0; i < count; i++) {
                    if (events.data(i) == STOP) {
                        stopped = true;
                        continue;
                    }
                    Descriptor descriptor = members.get(events.data(i));
                    if (descriptor != null) {
                        collect(descriptor, events.events(i), woken);
                    }
                }
                woken.forEach(Waiter::ready);
                woken.clear();
            }
        }

        /** Takes out the waiters whom {@code events} concern, and arms again for the rest. */
        private void collect(Descriptor descriptor, int events, List<Waiter> woken) {
            synchronized (descriptor) {
                if (descriptor.isClosed()) {
                    return; // its close wakes them
                }
                descriptor.armedEvents = 0;
                boolean forAll = (events & (EPOLLERR | EPOLLHUP)) != 0;
                descriptor.waiters.removeIf(waiter -> {
                    boolean concerned = waiter.events != 0 && (forAll || (events & waiter.events) != 0);
                    if (concerned) {
                        woken.add(waiter);
                    }
                    return concerned;
                });
                if (armLocked(this, descriptor) == 0) {
                    return;
                }
                // They are woken to find out for themselves.
                woken.addAll(descriptor.waiters);
                descriptor.waiters.clear();
            }
        }

        /** Called once, by whoever closes the poller. */
        void stop() {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment one = arena.allocateFrom(ValueLayout.JAVA_LONG, 1);
                long written;
                do {
                    written = kernel.write(stopEvent.fd(), one);
                } while (written == -Errno.EINTR);
            }
            boolean interrupted = false;
            while (true) {
                try {
                    thread.join();
                    break;
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            release();
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
