// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.flow.Poller;
import io.sluice.kernel.TransferPath;
import java.io.IOException;
import java.nio.channels.Channel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Bytes from a source to a sink: describe it, then {@link #run} it once. The ends stay open and the caller's.
 *
 * <p>Wherever the kernel allows, pages move and bytes do not: from a file, pipe or socket to a pipe or socket by
 * reference, from file to file inside the kernel. What happened is in the result, path by path. Any thread may run a
 * transfer, a virtual one included; one object serves one thread.
 */
public final class Transfer {
    /**
     * Room for half a megabyte in flight: 37 GB/s against 2 with the default of 64 KiB were reported elsewhere (pitfall
     * 59).
     */
    static final int DEFAULT_PIPE_BYTES = 512 << 10;

    /** How far a mirror may lag by default. */
    private static final long DEFAULT_QUEUE_BYTES = 4 << 20;

    /**
     * How far a transfer has come.
     *
     * @param bytes bytes that have reached the sink
     * @param elapsed since {@link #run} was called
     */
    public record Progress(long bytes, Duration elapsed) {}

    final Sluice sluice;
    final Source source;
    final List<Attachment> mirrors = new ArrayList<>();

    /** Sinks that are to come while it runs; null: none may. */
    @Nullable
    Arrivals arrivals;

    @Nullable
    Sink sink;

    @Nullable
    TransferPath forced;

    @Nullable
    Consumer<Progress> progress;

    Duration progressInterval = Duration.ofMillis(100);
    long limitBytes = Long.MAX_VALUE;
    long bytesPerSecond;
    long queueBytes = DEFAULT_QUEUE_BYTES;
    int pipeBytes = DEFAULT_PIPE_BYTES;

    @Nullable
    Duration within;

    @Nullable
    Duration idleWithin;

    boolean stable;

    /** Failures of a sink, by errno, that leave the other sinks alone. */
    IntPredicate tolerable = _ -> false;

    private volatile @Nullable ParkingLoop running;
    private boolean started;

    Transfer(Sluice sluice, Source source) {
        this.sluice = sluice;
        this.source = ofThisSluice(source);
    }

    /** Another's poller would not know the end, and another's kernel might have something else under its number. */
    private <E extends Channel> E ofThisSluice(E end) {
        if (((End) end).sluice != sluice) {
            throw new IllegalArgumentException(end + " belongs to another Sluice");
        }
        return end;
    }

    /** Where the bytes go. */
    public Transfer to(Sink newSink) {
        sink = ofThisSluice(newSink);
        return this;
    }

    /**
     * Sends a duplicate of every byte to a mirror, by tee(2): no copy per mirror. A mirror that fails never fails the
     * transfer; its result tells.
     *
     * @param whenFull what happens when the mirror lags by more than {@link #queue}
     */
    public Transfer mirrorTo(Sink mirror, WhenFull whenFull) {
        return duplicateTo(mirror, whenFull, false);
    }

    Transfer duplicateTo(Sink mirror, WhenFull whenFull, boolean essential) {
        mirrors.add(attachment(mirror, whenFull, 0, essential));
        return this;
    }

    /** A sink that is not attached yet; {@code queueBytes} of 0 is {@link #queue}. */
    Attachment attachment(Sink itsSink, WhenFull whenFull, long ownQueueBytes, boolean essential) {
        return new Attachment(ofThisSluice(itsSink), whenFull, ownQueueBytes, essential, this::wake);
    }

    /** Whether the bytes have to come through a pipe of ours, or through memory, to be duplicated there. */
    boolean branched() {
        return !mirrors.isEmpty() || arrivals != null;
    }

    /** Has the loop look at who came and who wants to go. */
    void wake() {
        ParkingLoop loop = running;
        if (loop != null) {
            loop.wake();
        }
    }

    /** As {@link FanOut#attachments}. */
    List<Attachment> attachments() {
        ParkingLoop loop = running;
        return loop == null ? List.of() : loop.attachments();
    }

    /** Stops after this many bytes; zero or more. */
    public Transfer limit(long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("a limit of " + bytes + " bytes");
        }
        limitBytes = bytes;
        return this;
    }

    /** Moves at most this many bytes in a second, evenly: each call is capped by what is due. */
    public Transfer rate(long newBytesPerSecond) {
        if (newBytesPerSecond < 1) {
            throw new IllegalArgumentException("a rate is at least 1 byte per second, not " + newBytesPerSecond);
        }
        bytesPerSecond = newBytesPerSecond;
        return this;
    }

    /** Ends the transfer, as an outcome and not as a failure, when it takes longer. */
    public Transfer deadline(Duration newWithin) {
        within = Objects.requireNonNull(newWithin);
        return this;
    }

    /** Ends the transfer, as an outcome and not as a failure, when no byte moves for so long. */
    public Transfer idle(Duration newWithin) {
        idleWithin = Objects.requireNonNull(newWithin);
        return this;
    }

    /**
     * Has {@code listener} called about every tenth of a second and once at the end, by the thread that runs the
     * transfer, also while it waits. An exception of the listener's ends the transfer.
     */
    public Transfer onProgress(Consumer<Progress> listener) {
        return onProgress(Duration.ofMillis(100), listener);
    }

    /** The same at another interval. */
    public Transfer onProgress(Duration interval, Consumer<Progress> listener) {
        if (interval.isNegative() || interval.isZero()) {
            throw new IllegalArgumentException("an interval of " + interval);
        }
        progressInterval = interval;
        progress = Objects.requireNonNull(listener);
        return this;
    }

    /** Allows one path only: where the kernel refuses it, the transfer fails with the kernel's errno. */
    public Transfer path(TransferPath onlyThis) {
        forced = Objects.requireNonNull(onlyThis);
        return this;
    }

    /** Capacity in bytes of the pipe that the bytes pass through; the kernel rounds up and may grant less. */
    public Transfer pipeSize(int bytes) {
        if (bytes < 1) {
            throw new IllegalArgumentException("a pipe of " + bytes + " bytes");
        }
        pipeBytes = bytes;
        return this;
    }

    /** How many bytes each mirror may lag behind before it counts as full. */
    public Transfer queue(long bytes) {
        if (bytes < 1) {
            throw new IllegalArgumentException("a queue of " + bytes + " bytes");
        }
        queueBytes = bytes;
        return this;
    }

    /**
     * Copies the bytes of a file that others may change while they are in flight, instead of passing on its pages.
     * Cannot be had with a {@linkplain #path path} that is forced and passes them on.
     */
    public Transfer stable() {
        stable = true;
        return this;
    }

    /** Bytes that have reached the sink so far; any thread may ask. */
    public long movedBytes() {
        ParkingLoop loop = running;
        return loop == null ? 0 : loop.movedBytes();
    }

    /**
     * Moves the bytes; returns when the source has ended and all has arrived, the limit is reached, the sink's reader
     * is gone or the deadline has passed. Blocks the calling thread without holding a carrier.
     *
     * @throws ErrnoException when a call fails for another reason; its result tells what had been done
     * @throws CodeException when the code behind a {@link CodeSource} has thrown, after all that it made before has
     *     arrived; its result tells what had been done
     * @throws TransferInterruptedException when the thread is interrupted
     * @throws java.nio.channels.AsynchronousCloseException when an end is closed meanwhile
     * @throws java.nio.channels.ClosedChannelException when an end was closed before
     */
    public TransferResult run() throws IOException {
        return loop().run();
    }

    /** The loop that runs this description; once. */
    ParkingLoop loop() {
        long deadline = within == null ? Poller.FOREVER : Sluice.deadlineAfter(within);
        return loop(new Leash(deadline, idleWithin == null ? null : new Pulse(idleWithin), arrivals != null));
    }

    /** The same, held by others. */
    ParkingLoop loop(Leash leash) {
        if (sink == null) {
            throw new IllegalStateException("a transfer needs a sink: call to(…) before run()");
        }
        if (forced != null && branched() && forced != TransferPath.SPLICE && forced != TransferPath.COPY) {
            throw new IllegalStateException("mirrors need the bytes in a pipe or in memory, not on the path " + forced);
        }
        if (stable && (forced == TransferPath.SPLICE || forced == TransferPath.SENDFILE)) {
            throw new IllegalStateException("a stable transfer copies the bytes of a file, and the path "
                    + forced.label() + " passes its pages on");
        }
        if (started) {
            throw new IllegalStateException("a transfer runs once");
        }
        started = true;
        ParkingLoop loop = new ParkingLoop(this, (End) source, (End) sink, leash);
        running = loop;
        return loop;
    }
}
