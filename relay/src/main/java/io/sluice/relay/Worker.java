// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.flow.PipePool;
import io.sluice.relay.record.Deck;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.SocketAddress;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** A loop with the sessions that live in it. */
final class Worker {
    private static final int SCRATCH_BYTES = 16 << 10;
    private static final int ANSWER_BYTES = 256 << 10;

    private final EventLoop loop;
    private final PipePool mirrorPipes;
    private final Consumer<SessionLog> log;
    private final AtomicInteger sessionsOfAll;
    private final int maxSessions;
    private final Runnable roomAgain;
    private final MemorySegment scratch = Arena.ofAuto().allocate(SCRATCH_BYTES);

    // The loop's.
    private final Set<Session> sessions = new HashSet<>();
    private final Set<Shadow> shadows = new HashSet<>();
    private final Set<Shadow> outliving = new LinkedHashSet<>(); // their sessions, the longest first
    private @Nullable MemorySegment answers;
    private @Nullable Deck deck;
    private Predicate<SocketAddress> recorded = _ -> false;
    private Set<Runnable> waitForRoom = new LinkedHashSet<>();

    private volatile int shadowsHere; // for others to read
    private volatile int sessionsHere; // for others to read

    /**
     * A worker that has none.
     *
     * @param mirrorPipes of this worker alone; closed by whoever made it
     * @param log is told of each session that has ended, on the loop's thread
     * @param sessionsOfAll counts those of all workers
     * @param maxSessions how many those may be; 0 for no limit
     * @param roomAgain is told when there were as many, and one has ended
     */
    Worker(
            EventLoop loop,
            PipePool mirrorPipes,
            Consumer<SessionLog> log,
            AtomicInteger sessionsOfAll,
            int maxSessions,
            Runnable roomAgain) {
        this.loop = loop;
        this.mirrorPipes = mirrorPipes;
        this.log = log;
        this.sessionsOfAll = sessionsOfAll;
        this.maxSessions = maxSessions;
        this.roomAgain = roomAgain;
    }

    EventLoop loop() {
        return loop;
    }

    /** For one read at a time, of whoever is running. */
    MemorySegment scratch() {
        return scratch;
    }

    /** For the stages and queues of mirrors, so that one that stalls takes no pipe from a session. */
    PipePool mirrorPipes() {
        return mirrorPipes;
    }

    /** Where what mirrors answer is dropped. */
    MemorySegment answers() {
        MemorySegment room = answers;
        if (room == null) {
            room = Arena.ofAuto().allocate(ANSWER_BYTES);
            answers = room;
        }
        return room;
    }

    /** Sessions of these sources are recorded there; before the loop starts. */
    void record(Deck there, Predicate<SocketAddress> which) {
        deck = there;
        recorded = which;
    }

    /** Where a session from {@code source} is recorded; null when it is not. Asked once for each session. */
    @Nullable
    Deck deckFor(SocketAddress source) {
        return deck != null && recorded.test(source) ? deck : null;
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
            boolean wasFull = sessionsOfAll.getAndDecrement() == maxSessions; // never where there is no limit
            sessionsHere = sessions.size();
            log.accept(entry);
            letIn();
            if (wasFull) {
                roomAgain.run();
            }
        }
    }

    void began(Shadow shadow) {
        shadows.add(shadow);
        shadowsHere = shadows.size();
    }

    /** Its session has ended, and it has not. */
    void outlives(Shadow shadow) {
        outliving.add(shadow);
    }

    void ended(Shadow shadow) {
        shadows.remove(shadow);
        outliving.remove(shadow);
        shadowsHere = shadows.size();
    }

    /**
     * Frees a descriptor for a session by giving up on what is on its way to a mirror since an ended one; false when
     * there is nothing. A mirror that takes its time must not keep anybody out.
     */
    boolean shed() {
        Shadow longest = outliving.isEmpty() ? null : outliving.iterator().next();
        if (longest != null) {
            longest.timedOut();
        }
        return longest != null;
    }

    /** Streams that are on their way to mirrors, those of ended sessions included; for any thread. */
    int shadows() {
        return shadowsHere;
    }

    /** Has {@code resume} run when a session has ended; once, however often that is asked for before. */
    void whenRoom(Runnable resume) {
        waitForRoom.add(resume);
    }

    /** Somebody else's session has ended, and that may have been what was waited for here. */
    void letIn() {
        Set<Runnable> waited = waitForRoom;
        if (!waited.isEmpty()) {
            waitForRoom = new LinkedHashSet<>();
            waited.forEach(loop::later); // not in the midst of the session's own end
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
        List.copyOf(shadows).forEach(Shadow::cut);
    }
}
