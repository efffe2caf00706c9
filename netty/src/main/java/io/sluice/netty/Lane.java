// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import static io.sluice.kernel.Flags.EPOLLIN;
import static io.sluice.kernel.Flags.EPOLLOUT;

import io.netty.buffer.ByteBuf;
import io.sluice.flow.Descriptor;
import io.sluice.flow.Direction;
import io.sluice.flow.Direction.Side;
import io.sluice.flow.Endpoint;
import io.sluice.flow.Paths;
import io.sluice.flow.Poller;
import io.sluice.flow.PollerException;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.TransferPath;
import io.sluice.netty.SpliceResult.Ending;
import io.sluice.netty.SpliceResult.Way;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One direction of a splice, on a thread of its own: a virtual one between sockets, where nothing but the poller is
 * waited for, and a platform one to a file, since who waits for a disk holds his carrier.
 *
 * <p>Its fields are the thread's until the lane has told the splice that it has ended, and then the splice's.
 */
final class Lane implements Runnable {
    private final Splice splice;
    private final Loan from;
    private final @Nullable Loan to;
    private final @Nullable TargetFile file;
    private final long limitBytes;
    private final Thread thread;

    private volatile @Nullable Direction direction;
    private @Nullable ByteBuf leftover;
    private Ending ending = Ending.FAILED;
    private @Nullable Throwable failure;
    private boolean broken;

    Lane(Splice splice, Loan from, @Nullable Loan to, @Nullable TargetFile file, long limitBytes) {
        this.splice = splice;
        this.from = from;
        this.to = to;
        this.file = file;
        this.limitBytes = limitBytes;
        Thread.Builder kind =
                file == null ? Thread.ofVirtual() : Thread.ofPlatform().daemon();
        this.thread = kind.name("sluice-splice " + from.channel().id()).unstarted(this);
    }

    void start() {
        thread.start();
    }

    /** Has the lane look again whether the splice has been stopped. */
    void wake() {
        LockSupport.unpark(thread);
    }

    @Override
    public void run() {
        try {
            Descriptor source = from.descriptor();
            Descriptor sink = to != null ? to.descriptor() : open();
            try {
                ending = move(source, sink);
            } finally {
                if (to == null) {
                    sink.close();
                }
            }
        } catch (SpliceException e) {
            failure = e;
        } catch (PollerException e) {
            failure = new SpliceException(e.call(), e.errno(), "waiting for " + from.channel());
        } catch (Throwable ours) { // whatever it is, the channels must get back to their pipelines
            failure = ours;
            broken = true;
        }
        splice.laneEnded(this);
    }

    private Descriptor open() throws SpliceException {
        if (file == null) {
            throw new IllegalStateException("a lane leads to a channel or to a file");
        }
        return file.open(splice.kernel());
    }

    // The loop.

    private Ending move(Descriptor source, Descriptor sink) throws SpliceException, PollerException {
        requireOpen(source);
        requireOpen(sink);
        try (Direction moving = direction(source, sink)) {
            direction = moving;
            try {
                return move(moving, source, sink);
            } finally {
                if (to != null && !broken) {
                    leftover = reclaimed(moving, to);
                }
            }
        } finally {
            sink.leave();
            source.leave();
        }
    }

    private static void requireOpen(Descriptor descriptor) {
        if (!descriptor.enter()) {
            throw new IllegalStateException("descriptor " + descriptor.fd() + " was closed before its lane began");
        }
    }

    private Direction direction(Descriptor source, Descriptor sink) {
        Kernel kernel = splice.kernel();
        Endpoint in = Endpoint.of(kernel, source);
        Endpoint out = Endpoint.of(kernel, sink);
        return new Direction(
                kernel, splice.pool(), in, out, Paths.between(in.kind(), out.kind(), false, false), splice.pipeBytes());
    }

    private Ending move(Direction moving, Descriptor source, Descriptor sink) throws SpliceException, PollerException {
        while (true) {
            Ending stopped = splice.stopped();
            if (moving.pending() == 0) {
                if (moving.taken() == limitBytes) {
                    return Ending.LIMIT_REACHED;
                }
                if (stopped != null) {
                    return stopped;
                }
                preload(moving);
            }
            switch (moving.step(limitBytes - moving.taken())) {
                case PROGRESS -> splice.moved();
                case WAITS_FOR_SOURCE -> {
                    moving.rest();
                    await(source, EPOLLIN);
                }
                case WAITS_FOR_SINK -> {
                    if (stopped != null) {
                        return stopped;
                    }
                    await(sink, EPOLLOUT);
                }
                case WAITS_FOR_BRANCH -> throw new IllegalStateException("a lane has no branches");
                case ENDED -> {
                    return ended(moving);
                }
            }
        }
    }

    /** What Netty had read before goes first. */
    private void preload(Direction moving) {
        ByteBuf early = from.early();
        long due = Math.min(early.readableBytes(), limitBytes - moving.taken());
        if (due > 0) {
            MemorySegment bytes = MemorySegment.ofBuffer(early.nioBuffer(early.readerIndex(), (int) due));
            early.skipBytes((int) moving.preload(bytes));
        }
    }

    private Ending ended(Direction moved) throws SpliceException {
        if (moved.errno() == 0) {
            return Ending.SOURCE_ENDED;
        }
        String sink = to != null ? to.channel().toString() : String.valueOf(file);
        Side side = moved.failedSide();
        // What failed between both has left nothing in hand, so the streams are whole.
        broken = side == Side.SOURCE || (side == Side.SINK && to != null);
        String what = switch (side) {
            case SOURCE -> "reading " + from.channel() + " (for " + sink + ")";
            case SINK -> "writing " + sink + " (from " + from.channel() + ")";
            case EITHER -> from.channel() + " → " + sink;
        };
        throw new SpliceException(moved.failedCall(), moved.errno(), what);
    }

    private void await(Descriptor descriptor, int events) throws PollerException {
        long untilNanos = splice.idleAtNanos();
        Poller.Outcome outcome = splice.poller().await(descriptor, events, untilNanos, () -> splice.stopped() != null);
        switch (outcome) {
            case READY -> {}
            case TIMED_OUT -> splice.stopIfIdle();
            case INTERRUPTED, CLOSED -> splice.stop();
        }
    }

    /** What the sink's socket has no room for: its channel will send it. */
    private static @Nullable ByteBuf reclaimed(Direction moved, Loan sink) {
        int bytes = (int) moved.pending();
        if (bytes == 0) {
            return null;
        }
        ByteBuf buffer = sink.channel().alloc().directBuffer(bytes);
        int reclaimed = (int) moved.reclaim(MemorySegment.ofBuffer(buffer.nioBuffer(0, bytes)));
        return buffer.writerIndex(reclaimed);
    }

    // What has become of it.

    Loan from() {
        return from;
    }

    @Nullable
    Loan to() {
        return to;
    }

    Ending ending() {
        return ending;
    }

    @Nullable
    Throwable failure() {
        return failure;
    }

    /** Whether a channel has failed, so that a stream is cut. */
    boolean broken() {
        return broken;
    }

    /** Bytes that the sink's channel is to send first; once. */
    @Nullable
    ByteBuf takeLeftover() {
        ByteBuf taken = leftover;
        leftover = null;
        return taken;
    }

    /** Bytes that have arrived; any thread may ask. */
    long movedBytes() {
        Direction moving = direction;
        return moving == null ? 0 : moving.delivered().bytes();
    }

    Way way() {
        Direction moved = direction;
        if (moved == null) {
            return new Way(0, Map.of(), 0, ending);
        }
        Map<TransferPath, Long> bytes = new EnumMap<>(TransferPath.class);
        for (TransferPath path : TransferPath.values()) {
            if (moved.delivered().bytes(path) > 0) {
                bytes.put(path, moved.delivered().bytes(path));
            }
        }
        long arrived = moved.delivered().bytes();
        return new Way(arrived, bytes, moved.taken() - arrived, ending);
    }
}
