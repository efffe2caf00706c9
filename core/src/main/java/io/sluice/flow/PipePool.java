// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.kernel.Flags.F_GETPIPE_SZ;
import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_NONBLOCK;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Pipes to borrow while bytes move. A pipe comes back only when it is empty, by our count and by the kernel's
 * (FIONREAD): the next user of one with bytes left in it would receive a stranger's (pitfall 21). Any other is closed.
 *
 * <p>Bounded in pipes, and so in descriptors, and in bytes of capacity, and so in the pages that the kernel grants a
 * user; over a bound nothing is lent, and the borrower copies. What rests too long is closed by a thread that is there
 * only while something rests: an idle process is not woken. Belongs to one instance of the library; safe for any
 * thread.
 */
public final class PipePool implements AutoCloseable {
    /** Half of the 1024 descriptors that a process has at the least by custom; a pipe takes two (pitfall 55). */
    public static final int DEFAULT_PIPES = 256;

    /** How long a pipe rests before it is closed (pitfall 57). */
    public static final Duration DEFAULT_IDLE = Duration.ofSeconds(30);

    /** What GNU cat and cp use; more gains nothing measurable. */
    public static final int DEFAULT_BUFFER_BYTES = 128 << 10;

    private static final Duration LONGEST_IDLE = Duration.ofDays(365); // can be counted in nanoseconds

    /** Idle pipes beyond these are closed at once: 32 of 512 KiB are a quarter of what the kernel grants by default. */
    private static final int MAX_IDLE = 32;

    /** What a new pipe has; as good as a larger one where there is no room for that. */
    private static final int ORDINARY_BYTES = 64 << 10;

    /**
     * A pipe of fewer bytes is worse than copying. The kernel hands out pipes of two slots to a user who is over
     * pipe-user-pages-soft [C10], and throughput falls off a cliff (pitfall 54).
     */
    private static final int USEFUL_BYTES = 16 << 10;

    /** Below this no kernel of usual settings minds, and its settings need not be looked up. */
    private static final long HARMLESS_BYTES = 8 << 20;

    /** Linux's own default of pipe-user-pages-soft, taken where there is no limit: everything has one. */
    private static final long DEFAULT_SOFT_PAGES = 16384;

    /** What a borrower gets. */
    sealed interface Borrowed permits PooledPipe, NoPipe {}

    /**
     * No pipe that is worth having: whoever wanted it copies instead.
     *
     * @param reason the bound that forbade it: pipes, bytes, or the kernel's own
     * @param call the system call that was refused
     * @param errno why; a bound of ours says what the kernel says at its own like it
     */
    record NoPipe(String reason, String call, int errno) implements Borrowed {
        private static final NoPipe TOO_MANY = new NoPipe("pipes", "pipe2", Errno.EMFILE);
        private static final NoPipe TOO_LARGE = new NoPipe("bytes", "pipe2", Errno.ENFILE); // pipe-user-pages-hard

        /** A tap has none. */
        static final NoPipe OF_TAP = new NoPipe("tap", "pipe2", Errno.ENFILE);

        private static NoPipe refused(String call, long result) {
            return new NoPipe("kernel", call, (int) -result);
        }
    }

    private final Kernel kernel;
    private final Journal journal;
    private final BufferPool buffers;
    private final int mostPipes;
    private final long idleNanos;

    // Guarded by this pool's monitor.
    private final ArrayDeque<PooledPipe> idle = new ArrayDeque<>(); // the longest at rest first
    private long mostBytes;
    private int borrowed;
    private long heldBytes;
    private long made;
    private long refused;
    private boolean closed;
    private @Nullable Thread trimmer;

    /** An empty pool within the default bounds. */
    public PipePool(Kernel kernel) {
        this(kernel, new Journal(), DEFAULT_PIPES, 0, DEFAULT_IDLE, DEFAULT_BUFFER_BYTES);
    }

    /**
     * An empty pool.
     *
     * @param journal told of refusals
     * @param mostPipes the most pipes, lent or at rest
     * @param mostBytes the most capacity that they have together; 0: three quarters of pipe-user-pages-soft
     * @param idle how long a pipe rests before it is closed
     * @param bufferBytes size of the buffers in which is copied what goes through no pipe
     */
    public PipePool(Kernel kernel, Journal journal, int mostPipes, long mostBytes, Duration idle, int bufferBytes) {
        this.kernel = kernel;
        this.journal = journal;
        this.buffers = new BufferPool(bufferBytes);
        this.mostPipes = mostPipes;
        this.mostBytes = mostBytes;
        this.idleNanos = idle.compareTo(LONGEST_IDLE) < 0 ? idle.toNanos() : LONGEST_IDLE.toNanos();
    }

    Journal journal() {
        return journal;
    }

    /** For what cannot go through a pipe. */
    BufferPool buffers() {
        return buffers;
    }

    // Lending.

    /**
     * An empty pipe of about {@code bytes}: of that capacity when the bounds and the kernel grant it, else smaller. The
     * caller copies where there is none.
     */
    Borrowed borrow(int bytes) {
        Borrowed found;
        synchronized (this) {
            PooledPipe resting = restingLocked(bytes);
            found = resting != null ? resting : newLocked(bytes);
            if (found instanceof NoPipe) {
                refused++;
            } else {
                borrowed++;
            }
        }
        if (found instanceof NoPipe none) {
            journal.poolMissed(bytes, none.reason);
        }
        return found;
    }

    /** As {@link #borrow}, for those who go without. */
    public @Nullable PooledPipe lend(int bytes) {
        return borrow(bytes) instanceof PooledPipe pipe ? pipe : null;
    }

    private @Nullable PooledPipe restingLocked(int bytes) {
        for (Iterator<PooledPipe> pipes = idle.descendingIterator(); pipes.hasNext(); ) {
            PooledPipe pipe = pipes.next();
            if (pipe.serves(bytes)) {
                pipes.remove();
                return pipe;
            }
        }
        return null;
    }

    /** The capacity that a new pipe may have within the bounds, which pipes at rest make way for; 0 for none. */
    private int roomLocked(int bytes) {
        while (borrowed + idle.size() >= mostPipes && !idle.isEmpty()) {
            discardLocked(idle.removeFirst());
        }
        if (borrowed >= mostPipes) {
            return 0;
        }
        while (!fitsLocked(bytes) && !idle.isEmpty()) {
            discardLocked(idle.removeFirst());
        }
        if (fitsLocked(bytes)) {
            return bytes;
        }
        return bytes > ORDINARY_BYTES && fitsLocked(ORDINARY_BYTES) ? ORDINARY_BYTES : 0;
    }

    private boolean fitsLocked(int bytes) {
        long wanted = heldBytes + bytes;
        if (mostBytes == 0) {
            if (wanted <= HARMLESS_BYTES) {
                return true;
            }
            mostBytes = grantedBytes(kernel);
        }
        return wanted <= mostBytes;
    }

    /** What a kernel grants one user in pipes, less a quarter for others. */
    public static long grantedBytes(Kernel kernel) {
        long pages = kernel.capabilities().pipeUserPagesSoft();
        return (pages == 0 ? DEFAULT_SOFT_PAGES : pages) * kernel.capabilities().pageSizeBytes() / 4 * 3;
    }

    private Borrowed newLocked(int bytes) {
        int room = roomLocked(bytes);
        if (room == 0) {
            return borrowed >= mostPipes ? NoPipe.TOO_MANY : NoPipe.TOO_LARGE;
        }
        Borrowed fresh = make(room, bytes);
        if (fresh instanceof PooledPipe pipe) {
            made++;
            heldBytes += pipe.capacityBytes;
        }
        return fresh;
    }

    private Borrowed make(int bytes, int wantedBytes) {
        int[] fds = new int[2];
        long opened = kernel.pipe2(fds, O_CLOEXEC | O_NONBLOCK);
        if (opened < 0) {
            return NoPipe.refused("pipe2", opened);
        }
        // Refused above pipe-max-size and over the user's pages (EPERM): then less, and at last what was given at
        // first.
        long resized = kernel.fcntl(fds[1], F_SETPIPE_SZ, bytes);
        long capacity = resized;
        for (int less = bytes / 2; capacity < 0 && less > ORDINARY_BYTES; less /= 2) {
            capacity = kernel.fcntl(fds[1], F_SETPIPE_SZ, less);
        }
        if (capacity < 0) {
            capacity = kernel.fcntl(fds[1], F_GETPIPE_SZ, 0);
        }
        if (capacity < Math.min(bytes, USEFUL_BYTES)) {
            close(fds);
            return NoPipe.refused("fcntl F_SETPIPE_SZ", resized);
        }
        return new PooledPipe(fds[0], fds[1], (int) capacity, wantedBytes);
    }

    /** Takes a pipe back, or closes it when it is not empty or there are enough. */
    public void giveBack(PooledPipe pipe) {
        boolean clean = pipe.heldBytes == 0 && kernel.fionread(pipe.readFd) == 0;
        pipe.copied = false;
        pipe.atRestSinceNanos = System.nanoTime();
        synchronized (this) {
            borrowed--;
            if (clean && !closed && idle.size() < MAX_IDLE) {
                idle.addLast(pipe);
                startTrimmerLocked();
            } else {
                discardLocked(pipe);
            }
        }
    }

    private void discardLocked(PooledPipe pipe) {
        heldBytes -= pipe.capacityBytes;
        close(new int[] {pipe.readFd, pipe.writeFd});
    }

    private void close(int[] fds) {
        kernel.close(fds[0]);
        kernel.close(fds[1]);
    }

    // Shrinking.

    private void startTrimmerLocked() {
        if (trimmer == null) {
            trimmer = Thread.ofPlatform().daemon().name("sluice-idle-pipes").start(this::trim);
        }
    }

    /** Closes what has rested long enough; ends when nothing rests. */
    private void trim() {
        while (true) {
            long left = trimNow();
            if (left == 0) {
                return;
            }
            LockSupport.parkNanos(left);
        }
    }

    /** Nanoseconds until there is more to do; 0 when nothing rests, and the thread with that has ended. */
    private synchronized long trimNow() {
        long now = System.nanoTime();
        while (true) {
            PooledPipe longest = idle.peekFirst();
            if (longest == null) {
                trimmer = null;
                return 0;
            }
            long left = longest.atRestSinceNanos + idleNanos - now;
            if (left > 0) {
                return left;
            }
            discardLocked(idle.removeFirst());
        }
    }

    // Gauges.

    /** Pipes at rest now. */
    public synchronized int idlePipes() {
        return idle.size();
    }

    /** Pipes lent now. */
    public synchronized int borrowedPipes() {
        return borrowed;
    }

    /** What all pipes can hold together, lent or at rest. */
    public synchronized long capacityBytes() {
        return heldBytes;
    }

    /** Pipes made since the pool was. */
    public synchronized long madePipes() {
        return made;
    }

    /** Borrowings that were not served. */
    public synchronized long refusedPipes() {
        return refused;
    }

    /** Closes the idle pipes; those that are out are closed on their return. */
    @Override
    public void close() {
        Thread ends;
        synchronized (this) {
            closed = true;
            while (!idle.isEmpty()) {
                discardLocked(idle.removeFirst());
            }
            ends = trimmer;
        }
        if (ends != null) {
            LockSupport.unpark(ends);
        }
    }
}
