// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.record;

import io.sluice.flow.Journal;
import io.sluice.flow.PipePool;
import io.sluice.kernel.Kernel;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;

/**
 * A thread that writes down what decks hand over. It alone touches the files, and sleeps on the disk as long as the
 * disk likes: no event loop does.
 */
public final class Recorder implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Recorder.class.getName());

    /** Items of one deck, before the next has its turn. */
    private static final int ITEMS_PER_TURN = 16;

    /** Of three quarters of what a kernel grants in pipes; the sessions need theirs. */
    private static final int SHARE_OF_PIPES = 2;

    /** Pipes of small capacity, when the kernel grants no others, are more in number. */
    private static final int MOST_PIPES = 256;

    private static final int PIPE_BYTES = 512 << 10;

    /** Gaps are told of at once, and then no more often than this. */
    private static final long LOG_NANOS = 10_000_000_000L;

    /** At the end, a disk that has done nothing for so long is waited for no longer. */
    private static final long PATIENCE_NANOS = 10_000_000_000L;

    private static final long STEP_MILLIS = 50;

    private final Kernel kernel;
    private final Recording how;
    private final Shelf shelf;
    private final Journal journal;
    private final int loops;
    private final String application;
    private final Arena arena = Arena.ofShared();
    private final List<Reel> reels = new ArrayList<>();
    private final Reel.Library library = new Files();
    private final Thread thread =
            Thread.ofPlatform().daemon().name("sluice-recorder").unstarted(this::run);

    private final AtomicLong sessions = new AtomicLong();
    private final LongAdder deleted = new LongAdder();
    private volatile boolean sleeps;
    private volatile boolean ending;
    private final AtomicLong turns = new AtomicLong();

    // The recorder's thread.
    private long sleepNanos;
    private long toldMissing;
    private long toldNanos;
    private boolean told;

    /**
     * A recorder that has no decks yet.
     *
     * @param loops how many decks there will be
     * @param application who says in the files that it has made them
     */
    @SuppressWarnings("exports") // for the relay alone
    public Recorder(Kernel kernel, Recording how, Shelf shelf, Journal journal, int loops, String application) {
        this.kernel = kernel;
        this.how = how;
        this.shelf = shelf;
        this.journal = journal;
        this.loops = loops;
        this.application = application;
    }

    /** What a recording takes of the pipes that a kernel grants, in bytes. */
    public static long pipeBytes(Kernel kernel, Recording how) {
        return Math.min(PipePool.grantedBytes(kernel) / SHARE_OF_PIPES, how.bufferBytes() / 4 * 3);
    }

    /** A deck for one more loop; before {@link #start}. */
    public Deck deck(Loop loop) {
        long ours = pipeBytes(kernel, how);
        long most = Math.max(ours / loops, 2 * PIPE_BYTES);
        PipePool pool = new PipePool(kernel, journal, MOST_PIPES, most, PipePool.DEFAULT_IDLE, 0);
        Deck deck = new Deck(
                this,
                kernel,
                loop,
                how.whenFull() == Recording.WhenFull.BLOCK,
                most - PIPE_BYTES,
                Math.max((how.bufferBytes() - ours) / loops, 2 * Item.Batch.BYTES),
                pool);
        reels.add(new Reel(kernel, deck, library, arena));
        return deck;
    }

    /**
     * Begins to write.
     *
     * @throws IOException when there is no directory that can be written to, and none can be made
     */
    public void start() throws IOException {
        shelf.prepare();
        thread.start();
    }

    // From any thread.

    /** One more session is recorded; answers its number. */
    long begun() {
        return sessions.getAndIncrement();
    }

    /** There is something to do. */
    void wake() {
        if (sleeps) {
            LockSupport.unpark(thread);
        }
    }

    /** As it is now. */
    public RecordingStatus status() {
        return new RecordingStatus(
                how.directory().toString(),
                sessions.get(),
                sum(reel -> reel.files.sum()),
                deleted.sum(),
                sum(reel -> reel.fileBytes.sum()),
                sum(reel -> reel.bytes.sum()),
                sum(reel -> reel.deck().missedBytes.sum()),
                sum(reel -> reel.missedBytes.sum()),
                sum(reel -> reel.deck().waitingBytes()),
                how.bufferBytes(),
                sum(reel -> reel.deck().blockedNanos()),
                trouble());
    }

    private long sum(ToLongFunction<Reel> value) {
        return reels.stream().mapToLong(value).sum();
    }

    private String trouble() {
        return reels.stream()
                .map(Reel::trouble)
                .filter(trouble -> !trouble.isEmpty())
                .findFirst()
                .orElse("");
    }

    /**
     * Writes what was handed over, and ends. To be called when the loops have ended, or will hand over nothing more. A
     * disk that hangs is waited for as long as it does anything, and ten seconds more.
     */
    @Override
    public void close() {
        reels.forEach(reel -> reel.deck().finish());
        ending = true;
        LockSupport.unpark(thread);
        if (thread.getState() != Thread.State.NEW && !hasEnded()) {
            LOG.log(
                    Level.ERROR,
                    "the disk under {0} does not answer: {1} bytes are given up",
                    how.directory(),
                    sum(reel -> reel.deck().waitingBytes()));
            return; // the thread may still be at it, and has its memory
        }
        reels.forEach(reel -> reel.deck().release());
        arena.close();
    }

    private boolean hasEnded() {
        boolean interrupted = false;
        long seen = turns.get();
        long sinceNanos = System.nanoTime();
        while (thread.isAlive() && System.nanoTime() - sinceNanos < PATIENCE_NANOS) {
            try {
                thread.join(STEP_MILLIS);
            } catch (InterruptedException e) {
                interrupted = true;
            }
            if (turns.get() != seen) {
                seen = turns.get();
                sinceNanos = System.nanoTime();
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return !thread.isAlive();
    }

    // The recorder's thread.

    private void run() {
        boolean last;
        do {
            last = ending; // before the look: what is handed over is there by then
            boolean worked = false;
            for (Reel reel : reels) {
                worked |= guarded(reel, this::turn);
            }
            if (worked) {
                last = false;
            } else {
                sleepNanos = Long.MAX_VALUE;
                reels.forEach(reel -> guarded(reel, this::rest));
                tell();
                if (!last) {
                    sleep();
                }
            }
        } while (!last);
        reels.forEach(reel -> guarded(reel, Recorder::end));
        told = false;
        tell();
    }

    /**
     * Does something to a reel; a mistake of ours, or what there is no memory for, ends that reel, and all of its items
     * are still taken back.
     */
    private static boolean guarded(Reel reel, Predicate<Reel> work) {
        try {
            return work.test(reel);
        } catch (RuntimeException | Error e) {
            try {
                reel.give(e);
                LOG.log(Level.ERROR, "recording has failed by a mistake of the relay, or for want of memory", e);
            } catch (OutOfMemoryError again) {
                // Then there is none to say so, either; whatever comes is still taken back.
            }
            return true;
        }
    }

    private boolean turn(Reel reel) {
        int items = 0;
        while (items < ITEMS_PER_TURN && reel.writeNext()) {
            items++;
            turns.incrementAndGet();
        }
        if (items == ITEMS_PER_TURN) {
            tell();
        }
        return items > 0;
    }

    private boolean rest(Reel reel) {
        reel.flush();
        sleepNanos = Math.min(sleepNanos, reel.look(System.nanoTime()));
        return true;
    }

    private static boolean end(Reel reel) {
        reel.end();
        return true;
    }

    private void sleep() {
        sleeps = true;
        if (!ending && reels.stream().allMatch(reel -> reel.deck().isEmpty())) {
            LockSupport.parkNanos(Math.max(sleepNanos, 1));
        }
        sleeps = false;
    }

    /** Says what is missing. */
    private void tell() {
        long missing =
                sum(reel -> reel.missedBytes.sum() + reel.deck().missedBytes.sum());
        long nowNanos = System.nanoTime();
        if (missing > toldMissing && (!told || nowNanos - toldNanos >= LOG_NANOS)) {
            LOG.log(
                    Level.WARNING,
                    "the recording in {0} lacks {1} bytes more, {2} in all: {3}",
                    how.directory(),
                    missing - toldMissing,
                    missing,
                    trouble().isEmpty() ? "the recorder was behind" : trouble());
            told = true;
            toldNanos = nowNanos;
            toldMissing = missing;
        }
    }

    /** The directory, and what is kept there. */
    private final class Files implements Reel.Library {
        @Override
        public MemorySegment beginning(Deck of) {
            return Pcapng.beginning(application, of.loop().name());
        }

        @Override
        public String path(String name) throws IOException {
            shelf.prepare(); // somebody may have taken it away
            if (how.limitBytes() > 0) {
                makeRoom();
            }
            return shelf.path(name);
        }

        /** Deletes the oldest files, so that there is room for all that are written now at their full length. */
        private void makeRoom() throws IOException {
            List<Shelf.Entry> finished = new ArrayList<>(shelf.entries());
            finished.removeIf(
                    each -> reels.stream().anyMatch(reel -> reel.name().equals(each.name())));
            long total = finished.stream().mapToLong(Shelf.Entry::bytes).sum();
            long room = how.limitBytes() - loops * rotateBytes();
            for (Shelf.Entry oldest : finished) {
                if (total <= room) {
                    break;
                }
                shelf.delete(oldest.name());
                deleted.increment();
                total -= oldest.bytes();
            }
        }

        @Override
        public void finished(String name, long bytes) {
            LOG.log(Level.DEBUG, "recorded {0}, {1} bytes", name, bytes);
        }

        @Override
        public long rotateBytes() {
            return how.rotateBytes(loops);
        }

        @Override
        public long rotateAgeNanos() {
            return how.rotateAge().toNanos();
        }
    }
}
