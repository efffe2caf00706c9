// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.flow.Direction;
import io.sluice.flow.Paths;
import io.sluice.kernel.Errno;
import io.sluice.kernel.TransferPath;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * One direction of a session: from one peer to the other, as far as both let it. It decides by the traffic whether the
 * bytes are copied, which is cheaper for small messages, or spliced. Belongs to the session's loop.
 */
final class Half {
    /** Where it stands. */
    enum State {
        /** It waits for a peer, or for its turn. */
        FLOWS,
        /** The source has ended; {@link #endSink} tells the sink. */
        ENDED,
        /** The source has failed: {@link #errno}. */
        SOURCE_FAILED,
        /** The sink takes nothing any more: {@link #errno}. */
        SINK_FAILED
    }

    /** A tenth faster than 64 KiB, and where the pool has no room for it there is a pipe of ordinary size. */
    static final int PIPE_BYTES = 512 << 10;

    /** Steps in a row for one session, ... */
    private static final int STEPS_PER_TURN = 16;

    /** ... and bytes, so that nobody waits long for somebody's bulk. */
    private static final long BYTES_PER_TURN = 1 << 20;

    /**
     * What is copied at a time, and what a session costs at most for each side that does not read. The longest greeting
     * has to fit.
     */
    static final int BUFFER_BYTES = 64 << 10;

    /** A copied piece of this size is bulk, ... */
    private static final long LARGE_BYTES = 32 << 10;

    /** ... and so is a stream of which so many in a row were. */
    private static final int LARGE_PIECES = 3;

    /** Spliced pieces below this are cheaper to copy: two system calls become one and a half. */
    private static final long SMALL_BYTES = 8 << 10;

    private static final int SMALL_PIECES = 8;

    private final EventLoop loop;
    private final Peer from;
    private final Peer to;
    private final PathChoice choice;
    private final Traffic ofRoute;
    private final LongAdder ofBackend;
    private final @Nullable TokenBucket own;
    private final @Nullable TokenBucket shared;
    private final Direction direction;

    private List<Follower> followers = List.of();
    private State state = State.FLOWS;
    private TransferPath wanted; // by the traffic; the kernel may refuse it
    private int run; // of large pieces while copying, of small ones while splicing
    private boolean mayKeepBack; // the sink's kernel, the last words
    private boolean sinkEnded;
    private int errno;
    private long throttledUntilNanos;
    private boolean throttled;
    private boolean followerFull;
    private long movesSoFar;

    /**
     * A direction that has moved nothing yet.
     *
     * @param ofRoute counts the bytes besides
     * @param ofBackend counts them, too
     * @param own the session's limit
     * @param shared the route's limit
     */
    Half(
            EventLoop loop,
            Peer from,
            Peer to,
            PathChoice choice,
            Traffic ofRoute,
            LongAdder ofBackend,
            @Nullable TokenBucket own,
            @Nullable TokenBucket shared) {
        this.loop = loop;
        this.from = from;
        this.to = to;
        this.choice = choice;
        this.ofRoute = ofRoute;
        this.ofBackend = ofBackend;
        this.own = own;
        this.shared = shared;
        this.direction = new Direction(
                loop.kernel(),
                loop.pool(),
                from.endpoint(),
                to.endpoint(),
                Paths.between(from.endpoint().kind(), to.endpoint().kind(), false, false),
                PIPE_BYTES);
        wanted = choice == PathChoice.SPLICE ? TransferPath.SPLICE : TransferPath.COPY;
        direction.take(wanted);
    }

    /** Puts bytes in front that were read to be looked at, or that the relay itself has to say. */
    void preload(MemorySegment bytes) {
        if (bytes.byteSize() > 0 && direction.preload(bytes) != bytes.byteSize()) {
            throw new IllegalStateException(bytes.byteSize() + " bytes do not fit in front of a stream");
        }
        add(Manner.FIRST, bytes.byteSize());
    }

    /** Gives a follower what is taken from the source from now on. */
    void add(Follower follower) {
        List<Follower> all = new ArrayList<>(followers);
        all.add(follower);
        followers = List.copyOf(all);
        direction.add(follower);
    }

    /**
     * Moves what can be moved in one turn.
     *
     * @return whether there is more to do at once
     */
    boolean flow() {
        if (direction.path() != wanted && direction.pending() == 0) {
            direction.take(wanted); // there may be a pipe by now
        }
        long enough = taken() + BYTES_PER_TURN;
        for (int steps = 0; steps < STEPS_PER_TURN && taken() < enough; steps++) {
            if (state != State.FLOWS) {
                return false;
            }
            boolean inHand = direction.pending() > 0;
            if (inHand ? !to.writable() : !from.readable()) {
                direction.rest();
                return false;
            }
            long allowed = inHand ? Long.MAX_VALUE : allowance();
            if (allowed == 0) {
                direction.rest();
                return false;
            }
            step(allowed);
            if (followerFull) {
                followerFull = false; // it says when it has room
                direction.rest();
                return false;
            }
        }
        return true;
    }

    private void step(long allowed) {
        long takenBefore = direction.taken();
        TransferPath by = direction.path(); // a refusal takes nothing, and after a copied piece it may be another
        if (!mayKeepBack && from.endIsAnnounced() && endsAtOnce()) {
            mayKeepBack = true;
            direction.endIsAnnounced();
        }
        Direction.Step step = direction.step(allowed);
        long took = direction.taken() - takenBefore;
        requireLaw();
        if (took > 0) {
            count(manner(by), took);
            adapt(took);
        }
        switch (step) {
            case PROGRESS -> {
                movesSoFar++;
                if (took > 0 && direction.sourceLooksEmpty()) {
                    from.readShort();
                }
            }
            case WAITS_FOR_SOURCE -> from.foundEmpty();
            case WAITS_FOR_SINK -> {
                to.foundFull();
                if (took > 0 && direction.sourceLooksEmpty()) {
                    from.readShort();
                }
            }
            case WAITS_FOR_BRANCH -> followerFull = true;
            case ENDED -> end();
        }
    }

    /** Whether nothing could come between the last bytes and the end, for which they would wait. */
    private boolean endsAtOnce() {
        return own == null && shared == null && followers.isEmpty();
    }

    /** A byte too few or too many is a mistake of ours, and must not pass for the stream. */
    private void requireLaw() {
        long delivered = delivered();
        long inHand = direction.pending();
        if (taken() != delivered + inHand) {
            throw new IllegalStateException(
                    taken() + " bytes taken, " + delivered + " delivered and " + inHand + " in hand");
        }
    }

    private void end() {
        errno = direction.errno();
        if (errno == 0 && from.isReset()) {
            errno = Errno.ECONNRESET;
        }
        if (errno == 0) {
            state = State.ENDED;
        } else if (direction.failedSide() == Direction.Side.SINK) {
            state = State.SINK_FAILED;
            if (errno == Errno.ECONNRESET) {
                to.wasReset();
            }
        } else {
            state = State.SOURCE_FAILED;
        }
        direction.rest();
    }

    /** Tells the sink that the source has ended, if it has and nobody did yet. */
    void endSink() {
        if (state == State.ENDED && !sinkEnded) {
            sinkEnded = true;
            to.endWriting();
            followers.forEach(Follower::sourceEnded);
        }
    }

    // Limits.

    /** Bytes that the limits allow now; 0 when it has to wait until {@link #throttledUntilNanos}. */
    private long allowance() {
        long now = loop.nowNanos();
        long allowed = Math.min(available(own, now), available(shared, now));
        throttled = allowed == 0;
        if (throttled) {
            throttledUntilNanos = now + Math.max(waitNanos(own), waitNanos(shared));
        }
        return allowed;
    }

    private static long available(@Nullable TokenBucket bucket, long nowNanos) {
        return bucket == null ? Long.MAX_VALUE : bucket.available(nowNanos);
    }

    private static long waitNanos(@Nullable TokenBucket bucket) {
        return bucket == null ? 0 : bucket.waitNanos();
    }

    private void add(Manner manner, long bytes) {
        ofRoute.add(manner, bytes);
        ofBackend.add(bytes);
    }

    private Manner manner(TransferPath by) {
        if (by == TransferPath.SPLICE) {
            return Manner.SPLICED;
        }
        if (wanted == TransferPath.SPLICE) {
            return Manner.UNAVAILABLE;
        }
        return choice == PathChoice.COPY ? Manner.FORCED : Manner.SMALL;
    }

    private void count(Manner manner, long bytes) {
        add(manner, bytes);
        if (own != null) {
            own.take(bytes);
        }
        if (shared != null) {
            shared.take(bytes);
        }
    }

    /** Whether it may go on only at {@link #throttledUntilNanos}. */
    boolean isThrottled() {
        return throttled;
    }

    long throttledUntilNanos() {
        return throttledUntilNanos;
    }

    // Copy or splice.

    private void adapt(long bytes) {
        if (choice != PathChoice.AUTO) {
            return;
        }
        boolean splices = direction.path() == TransferPath.SPLICE;
        boolean counts = splices ? bytes < SMALL_BYTES : bytes >= LARGE_BYTES;
        run = counts ? run + 1 : 0;
        if (run == (splices ? SMALL_PIECES : LARGE_PIECES)) {
            run = 0;
            wanted = splices ? TransferPath.COPY : TransferPath.SPLICE;
            direction.take(wanted);
        }
    }

    // What has happened.

    State state() {
        return state;
    }

    /** Why it failed; 0 when it did not. */
    int errno() {
        return errno;
    }

    /** Grows with each step that brought bytes on; cheaper to ask for than bytes. */
    long movesSoFar() {
        return movesSoFar;
    }

    /** Bytes taken from the source, the preloaded ones included. */
    long taken() {
        return direction.taken();
    }

    /** Bytes that reached the sink by {@code path}. */
    long delivered(TransferPath path) {
        return direction.delivered().bytes(path);
    }

    /** Bytes that reached the sink. */
    long delivered() {
        return direction.delivered().bytes();
    }

    /**
     * Lets go of what is in hand, and of the followers.
     *
     * @param reset whether both peers are to see a reset
     */
    void close(boolean reset) {
        if (reset && mayKeepBack) {
            to.push(); // a reset would take the last bytes with it
        }
        followers.forEach(each -> each.sessionEnded(reset));
        direction.close();
    }
}
