// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.relay.Mirror.Loss;
import java.lang.System.Logger.Level;
import java.net.SocketAddress;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/** A mirror at work, with what it has done in all sessions. Shared by the loops. */
final class LiveMirror {
    private static final System.Logger LOG = System.getLogger(LiveMirror.class.getName());

    /** Between two complaints: a service that is down is lost once in every session. */
    private static final long SILENCE_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final Mirror mirror;
    private final LiveBackend target;
    private final AtomicLong ordinal = new AtomicLong();
    private final AtomicInteger shadows = new AtomicInteger();
    private final LongAdder mirrored = new LongAdder();
    private final LongAdder takenBytes = new LongAdder();
    private final LongAdder broughtBytes = new LongAdder();
    private final LongAdder missedBytes = new LongAdder();
    private final Map<Loss, LongAdder> lost = new EnumMap<>(Loss.class);

    private final AtomicLong complainNanos = new AtomicLong(System.nanoTime());
    private final AtomicInteger unsaid = new AtomicInteger();

    LiveMirror(Mirror mirror) {
        this.mirror = mirror;
        this.target = new LiveBackend(mirror.target());
        for (Loss loss : Loss.values()) {
            lost.put(loss, new LongAdder());
        }
    }

    Mirror mirror() {
        return mirror;
    }

    /** Where it is. */
    LiveBackend target() {
        return target;
    }

    /** Whether the next session, which comes from there, is mirrored. */
    boolean takes(SocketAddress source) {
        return mirror.sample().takes(source, ordinal.getAndIncrement());
    }

    // What happens in its sessions.

    void began() {
        shadows.incrementAndGet();
        mirrored.increment();
    }

    void ended() {
        shadows.decrementAndGet();
    }

    /** Bytes that it is to get. */
    void taken(long bytes) {
        takenBytes.add(bytes);
    }

    /** Bytes that its socket has. */
    void brought(long bytes) {
        broughtBytes.add(bytes);
    }

    /** Bytes that it will not get: it was given up before they came. */
    void passedBy(long bytes) {
        takenBytes.add(bytes);
        missedBytes.add(bytes);
    }

    /**
     * It has been given up in one session.
     *
     * @param behindBytes that it will not get, either
     */
    void lost(Loss why, long behindBytes, SocketAddress client, String detail) {
        missedBytes.add(behindBytes);
        Objects.requireNonNull(lost.get(why)).increment();
        long due = complainNanos.get();
        long now = System.nanoTime();
        if (now - due >= 0 && complainNanos.compareAndSet(due, now + SILENCE_NANOS)) {
            int others = unsaid.getAndSet(0);
            LOG.log(
                    Level.WARNING,
                    "mirror {0} has lost the session of {1}, {2} bytes behind: {3}{4}",
                    mirror.name(),
                    Sockets.text(client),
                    behindBytes,
                    detail,
                    others == 0 ? "" : "; so it has " + others + " other sessions since the last complaint");
        } else {
            unsaid.incrementAndGet();
        }
    }

    /** As it is now. */
    RelayStatus.MirrorStatus status() {
        Map<Loss, Long> losses = new EnumMap<>(Loss.class);
        lost.forEach((why, count) -> losses.put(why, count.sum()));
        long missed = missedBytes.sum();
        long brought = broughtBytes.sum();
        long taken = takenBytes.sum();
        return new RelayStatus.MirrorStatus(
                mirror.name(),
                mirror.of(),
                shadows.get(),
                mirrored.sum(),
                brought,
                Math.max(0, taken - brought - missed),
                missed,
                losses);
    }
}
