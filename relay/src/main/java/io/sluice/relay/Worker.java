// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.flow.PipePool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** A loop with the sessions that live in it. */
final class Worker {
    private static final int SCRATCH_BYTES = 16 << 10;

    private final EventLoop loop;
    private final Consumer<SessionLog> log;
    private final AtomicInteger sessionsOfAll;
    private final int maxSessions;
    private final MemorySegment scratch = Arena.ofAuto().allocate(SCRATCH_BYTES);

    // The loop's.
    private final Set<Session> sessions = new HashSet<>();

    private volatile int sessionsHere; // for others to read

    /**
     * A worker that has none.
     *
     * @param log is told of each session that has ended, on the loop's thread
     * @param sessionsOfAll counts those of all workers
     * @param maxSessions how many those may be; 0 for no limit
     */
    Worker(EventLoop loop, Consumer<SessionLog> log, AtomicInteger sessionsOfAll, int maxSessions) {
        this.loop = loop;
        this.log = log;
        this.sessionsOfAll = sessionsOfAll;
        this.maxSessions = maxSessions;
    }

    EventLoop loop() {
        return loop;
    }

    /** For one read at a time, of whoever is running. */
    MemorySegment scratch() {
        return scratch;
    }

    boolean hasRoom() {
        return maxSessions == 0 || sessionsOfAll.get() < maxSessions;
    }

    void began(Session session) {
        sessionsOfAll.incrementAndGet();
        sessions.add(session);
        sessionsHere = sessions.size();
    }

    void ended(Session session, SessionLog entry) {
        if (sessions.remove(session)) {
            sessionsOfAll.decrementAndGet();
            sessionsHere = sessions.size();
            log.accept(entry);
        }
    }

    /** As it is now; for any thread. */
    RelayStatus.LoopStatus status() {
        PipePool pool = loop.pool();
        return new RelayStatus.LoopStatus(
                loop.name(),
                sessionsHere,
                loop.cpuNanos(),
                pool.borrowedPipes(),
                pool.idlePipes(),
                pool.capacityBytes(),
                pool.madePipes(),
                pool.refusedPipes());
    }

    /** Ends all sessions, whatever they are at. */
    void endSessions() {
        List.copyOf(sessions).forEach(Session::drain);
    }
}
