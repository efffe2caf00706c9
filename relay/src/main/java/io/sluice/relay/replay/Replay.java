// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.replay;

import io.sluice.Sluice;
import io.sluice.SocketEnd;
import io.sluice.relay.capture.Conversation;
import io.sluice.relay.capture.Event;
import io.sluice.relay.capture.Events;
import io.sluice.relay.capture.Side;
import io.sluice.relay.replay.Outcome.Fate;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Conversations of a capture, to be held again with another server. Describe it, then {@link #run} it, once.
 *
 * <pre>{@code
 * try (Capture capture = Capture.open(files);
 *         Sluice sluice = Sluice.open()) {
 *     Replay replay = new Replay(sluice, new InetSocketAddress("localhost", 6379)).speed(Replay.MAX_SPEED).compare();
 *     replay.run(capture.conversations(), outcome -> System.out.println(outcome.fate()));
 * }
 * }</pre>
 *
 * <p>Each connection has two virtual threads and about 50 KiB of buffers while it is open. What is sent to the server
 * never overtakes the answers that the client had got by then, at whatever speed. Different connections are begun in
 * the order of the recording, and that is all the order there is between them: where one leans on what another has
 * done, let there be one at a time.
 */
public final class Replay {
    /** No waiting for recorded times. */
    public static final double MAX_SPEED = 0;

    /** How many connections are open at once where nothing else is said. */
    public static final int USUAL_CONNECTIONS = 1024;

    /** How long answers may stay away where nothing else is said. */
    public static final Duration USUAL_TIMEOUT = Duration.ofSeconds(10);

    private static final int BUFFER_BYTES = 16 << 10;
    private static final long LEAST_WATCH_MILLIS = 10;

    /** No clock of a capture is trusted for more than 31 years, which are far from an overflow. */
    static final long LONGEST_NANOS = 1_000_000_000_000_000_000L;

    private final Sluice sluice;
    private final List<SocketAddress> targets;
    private double speed = 1;
    private int loops = 1;
    private int connections = USUAL_CONNECTIONS;
    private Duration timeout = USUAL_TIMEOUT;
    private boolean compare;
    private boolean midway;

    private final Tally tally = new Tally();
    private final LongAdder moved = new LongAdder();
    private final Map<Play, Answers> playing = new ConcurrentHashMap<>();
    private final ConcurrentLinkedDeque<ByteBuffer> buffers = new ConcurrentLinkedDeque<>();
    private final AtomicReference<@Nullable Throwable> mistake = new AtomicReference<>();
    private volatile boolean stopped;
    private volatile int reachable;

    /** A replay to that server, at the speed of the recording. */
    public Replay(Sluice sluice, SocketAddress target) {
        this(sluice, List.of(target));
    }

    /** The same to a server that has several addresses; the first at which it can be reached is kept to. */
    public Replay(Sluice sluice, List<SocketAddress> targets) {
        if (targets.isEmpty()) {
            throw new IllegalArgumentException("a server has an address");
        }
        this.sluice = sluice;
        this.targets = List.copyOf(targets);
    }

    /**
     * How much faster than in the recording time passes: 1, 10, 0.5, or {@link #MAX_SPEED}.
     *
     * @throws IllegalArgumentException when it is less than 0 or no number
     */
    public Replay speed(double factor) {
        if (!(factor >= 0 && factor < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("a speed is a factor of 0 (as fast as can be) or more, not " + factor);
        }
        speed = factor;
        return this;
    }

    /** How often all of it is replayed, one time after the other; 0 is without end. */
    public Replay loops(int count) {
        if (count < 0) {
            throw new IllegalArgumentException("loops are 0 (without end) or more, not " + count);
        }
        loops = count;
        return this;
    }

    /** How many connections may be open at once; others wait for their turn. */
    public Replay connections(int most) {
        if (most < 1) {
            throw new IllegalArgumentException("at least one connection is needed, not " + most);
        }
        connections = most;
        return this;
    }

    /** How long to wait for a connection, for answers while nothing comes, and for a server that does not read. */
    public Replay timeout(Duration time) {
        if (!time.isPositive()) {
            throw new IllegalArgumentException("a timeout is more than 0, not " + time);
        }
        timeout = time.compareTo(Duration.ofNanos(LONGEST_NANOS)) < 0 ? time : Duration.ofNanos(LONGEST_NANOS);
        return this;
    }

    /** Compares answers with the recorded ones. */
    public Replay compare() {
        compare = true;
        return this;
    }

    /** Replays conversations as well whose beginning is not in the capture, from where they are. */
    public Replay fromMidway() {
        midway = true;
        return this;
    }

    /**
     * Replays.
     *
     * @param conversations of a capture that stays open meanwhile, in the order in which they began
     * @param listener is told of each when it is over; by one thread at a time
     * @return what has become of them
     * @throws InterruptedException when this thread is interrupted; all connections are closed, and {@link #summary}
     *     tells how far it came
     */
    public Summary run(List<Conversation> conversations, Consumer<Outcome> listener) throws InterruptedException {
        Thread watch = Thread.ofVirtual().name("sluice-replay-watch").start(this::watch);
        Semaphore room = new Semaphore(connections);
        try {
            for (int loop = 1; loops == 0 || loop <= loops; loop++) {
                if (!once(conversations, loop, room, listener)) {
                    break;
                }
                room.acquire(connections);
                room.release(connections);
                if (conversations.isEmpty() || mistake.get() != null) {
                    break;
                }
            }
        } finally {
            stopped = true;
            playing.values().forEach(Answers::stop);
            playing.keySet().forEach(Play::cut);
            room.acquireUninterruptibly(connections);
            watch.interrupt();
        }
        Throwable unexpected = mistake.get();
        if (unexpected != null) {
            throw new IllegalStateException("a connection could not be replayed by a mistake of ours", unexpected);
        }
        return summary();
    }

    /** All of them once; false when none of them can be replayed. */
    private boolean once(List<Conversation> conversations, int loop, Semaphore room, Consumer<Outcome> listener)
            throws InterruptedException {
        boolean some = false;
        long began = System.nanoTime();
        for (Conversation each : conversations) {
            String obstacle = obstacle(each);
            if (obstacle != null) {
                over(new Outcome(each, loop, Fate.SKIPPED, 0, 0, Duration.ZERO, null, obstacle), listener);
                continue;
            }
            some = true;
            if (speed != MAX_SPEED) {
                long start = began
                        + scaled(each.startNanos() - conversations.getFirst().startNanos());
                Thread.sleep(Duration.ofNanos(Math.max(0, start - System.nanoTime())));
                room.acquire();
                tally.late(System.nanoTime() - start);
            } else {
                room.acquire();
            }
            if (mistake.get() != null) {
                room.release();
                break;
            }
            Thread.ofVirtual().name("sluice-replay-" + each.number()).start(() -> play(each, loop, room, listener));
        }
        return some;
    }

    private void play(Conversation conversation, int loop, Semaphore room, Consumer<Outcome> listener) {
        ByteBuffer said = take();
        ByteBuffer heard = take();
        ByteBuffer recorded = compare ? take() : null;
        try {
            Outcome outcome = new Play(this, conversation, loop, said, heard, recorded).run();
            // What did not happen counts as done.
            moved.add(Math.max(0, wholeBytes(conversation) - outcome.sentBytes() - outcome.receivedBytes()));
            over(outcome, listener);
        } catch (RuntimeException | Error e) {
            mistake.compareAndSet(null, e);
        } finally {
            buffers.add(said);
            buffers.add(heard);
            if (recorded != null) {
                buffers.add(recorded);
            }
            room.release();
        }
    }

    private void over(Outcome outcome, Consumer<Outcome> listener) {
        tally.add(outcome);
        synchronized (tally) {
            listener.accept(outcome);
        }
    }

    private ByteBuffer take() {
        ByteBuffer buffer = buffers.poll();
        return buffer == null ? ByteBuffer.allocateDirect(BUFFER_BYTES) : buffer;
    }

    /** Why a conversation cannot be replayed; null when it can. */
    private @Nullable String obstacle(Conversation conversation) {
        if (conversation.ending() == Conversation.Ending.REFUSED) {
            return "the server did not take it";
        }
        if (!conversation.isFromBeginning() && !midway) {
            return "its beginning is not in the capture";
        }
        Event.Gap gap = firstGap(conversation);
        if (gap != null && gap.position() == 0) {
            return "what the client said first is not in the capture";
        }
        return null;
    }

    /** The first bytes of the client that are missing. */
    static Event.@Nullable Gap firstGap(Conversation conversation) {
        if (conversation.missingBytes(Side.CLIENT) == 0) {
            return null;
        }
        try {
            Events events = conversation.events();
            for (Event event = events.next(); event != null; event = events.next()) {
                if (event instanceof Event.Gap gap && gap.side() == Side.CLIENT) {
                    return gap;
                }
            }
            return null;
        } catch (IOException unreadable) {
            return null; // then it cannot be played either, and that says why
        }
    }

    /** Looks after servers that do not read. */
    private void watch() {
        long pause = Math.max(LEAST_WATCH_MILLIS, timeout.toMillis() / 8);
        try {
            while (!stopped) {
                Thread.sleep(pause);
                long now = System.nanoTime();
                playing.keySet().forEach(each -> each.closeIfStuck(now));
            }
        } catch (InterruptedException over) {
            Thread.currentThread().interrupt();
        }
    }

    // Seen by others.

    /** What has been done so far. */
    public Summary summary() {
        return tally.summary();
    }

    /** Bytes that went either way so far, and those that would have, had a connection not ended early. */
    public long movedBytes() {
        return moved.sum();
    }

    /** What {@link #movedBytes} comes to at the end; 0 for a replay without end. */
    public long expectedBytes(List<Conversation> conversations) {
        long sum = 0;
        for (Conversation each : conversations) {
            sum += obstacle(each) == null ? wholeBytes(each) : 0;
        }
        return sum * loops;
    }

    private static long wholeBytes(Conversation conversation) {
        return conversation.bytes(Side.CLIENT) + conversation.bytes(Side.SERVER);
    }

    // For the plays.

    SocketEnd connect() throws IOException {
        IOException last = null;
        int first = reachable;
        for (int i = 0; i < targets.size(); i++) {
            int each = (first + i) % targets.size();
            try {
                SocketEnd socket = sluice.connect(targets.get(each), timeout);
                reachable = each;
                return socket;
            } catch (IOException e) {
                last = e;
            }
        }
        throw Objects.requireNonNull(last);
    }

    double speed() {
        return speed;
    }

    /** How long something takes at this speed that took so long then. */
    long scaled(long nanos) {
        return (long) Math.clamp(nanos / speed, -LONGEST_NANOS, (double) LONGEST_NANOS);
    }

    Duration timeout() {
        return timeout;
    }

    void progress(long bytes) {
        moved.add(bytes);
    }

    void began(Play play, Answers answers) {
        playing.put(play, answers);
        if (stopped) {
            answers.stop();
        }
    }

    void ended(Play play) {
        playing.remove(play);
    }
}
