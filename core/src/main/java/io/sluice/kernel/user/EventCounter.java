// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.EFAULT;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Flags.O_RDWR;
import static io.sluice.kernel.Flags.POLLERR;
import static io.sluice.kernel.Flags.POLLIN;
import static io.sluice.kernel.Flags.POLLOUT;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.sluice.kernel.Stat;

/** An eventfd(2): a counter that reads wait for and writes add to, eight bytes at a time. */
final class EventCounter extends OpenFile {
    private static final long MOST = -2; // as unsigned: 2^64 - 2

    private final Resources resources;
    private final Page scratch;
    private final boolean semaphore;
    private final State state = new State();

    private static final class State extends Waitable {
        long count;
        long wanted; // by the first writer that sleeps

        @Override
        boolean readableLocked() {
            return count != 0;
        }

        @Override
        boolean writableLocked() {
            return Long.compareUnsigned(count, MOST - wanted) <= 0;
        }
    }

    EventCounter(Resources resources, Page scratch, int initial, boolean semaphore, int statusFlags) {
        super(O_RDWR | statusFlags);
        this.resources = resources;
        this.scratch = scratch;
        this.semaphore = semaphore;
        state.count = Integer.toUnsignedLong(initial);
        resources.remember(state);
    }

    @Override
    void closed() {
        resources.forget(state);
        scratch.release(0);
    }

    @Override
    long read(Iov to, boolean nonblocking) {
        if (to.left() < Long.BYTES) {
            return -EINVAL;
        }
        state.lock();
        try {
            if (state.count == 0) {
                long ready = nonblocking ? -EAGAIN : state.awaitReadableLocked(Waitable.NO_DEADLINE);
                if (ready < 0) {
                    return ready;
                }
            }
            long taken = semaphore ? 1 : state.count;
            state.count -= taken;
            state.tellWritersLocked(POLLOUT);
            scratch.bytes().set(JAVA_LONG_UNALIGNED, 0, taken);
            return to.copyFrom(scratch, 0, Long.BYTES) ? Long.BYTES : -EFAULT;
        } finally {
            state.unlock();
        }
    }

    @Override
    long write(Iov from, boolean nonblocking) {
        if (from.left() < Long.BYTES) {
            return -EINVAL;
        }
        state.lock();
        try {
            if (!from.copyTo(scratch, 0, Long.BYTES)) {
                return -EFAULT;
            }
            long added = scratch.bytes().get(JAVA_LONG_UNALIGNED, 0);
            if (added == -1) {
                return -EINVAL;
            }
            while (Long.compareUnsigned(state.count, MOST - added) > 0) {
                state.wanted = added;
                long ready = nonblocking ? -EAGAIN : state.awaitWritableLocked(Waitable.NO_DEADLINE);
                if (ready < 0) {
                    return ready;
                }
            }
            state.count += added;
            if (added != 0) {
                state.tellReadersLocked(POLLIN);
            }
            return Long.BYTES;
        } finally {
            state.unlock();
        }
    }

    @Override
    void stat(Stat stat) {
        stat.set(Device.ANONYMOUS_FILES, 1, 0600, 1, 0, 0, Page.SIZE, 0);
    }

    @Override
    int readiness() {
        state.lock();
        try {
            int ready = state.count == 0 ? 0 : POLLIN;
            ready |= Long.compareUnsigned(state.count, MOST) < 0 ? POLLOUT : 0;
            ready |= state.count == -1 ? POLLERR : 0;
            return ready;
        } finally {
            state.unlock();
        }
    }

    @Override
    boolean watch(Watch watch) {
        state.watch(watch, true, true);
        return true;
    }

    @Override
    void unwatch(Watch watch) {
        state.unwatch(watch);
    }

    @Override
    public String toString() {
        return "eventfd";
    }
}
