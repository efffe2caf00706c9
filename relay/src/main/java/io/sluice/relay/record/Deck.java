// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.record;

import io.sluice.flow.PipePool;
import io.sluice.flow.PooledPipe;
import io.sluice.kernel.Kernel;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.LinkedHashSet;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * The end of a recording that stands beside an event loop: it gathers what is recorded there, in one order, and hands
 * it to the recorder's thread in pieces. A piece that is handed over is the thread's until it comes back empty.
 *
 * <pre>
 *   the loop's thread                                    the recorder's thread
 *   bulk:   source pipe --tee--> stage ---+
 *                                         +-- queue ---> file
 *   small:  blocks made in a batch -------+
 * </pre>
 *
 * <p>All of the public methods but the constructor are for the loop's thread.
 */
public final class Deck {
    /** As much as a session's own pipe has. */
    private static final int PIPE_BYTES = 512 << 10;

    /** The most that is copied at a time, with what stands around it. */
    private static final int LARGEST_COPY_BYTES = (64 << 10) + 2 * Way.MOST_FRAME_BYTES + 1024;

    /** For the beginnings and ends of sessions, when nothing else has room. */
    private static final int RESERVE_BYTES = 4 * Item.Batch.BYTES;

    /** How long a batch waits for company: what a reader of the file is behind, and what a killed process loses. */
    private static final long LONGEST_WAIT_NANOS = 10_000_000;

    private static final int MOST_SPARE_BATCHES = 4;
    private static final long NANOS_PER_SECOND = 1_000_000_000;

    private final Recorder recorder;
    private final Kernel kernel;
    private final Loop loop;
    private final boolean blocks;
    private final long mostPipeBytes;
    private final long mostBatchBytes;
    private final PipePool pool;

    // The loop's thread.
    private Item.@Nullable Batch batch;
    private @Nullable PooledPipe stage;
    private boolean stageRefused;
    private boolean stageUsed;
    private boolean timed;
    private Set<Runnable> blocked = new LinkedHashSet<>();

    // Between the threads.
    private final Queue<Item> queue = new ConcurrentLinkedQueue<>();
    private final AtomicLong pipeBytes = new AtomicLong(); // capacity of the pieces that wait
    private final AtomicLong batchBytes = new AtomicLong();
    private final AtomicBoolean anyBlocked = new AtomicBoolean();
    private final ArrayDeque<Item.Batch> spare = new ArrayDeque<>(); // guarded by itself

    final LongAdder missedBytes = new LongAdder();
    final LongAdder missedPackets = new LongAdder();

    private long blockedNanos; // by waits that are over; all three guarded by this
    private long blockedSinceNanos;
    private boolean waitedFor;

    /**
     * A deck of {@code recorder}.
     *
     * @param mostPipeBytes that wait, less than the pool may have by one pipe or more
     * @param mostBatchBytes that wait
     */
    Deck(
            Recorder recorder,
            Kernel kernel,
            Loop loop,
            boolean blocks,
            long mostPipeBytes,
            long mostBatchBytes,
            PipePool pool) {
        this.recorder = recorder;
        this.kernel = kernel;
        this.loop = loop;
        this.blocks = blocks;
        this.mostPipeBytes = mostPipeBytes;
        this.mostBatchBytes = mostBatchBytes;
        this.pool = pool;
    }

    Recorder recorder() {
        return recorder;
    }

    Kernel kernel() {
        return kernel;
    }

    /** Nanoseconds since 1970: a capture tells when something was. */
    static long wallNanos() {
        Instant now = Instant.now();
        return now.getEpochSecond() * NANOS_PER_SECOND + now.getNano();
    }

    // Room.

    /** Sees to room for one more piece, be it copied or duplicated; false when a session is to wait for that. */
    boolean prepare(Runnable wake) {
        if (hasRoomNow() || !blocks) {
            return true;
        }
        if (blocked.isEmpty()) {
            beginWait();
        }
        blocked.add(wake);
        anyBlocked.set(true);
        if (hasRoom()) { // it has come before anybody could know that it is waited for
            loop.execute(this::wakeBlocked);
        }
        return false;
    }

    private boolean hasRoomNow() {
        boolean copies = batchFor(LARGEST_COPY_BYTES, 0) != null;
        return (hasStage() || stageRefused) && copies;
    }

    /** Whether {@link #prepare} is worth asking again. */
    boolean hasRoom() {
        return pipeBytes.get() + PIPE_BYTES <= mostPipeBytes && mayHaveBatch(0);
    }

    private boolean hasStage() {
        stageRefused = false;
        if (stage == null && pipeBytes.get() + PIPE_BYTES <= mostPipeBytes) {
            stage = pool.lend(PIPE_BYTES);
            stageRefused = stage == null;
            setTimer();
        }
        stageUsed = true;
        return stage != null;
    }

    /** A batch with that much room; null when there is none, or it was begun in a reserve that is not for this. */
    private Item.@Nullable Batch batchFor(int bytes, int reserveBytes) {
        Item.Batch open = batch;
        if (open != null && open.room() < bytes && mayHaveBatch(reserveBytes)) {
            handOverBatch();
        }
        if (!mayHaveBatch(reserveBytes)) {
            return null;
        }
        if (batch == null) {
            synchronized (spare) {
                batch = spare.pollLast();
            }
            batch = batch == null ? newBatch() : batch;
            setTimer();
        }
        return batch;
    }

    private boolean mayHaveBatch(int reserveBytes) {
        return batchBytes.get() + Item.Batch.BYTES <= mostBatchBytes + reserveBytes;
    }

    private static Item.@Nullable Batch newBatch() {
        try {
            return new Item.Batch();
        } catch (OutOfMemoryError e) {
            return null; // as good as no room, and counted as such by whoever asked
        }
    }

    // What is recorded.

    /** The stage for the next piece, empty; null when there is none. */
    @Nullable
    PooledPipe stage() {
        return stage;
    }

    /** Whether there is no stage although there might be: the kernel gives no pipe, and a piece has to be copied. */
    boolean copiesForWantOfPipe() {
        return stageRefused;
    }

    /** Hands on the stage, which holds a piece now. */
    void handOver(Item.Piece piece) {
        stage = null;
        handOverBatch();
        enqueue(piece);
    }

    /** Where that many bytes of blocks may be put, at its length; null when there is no room. */
    Item.@Nullable Batch room(int bytes, boolean reserved) {
        return batchFor(bytes, reserved ? RESERVE_BYTES : 0);
    }

    void missed(long bytes, long packets) {
        missedBytes.add(bytes);
        missedPackets.add(packets);
    }

    // Handing over.

    private void setTimer() {
        if (!timed) {
            timed = true;
            loop.after(LONGEST_WAIT_NANOS, this::due);
        }
    }

    private void due() {
        timed = false;
        if (queue.isEmpty()) {
            handOverBatch();
        } else if (batch != null) {
            setTimer(); // the disk is behind, and what waits takes less room in one batch than in many
        }
        if (stage != null && !stageUsed) {
            giveBackStage();
        } else if (stage != null) {
            setTimer();
        }
        stageUsed = false;
    }

    private void giveBackStage() {
        PooledPipe empty = stage;
        stage = null;
        if (empty != null) {
            pool.giveBack(empty);
        }
    }

    private void handOverBatch() {
        Item.Batch full = batch;
        if (full != null) {
            batch = null;
            if (full.length > 0) {
                enqueue(full);
            } else {
                keep(full);
            }
        }
    }

    private void enqueue(Item item) {
        waiting(item).addAndGet(item.capacityBytes());
        queue.add(item);
        recorder.wake();
    }

    private AtomicLong waiting(Item item) {
        return item instanceof Item.Piece ? pipeBytes : batchBytes;
    }

    /** Hands over what there is; no more will come. The loop's thread has ended, or this is it. */
    void finish() {
        handOverBatch();
        giveBackStage();
        pool.close();
    }

    // The recorder's thread.

    Loop loop() {
        return loop;
    }

    @Nullable
    Item next() {
        return queue.poll();
    }

    boolean isEmpty() {
        return queue.isEmpty();
    }

    /** Takes back what has been written, or cannot be. */
    void takeBack(Item item) {
        int capacityBytes = item.capacityBytes();
        switch (item) {
            case Item.Piece piece -> pool.giveBack(piece.pipe()); // which closes it when there is anything left in it
            case Item.Batch done -> keep(done.emptied());
        }
        waiting(item).addAndGet(-capacityBytes); // only now: whoever sees the room finds the pipe in the pool
        if (anyBlocked.get() && isHalfEmpty() && anyBlocked.compareAndSet(true, false)) {
            loop.execute(this::wakeBlocked);
        }
    }

    /** Then it is worth waking somebody: not for each single piece. */
    private boolean isHalfEmpty() {
        return pipeBytes.get() <= mostPipeBytes / 2 && batchBytes.get() <= mostBatchBytes / 2;
    }

    /** Whether so much waits that something may soon be left out. */
    boolean isBehind() {
        return !blocks && !isHalfEmpty();
    }

    private void keep(Item.Batch done) {
        synchronized (spare) {
            if (spare.size() < MOST_SPARE_BATCHES) {
                spare.addLast(done);
                return;
            }
        }
        done.close();
    }

    /** Gives the memory back, when both threads have ended. */
    void release() {
        synchronized (spare) {
            spare.forEach(Item.Batch::close);
            spare.clear();
        }
    }

    private void wakeBlocked() {
        anyBlocked.set(false);
        if (blocked.isEmpty()) {
            return;
        }
        endWait();
        Set<Runnable> woken = blocked;
        blocked = new LinkedHashSet<>();
        woken.forEach(Runnable::run);
    }

    private synchronized void beginWait() {
        blockedSinceNanos = System.nanoTime();
        waitedFor = true;
    }

    private synchronized void endWait() {
        blockedNanos = blockedNanos();
        waitedFor = false;
    }

    // For anyone.

    /** For how long sessions have waited for room, those included that do so now. */
    synchronized long blockedNanos() {
        return blockedNanos + (waitedFor ? System.nanoTime() - blockedSinceNanos : 0);
    }

    long waitingBytes() {
        return pipeBytes.get() + batchBytes.get();
    }
}
