// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static io.sluice.kernel.Flags.EFD_CLOEXEC;
import static io.sluice.kernel.Flags.EFD_NONBLOCK;
import static io.sluice.kernel.Flags.EPOLLIN;
import static io.sluice.kernel.Flags.EPOLL_CLOEXEC;
import static io.sluice.kernel.Flags.EPOLL_CTL_ADD;
import static io.sluice.kernel.Flags.EPOLL_CTL_DEL;
import static io.sluice.kernel.Flags.EPOLL_CTL_MOD;

import io.sluice.ErrnoException;
import io.sluice.flow.PipePool;
import io.sluice.kernel.EpollEvents;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.relay.record.Loop;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One thread that sleeps in its own epoll and does what comes: readiness of descriptors, timers, tasks that other
 * threads hand in, and work that a turn has left over. Everything that is watched here belongs to this thread.
 *
 * <p>A datum of epoll names a seat and how often it has been taken:
 *
 * <pre>
 *   63        32 31       0
 *   times taken   seat        an event of one who has left since is nobody's
 * </pre>
 */
final class EventLoop implements AutoCloseable {
    /** Who is told of events. */
    interface Watcher {
        /** The descriptor has become ready; the bits are those of epoll. */
        void ready(int events);
    }

    private static final System.Logger LOG = System.getLogger(EventLoop.class.getName());
    private static final int EVENTS_PER_WAIT = 512;
    private static final long WAKE_UP = -1;

    private final Kernel kernel;
    private final PipePool pool;
    private final int epoll;
    private final int wakeUp;
    private final Thread thread;
    private final ConcurrentLinkedQueue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private Consumer<Throwable> failed = _ -> {}; // set before the thread starts
    private final AtomicBoolean signalled = new AtomicBoolean(); // between a signal and the look at the tasks
    private final MemorySegment one = Arena.ofAuto().allocateFrom(ValueLayout.JAVA_LONG, 1);

    // The loop's thread.
    private final EpollEvents events = new EpollEvents(EVENTS_PER_WAIT);
    private final MemorySegment drained = Arena.ofAuto().allocate(ValueLayout.JAVA_LONG);
    private final Timers timers = new Timers();
    private final Spare spare;
    private final List<@Nullable Watcher> seats = new ArrayList<>();
    private final List<Integer> timesTaken = new ArrayList<>();
    private final ArrayDeque<Integer> freeSeats = new ArrayDeque<>();
    private ArrayDeque<Runnable> leftOver = new ArrayDeque<>();
    private ArrayDeque<Runnable> nextLeftOver = new ArrayDeque<>();
    private boolean stopped;
    private long nowNanos = System.nanoTime();

    /** A loop that is not running yet. */
    EventLoop(Kernel kernel, PipePool pool, String name) throws IOException {
        this.kernel = kernel;
        this.pool = pool;
        this.spare = new Spare(kernel);
        this.epoll = (int) check("epoll_create1", kernel.epollCreate1(EPOLL_CLOEXEC));
        int counter = -1;
        try {
            counter = (int) check("eventfd", kernel.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
            check("epoll_ctl", kernel.epollCtl(epoll, EPOLL_CTL_ADD, counter, EPOLLIN, WAKE_UP));
        } catch (IOException e) {
            kernel.close(epoll);
            if (counter >= 0) {
                kernel.close(counter);
            }
            throw e;
        }
        this.wakeUp = counter;
        this.thread = Thread.ofPlatform().name(name).unstarted(this::run);
    }

    private static long check(String call, long result) throws ErrnoException {
        if (result < 0) {
            throw new ErrnoException(call, result, "event loop");
        }
        return result;
    }

    /** Starts the thread. */
    void start() {
        start(_ -> {});
    }

    /**
     * Starts the thread.
     *
     * @param whenFailed called by the loop's thread, as its last act, when a mistake of ours has ended the loop: nobody
     *     will serve those who are watched here
     */
    void start(Consumer<Throwable> whenFailed) {
        failed = whenFailed;
        thread.start();
    }

    Kernel kernel() {
        return kernel;
    }

    /** Of this loop alone. */
    PipePool pool() {
        return pool;
    }

    Timers timers() {
        return timers;
    }

    Spare spare() {
        return spare;
    }

    /** {@link System#nanoTime} at the beginning of this turn: exact enough for timeouts, and it costs nothing. */
    long nowNanos() {
        return nowNanos;
    }

    /** As a recording sees it. */
    Loop beside(String name) {
        return new Loop() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public void execute(Runnable task) {
                EventLoop.this.execute(task);
            }

            @Override
            public void after(long nanos, Runnable task) {
                timers.set(new Timers.Timer(task), nowNanos + nanos);
            }
        };
    }

    // From any thread.

    String name() {
        return thread.getName();
    }

    /** That its thread has used; -1 where the JVM cannot tell. */
    long cpuNanos() {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        return threads.isThreadCpuTimeSupported() ? threads.getThreadCpuTime(thread.threadId()) : -1;
    }

    /** Has the loop run {@code task}; nothing happens when the loop has ended. */
    void execute(Runnable task) {
        if (thread.equals(Thread.currentThread())) {
            later(task);
        } else {
            tasks.add(task);
            signal();
        }
    }

    /** Has the loop run {@code task}, and waits for that; from any thread but the loop's own. */
    void call(Runnable task) {
        CountDownLatch done = new CountDownLatch(1);
        execute(() -> {
            try {
                task.run();
            } finally {
                done.countDown();
            }
        });
        boolean interrupted = false;
        boolean waits = true;
        while (waits) {
            try {
                waits = !done.await(100, TimeUnit.MILLISECONDS) && thread.isAlive(); // it may have failed meanwhile
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void signal() {
        if (signalled.compareAndSet(false, true)) {
            long written;
            do {
                written = kernel.write(wakeUp, one);
            } while (written == -Errno.EINTR);
        }
    }

    /** Ends the loop after what it has in hand, and waits for that. Tasks that come later are forgotten. */
    void end() {
        execute(() -> stopped = true);
        boolean interrupted = false;
        while (thread.getState() != Thread.State.NEW) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        signalled.set(true); // there is nobody to be woken
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Ends it if nobody has, and gives back what it had. */
    @Override
    public void close() {
        end();
        spare.lend();
        kernel.close(wakeUp);
        kernel.close(epoll);
        pool.close();
    }

    // From the loop's thread.

    /** Runs {@code work} in the next turn, after everybody else has had theirs. */
    void later(Runnable work) {
        nextLeftOver.add(work);
    }

    /**
     * Watches a descriptor.
     *
     * @param interest the bits of epoll
     * @return the seat, for {@link #change} and {@link #forget}; or -errno
     */
    long watch(int fd, int interest, Watcher watcher) {
        Integer free = freeSeats.pollLast();
        int seat = free == null ? seats.size() : free;
        if (free == null) {
            seats.add(watcher);
            timesTaken.add(0);
        } else {
            seats.set(seat, watcher);
        }
        long added = kernel.epollCtl(epoll, EPOLL_CTL_ADD, fd, interest, datum(seat));
        if (added < 0) {
            leave(seat);
            return added;
        }
        return seat;
    }

    private long datum(int seat) {
        return (long) timesTaken.get(seat) << 32 | seat;
    }

    /** Changes what a descriptor is watched for; 0 or -errno. */
    long change(int fd, long seat, int interest) {
        return kernel.epollCtl(epoll, EPOLL_CTL_MOD, fd, interest, datum((int) seat));
    }

    /** Ends a watch before its descriptor is closed, which takes it out of epoll when it was the only one. */
    void forget(int fd, long seat, boolean closing) {
        if (!closing) {
            kernel.epollCtl(epoll, EPOLL_CTL_DEL, fd, 0, 0);
        }
        leave((int) seat);
    }

    private void leave(int seat) {
        seats.set(seat, null);
        timesTaken.set(seat, timesTaken.get(seat) + 1 & Integer.MAX_VALUE);
        freeSeats.add(seat);
    }

    // The loop.

    private void run() {
        try {
            while (!stopped) {
                nowNanos = System.nanoTime();
                int sleepMillis = leftOver.isEmpty() ? timers.millisToNext(nowNanos) : 0;
                long count = kernel.epollWait(epoll, events, sleepMillis);
                nowNanos = System.nanoTime();
                if (count < 0 && count != -Errno.EINTR) {
                    throw new IllegalStateException("epoll_wait: " + Errno.name((int) -count));
                }
                for (int i = 0; i < count; i++) {
                    serve(events.data(i), events.events(i));
                }
                timers.run(nowNanos);
                runLeftOver();
            }
        } catch (RuntimeException | Error e) {
            LOG.log(Level.ERROR, "event loop " + thread.getName() + " has failed, and its sessions with it", e);
            failed.accept(e);
        }
    }

    private void serve(long datum, int bits) {
        if (datum == WAKE_UP) {
            runTasks();
            return;
        }
        int seat = (int) datum;
        Watcher watcher = timesTaken.get(seat) == (int) (datum >>> 32) ? seats.get(seat) : null;
        if (watcher != null) {
            watcher.ready(bits);
        }
    }

    private void runTasks() {
        kernel.read(wakeUp, drained);
        signalled.set(false); // before the look: who comes later signals again
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
        }
    }

    private void runLeftOver() {
        ArrayDeque<Runnable> work = leftOver;
        for (Runnable each = work.poll(); each != null; each = work.poll()) {
            each.run();
        }
        leftOver = nextLeftOver;
        nextLeftOver = work;
    }
}
