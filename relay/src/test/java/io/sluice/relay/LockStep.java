// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static io.sluice.kernel.Flags.EPOLL_CTL_ADD;
import static io.sluice.kernel.Flags.EPOLL_CTL_DEL;
import static io.sluice.kernel.Flags.EPOLL_CTL_MOD;
import static io.sluice.kernel.Flags.SHUT_WR;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.EpollEvents;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.wrap.ForwardingKernel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The kernel of one event loop that takes turns with its test: while the loop sleeps for want of anything to do, the
 * test looks around and brings something about, and while the test is in {@link #rest} the loop does all that it can.
 * So a session makes the same calls in the same order each time, and the nth of them can be made to go wrong.
 *
 * <p>The test makes its own calls on the kernel inside, which no fault meets. What the loop does meanwhile the test
 * sees when {@link #rest} returns, and the other way round.
 */
final class LockStep extends ForwardingKernel {
    private static final long PATIENCE_SECONDS = 20;

    /**
     * Sleeps up to this are slept, since something is soon due; longer ones are for the timeouts that no test awaits.
     */
    private static final int SHORT_SLEEP_MILLIS = 1000;

    /** What a descriptor was put into epoll with. */
    private record Interest(int epfd, int events, long data) {}

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    // Guarded by the lock.
    private boolean free = true;
    private boolean resting;
    private long turns;

    // Of whoever has the turn.
    private final Map<Integer, Interest> interests = new HashMap<>();
    private final Set<Integer> pipes = new HashSet<>();
    private final Set<Integer> ended = new HashSet<>();
    private final Set<Integer> failed = new HashSet<>();
    private final Map<Integer, Long> taken = new HashMap<>();
    private final Map<Integer, Long> delivered = new HashMap<>();
    private boolean counts;
    private List<Call> planned = List.of();
    private long faultyCall;
    private Fault fault = Fault.NONE;
    private @Nullable Call met;
    private IntConsumer resetFar = fd -> {};
    private @Nullable Thread loop;
    private String mistake = "";
    private int accepted = -1;
    private int connected = -1;

    LockStep(Kernel inner) {
        super(inner);
    }

    // Turns.

    /** From now on the loop waits for {@link #rest}, as soon as something has woken it. */
    void hold() {
        lock.lock();
        try {
            free = false;
        } finally {
            lock.unlock();
        }
    }

    /** Lets the loop do what it can, and returns when there is nothing left. */
    void rest() {
        lock.lock();
        try {
            turns++;
            resting = false;
            changed.signalAll();
            long left = TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
            while (!resting && left > 0) {
                left = changed.awaitNanos(left);
            }
            assertThat(mistake).as("a mistake of the loop's").isEmpty();
            assertThat(resting).as("the loop comes to rest").isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        } finally {
            lock.unlock();
        }
    }

    /** The loop runs by itself again. */
    void release() {
        lock.lock();
        try {
            free = true;
            turns++;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private long sleep(int epfd, EpollEvents events, int timeoutMillis) {
        while (true) {
            long count = inner.epollWait(epfd, events, 0);
            if (count != 0 || timeoutMillis == 0) {
                return count;
            }
            lock.lock();
            try {
                if (free || (timeoutMillis > 0 && timeoutMillis <= SHORT_SLEEP_MILLIS)) {
                    break;
                }
                long turn = turns;
                resting = true;
                changed.signalAll();
                while (turns == turn) {
                    changed.awaitUninterruptibly();
                }
            } finally {
                lock.unlock();
            }
        }
        return inner.epollWait(epfd, events, timeoutMillis);
    }

    // Faults.

    /** Counts the loop's calls from now on, and has call {@code number} meet the fault if it can. */
    void plan(long number, Fault what, IntConsumer resetTheOtherEnd) {
        counts = true;
        planned = new ArrayList<>();
        met = null;
        faultyCall = number;
        fault = what;
        resetFar = resetTheOtherEnd;
    }

    /** Calls do not count any more. */
    void planNone() {
        counts = false;
    }

    /** The calls that counted. */
    List<Call> planned() {
        return planned;
    }

    /** The call that has met its fault; null when none has. */
    @Nullable
    Call met() {
        return met;
    }

    @Override
    protected long around(String name, LongSupplier call, @Nullable Object... arguments) {
        if (name.equals("epoll_wait")) {
            loop = Thread.currentThread();
            Call waiting = new Call(name, arguments, pipes);
            return inTurn(waiting, () -> sleep(waiting.integer(0), waiting.events(), waiting.integer(2)));
        }
        return Thread.currentThread().equals(loop) ? inTurn(new Call(name, arguments, pipes), call) : call.getAsLong();
    }

    private long inTurn(Call call, LongSupplier go) {
        long answer = isDue(call) ? befallen(call, go) : go.getAsLong();
        note(call, answer);
        return answer;
    }

    private boolean isDue(Call call) {
        if (counts) {
            planned.add(call);
        }
        return counts && planned.size() == faultyCall && fault.mayMeet(call);
    }

    private long befallen(Call call, LongSupplier go) {
        met = call;
        if (fault.endsTheConnection()) {
            resetFar.accept(call.socket());
        }
        long answer = fault.answer(call, inner, go);
        if (fault.isForTheMoment()) {
            again(call.socket());
        }
        return answer;
    }

    /** What was not there a moment ago has come: the edge that a kernel reports then. */
    private void again(int fd) {
        Interest interest = interests.get(fd);
        if (interest != null) {
            inner.epollCtl(interest.epfd, EPOLL_CTL_MOD, fd, interest.events, interest.data);
        }
    }

    // What the loop has done.

    private void note(Call call, long answer) {
        if (answer < 0) {
            noteFailure(call, (int) -answer);
            return;
        }
        switch (call.name()) {
            case "pipe2" -> pipes.addAll(call.made());
            case "accept4" -> accepted = (int) answer;
            case "socket" -> connected = (int) answer;
            case "epoll_ctl" -> noteInterest(call);
            case "shutdown" -> {
                if (call.integer(1) == SHUT_WR) {
                    ended.add(call.integer(0));
                }
            }
            case "close" -> forget(call.integer(0));
            default -> {
                switch (call.kind()) {
                    case RECEIVE, SPLICE_IN -> taken.merge(call.socket(), answer, Long::sum);
                    case SEND, SPLICE_OUT -> delivered.merge(call.socket(), answer, Long::sum);
                    default -> {}
                }
            }
        }
    }

    private void noteFailure(Call call, int errno) {
        if (errno == Errno.EBADF) {
            mistake = call + " of a descriptor that is not open";
        }
        if (call.kind() == Call.Kind.END) {
            ended.add(call.socket()); // of a connection that is lost, which nobody hears
        }
        boolean sends = call.kind() == Call.Kind.SEND || call.kind() == Call.Kind.SPLICE_OUT;
        if (sends && errno != Errno.EAGAIN && errno != Errno.EINTR) {
            failed.add(call.socket());
        }
    }

    private void noteInterest(Call call) {
        int fd = call.integer(2);
        switch (call.integer(1)) {
            case EPOLL_CTL_ADD, EPOLL_CTL_MOD ->
                interests.put(fd, new Interest(call.integer(0), call.integer(3), call.number(4)));
            case EPOLL_CTL_DEL -> interests.remove(fd);
            default -> throw new IllegalArgumentException(call.toString());
        }
    }

    private void forget(int fd) {
        interests.remove(fd);
        pipes.remove(fd);
        ended.remove(fd);
        failed.remove(fd);
        taken.remove(fd);
        delivered.remove(fd);
    }

    /** The connection that was taken last. */
    int accepted() {
        return accepted;
    }

    /** The socket that was made last. */
    int connected() {
        return connected;
    }

    /** Whether the loop still looks after it. */
    boolean isWatched(int fd) {
        return interests.containsKey(fd);
    }

    /** Bytes that the loop has read from a socket that is still open. */
    long taken(int fd) {
        return taken.getOrDefault(fd, 0L);
    }

    /** Bytes that the loop has written to it. */
    long delivered(int fd) {
        return delivered.getOrDefault(fd, 0L);
    }

    /** Whether the loop was told that it can write no more. */
    boolean hasFailed(int fd) {
        return failed.contains(fd);
    }

    /** Whether the loop has said that it will write no more. */
    boolean hasEnded(int fd) {
        return ended.contains(fd);
    }
}
