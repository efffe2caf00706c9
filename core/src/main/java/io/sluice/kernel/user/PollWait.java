// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EINTR;
import static io.sluice.kernel.Flags.POLLERR;
import static io.sluice.kernel.Flags.POLLHUP;

import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** A thread in poll(2): looks, and looks again whenever something changed. */
final class PollWait implements Watch {
    private final Thread thread = Thread.currentThread();
    private volatile boolean changed;

    private PollWait() {}

    @Override
    public void changed(int events) {
        changed = true;
        LockSupport.unpark(thread);
    }

    /** {@code file} null: a negative number, which is never ready. */
    static long poll(@Nullable OpenFile file, int events, int timeoutMillis) {
        int wanted = events | POLLERR | POLLHUP;
        int now = file == null ? 0 : file.readiness() & wanted;
        if (now != 0 || timeoutMillis == 0) {
            return now;
        }
        long deadline = timeoutMillis < 0 ? Waitable.NO_DEADLINE : System.nanoTime() + timeoutMillis * 1_000_000L;
        PollWait me = new PollWait();
        if (file != null) {
            file.watch(me);
        }
        try {
            return me.await(file, wanted, deadline);
        } finally {
            if (file != null) {
                file.unwatch(me);
            }
        }
    }

    private long await(@Nullable OpenFile file, int wanted, long deadline) {
        for (; ; ) {
            changed = false;
            int now = file == null ? 0 : file.readiness() & wanted;
            if (now != 0) {
                return now;
            }
            while (!changed) {
                if (Thread.interrupted()) {
                    return -EINTR;
                }
                long left = deadline - System.nanoTime();
                if (deadline == Waitable.NO_DEADLINE) {
                    LockSupport.park(this);
                } else if (left > 0) {
                    LockSupport.parkNanos(this, left);
                } else {
                    return 0;
                }
            }
        }
    }
}
