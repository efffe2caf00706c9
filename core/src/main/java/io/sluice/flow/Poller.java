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
 * the first wait. Safe for any thread. Lock order: a descriptor's monitor, then nothing.
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
    private final Object starting = new Object();
    private volatile @Nullable Loop loop;
    private boolean closed; // guarded by starting

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
        Waiter waiter = new Waiter(Thread.currentThread(), events);
        synchronized (descriptor) {
            if (descriptor.isClosed()) {
                return Outcome.CLOSED;
            }
            descriptor.waiters.add(waiter);
            int error;
            try {
                error = armLocked(descriptor);
            } catch (PollerException e) {
                descriptor.waiters.remove(waiter);
                throw e;
            }
            if (error != 0) {
                descriptor.waiters.remove(waiter);
                if (error == Errno.EPERM) {
                    return Outcome.READY;
                }
                throw new PollerException("epoll_ctl", error);
            }
        }
        Outcome outcome = waiter.park(deadlineNanos, condition);
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
        Outcome outcome = waiter.park(deadlineNanos, condition);
        for (Descriptor descriptor : descriptors) {
            synchronized (descriptor) {
                descriptor.waiters.remove(waiter);
            }
        }
        return outcome;
    }

    /** Has epoll watch for what the descriptor's waiters want; answers 0 or an errno. */
    private int armLocked(Descriptor descriptor) throws PollerException {
        int wanted = 0;
        for (Waiter waiter : descriptor.waiters) {
            wanted |= waiter.events;
        }
        if ((wanted & ~descriptor.armedEvents) == 0) { // also when nobody wants anything
            return 0;
        }
        Loop running = started();
        Membership known = descriptor.membershipLocked();
        if (known == null) {
            members.put(descriptor.id, descriptor);
        }
        int operation = known == null ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
        long result = kernel.epollCtl(running.epoll, operation, descriptor.fd(), wanted | EPOLLONESHOT, descriptor.id);
        if (result < 0) {
            if (known == null) {
                members.remove(descriptor.id);
            }
            return (int) -result;
        }
        if (known == null) {
            descriptor.joinedLocked(new Membership(running.epoll));
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
        private final int epoll;

        Membership(int epoll) {
            this.epoll = epoll;
        }

        /**
         * The descriptor's monitor is held, and its number still open: epoll would keep a closed one while a dup lives.
         */
        void end(Descriptor descriptor) {
            kernel.epollCtl(epoll, EPOLL_CTL_DEL, descriptor.fd(), 0, 0);
            members.remove(descriptor.id);
        }
    }

    private Loop started() throws PollerException {
        Loop running = loop;
        if (running != null) {
            return running;
        }
        synchronized (starting) {
            if (closed) {
                throw new PollerException("epoll_ctl", Errno.EBADF);
            }
            if (loop == null) {
                Loop fresh = new Loop();
                Thread.ofPlatform().daemon().name("sluice-poller").start(fresh);
                loop = fresh;
            }
            return loop;
        }
    }

    /** Ends the thread; whoever still waits is answered CLOSED. */
    @Override
    public void close() {
        synchronized (starting) {
            if (!closed && loop != null) {
                loop.stop();
            }
            closed = true;
        }
    }

    /** The thread that sleeps for the others. */
    private final class Loop implements Runnable {
        private static final long STOP = 0; // ids begin at 1

        final int epoll;
        private final int stopEvent;

        Loop() throws PollerException {
            epoll = opened("epoll_create1", kernel.epollCreate1(EPOLL_CLOEXEC));
            int event = (int) kernel.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
            if (event < 0) {
                kernel.close(epoll);
            }
            stopEvent = opened("eventfd", event);
            kernel.epollCtl(epoll, EPOLL_CTL_ADD, stopEvent, EPOLLIN, STOP);
        }

        private static int opened(String call, long result) throws PollerException {
            if (result < 0) {
                throw new PollerException(call, (int) -result);
            }
            return (int) result;
        }

        @Override
        public void run() {
            EpollEvents events = new EpollEvents(EVENTS_PER_WAIT);
            List<Waiter> woken = new ArrayList<>();
            boolean stopped = false;
            while (!stopped) {
                long count = kernel.epollWait(epoll, events, -1);
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
            members.values().forEach(this::release);
            kernel.close(stopEvent);
            kernel.close(epoll);
        }

        /** Nobody sleeps on in a poller that has ended. */
        private void release(Descriptor descriptor) {
            List<Waiter> rest;
            synchronized (descriptor) {
                rest = List.copyOf(descriptor.waiters);
                descriptor.waiters.clear();
            }
            rest.forEach(Waiter::closed);
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
                try {
                    if (armLocked(descriptor) == 0) {
                        return;
                    }
                } catch (PollerException closing) {
                    // The poller ends; below, the waiters are woken to find that out for themselves.
                }
                woken.addAll(descriptor.waiters);
                descriptor.waiters.clear();
            }
        }

        void stop() {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment one = arena.allocateFrom(ValueLayout.JAVA_LONG, 1);
                kernel.write(stopEvent, one);
            }
        }
    }
}
