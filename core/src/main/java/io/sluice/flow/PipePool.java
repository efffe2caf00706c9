// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.kernel.Flags.F_GETPIPE_SZ;
import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_NONBLOCK;

import io.sluice.kernel.Kernel;
import java.util.ArrayDeque;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/**
 * Pipes to borrow while bytes move. A pipe comes back only when it is empty, by our count and by the kernel's
 * (FIONREAD): the next user of one with bytes left in it would receive a stranger's (pitfall 21). Any other is closed.
 * Belongs to one instance of the library; safe for any thread.
 */
public final class PipePool implements AutoCloseable {
    /** Idle pipes beyond these are closed: 32 of 512 KiB are a quarter of what the kernel grants a user by default. */
    private static final int MAX_IDLE = 32;

    /**
     * A pipe of fewer bytes is worse than copying. The kernel hands out pipes of two slots to a user who is over
     * pipe-user-pages-soft [C10], and throughput falls off a cliff (pitfall 54).
     */
    private static final int USEFUL_BYTES = 16 << 10;

    private final Kernel kernel;
    private final ArrayDeque<PooledPipe> idle = new ArrayDeque<>();
    private boolean closed;

    // Guarded by this pool's monitor.
    private long made;
    private long refused;

    /** An empty pool. */
    public PipePool(Kernel kernel) {
        this.kernel = kernel;
    }

    /**
     * An empty pipe of about {@code bytes}: of that capacity when the kernel grants it, else smaller. Null when the
     * kernel gives no pipe that is worth having: the caller copies instead.
     */
    synchronized @Nullable PooledPipe borrow(int bytes) {
        for (Iterator<PooledPipe> pipes = idle.descendingIterator(); pipes.hasNext(); ) {
            PooledPipe pipe = pipes.next();
            if (pipe.capacityBytes >= bytes && pipe.capacityBytes < 2L * bytes) {
                pipes.remove();
                return pipe;
            }
        }
        PooledPipe pipe = make(bytes);
        if (pipe == null) {
            refused++;
        } else {
            made++;
        }
        return pipe;
    }

    private @Nullable PooledPipe make(int bytes) {
        int[] fds = new int[2];
        if (kernel.pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) {
            return null;
        }
        long capacity = kernel.fcntl(fds[1], F_SETPIPE_SZ, bytes);
        if (capacity < 0) {
            // Over a limit (EPERM): what the kernel gave at first is what there is.
            capacity = kernel.fcntl(fds[1], F_GETPIPE_SZ, 0);
        }
        PooledPipe pipe = new PooledPipe(fds[0], fds[1], (int) capacity);
        if (capacity < Math.min(bytes, USEFUL_BYTES)) {
            discard(pipe);
            return null;
        }
        return pipe;
    }

    /** Takes a pipe back, or closes it when it is not empty or there are enough. */
    void giveBack(PooledPipe pipe) {
        boolean clean = pipe.heldBytes == 0 && kernel.fionread(pipe.readFd) == 0;
        pipe.copied = false;
        synchronized (this) {
            if (clean && !closed && idle.size() < MAX_IDLE) {
                idle.addLast(pipe);
                return;
            }
        }
        discard(pipe);
    }

    private void discard(PooledPipe pipe) {
        kernel.close(pipe.readFd);
        kernel.close(pipe.writeFd);
    }

    /** Pipes at rest now. */
    public synchronized int idlePipes() {
        return idle.size();
    }

    /** Pipes made since the pool was. */
    public synchronized long madePipes() {
        return made;
    }

    /** Borrowings that the kernel would not serve. */
    public synchronized long refusedPipes() {
        return refused;
    }

    /** Closes the idle pipes; those that are out are closed on their return. */
    @Override
    public void close() {
        ArrayDeque<PooledPipe> rest;
        synchronized (this) {
            closed = true;
            rest = new ArrayDeque<>(idle);
            idle.clear();
        }
        rest.forEach(this::discard);
    }
}
