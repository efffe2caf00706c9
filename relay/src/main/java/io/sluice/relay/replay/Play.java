// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.replay;

import io.sluice.ErrnoException;
import io.sluice.SocketEnd;
import io.sluice.kernel.Errno;
import io.sluice.relay.capture.CaptureException;
import io.sluice.relay.capture.Conversation;
import io.sluice.relay.capture.Event;
import io.sluice.relay.capture.Events;
import io.sluice.relay.capture.Side;
import io.sluice.relay.replay.Answers.Waited;
import io.sluice.relay.replay.Outcome.Fate;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One conversation, once more. The thread that runs it is the client: it goes through the recorded events, and before
 * it says or ends anything it waits for the answers that were there before, and then for its time.
 *
 * <p>Time is kept with a shift. Recorded: answer at 2 s, next request at 5 s. When the answer comes at 4 s now, all
 * that follows is 2 s late, and the request is sent at 7 s: who thought for 3 s then, does so now. When the answer
 * comes early, the request still is sent at 5 s.
 */
final class Play {
    private static final double FULL_SPEED = 0;

    private final Replay replay;
    private final Conversation conversation;
    private final int loop;
    private final long beganNanos = System.nanoTime();
    private final @Nullable Comparison comparison;
    private final ByteBuffer said;
    private final ByteBuffer heard;

    private volatile long sendingSinceNanos;
    private volatile @Nullable SocketEnd open;
    private volatile boolean stuck;
    private long sentBytes;
    private long shiftNanos;
    private long answeredAtNanos;
    private long quietNanos;
    private long answeredBytes;
    private boolean serverEnded;
    private boolean serverReset;
    private boolean resetByUs;

    /**
     * Prepares.
     *
     * @param said a buffer for what the client says
     * @param heard one for what the server says
     * @param recorded one for what it said then; null when that is not to be compared
     */
    Play(
            Replay replay,
            Conversation conversation,
            int loop,
            ByteBuffer said,
            ByteBuffer heard,
            @Nullable ByteBuffer recorded) {
        this.replay = replay;
        this.conversation = conversation;
        this.loop = loop;
        this.said = said;
        this.heard = heard;
        this.comparison = recorded == null ? null : new Comparison(conversation, recorded);
    }

    Outcome run() {
        SocketEnd socket;
        try {
            socket = replay.connect();
        } catch (IOException e) {
            return outcome(Fate.FAILED, 0, null, String.valueOf(e.getMessage()));
        }
        Answers answers = new Answers(socket, comparison, replay::progress);
        Thread receiver = Thread.ofVirtual().name("sluice-replay-answers").start(() -> answers.receive(heard));
        String failure = null;
        boolean partial = false;
        open = socket;
        try {
            replay.began(this, answers);
            partial = !follow(socket, answers);
        } catch (Failure e) {
            failure = e.getMessage();
        } catch (ClosedChannelException e) {
            failure = stuck ? "the server has read nothing for " + text(replay.timeout()) : "closed";
        } catch (CaptureException e) {
            failure = e.getMessage();
        } catch (IOException e) {
            failure = told(e);
        } finally {
            replay.ended(this);
            socket.close();
            join(receiver);
        }
        try {
            return judge(answers, partial, failure);
        } catch (IOException e) {
            return outcome(Fate.FAILED, answers.receivedBytes(), null, String.valueOf(e.getMessage()));
        }
    }

    private static final class Failure extends IOException {
        private static final long serialVersionUID = 1;

        Failure(String reason) {
            super(reason);
        }
    }

    /** Does what the client did; false when it could only do so up to a gap. */
    private boolean follow(SocketEnd socket, Answers answers) throws IOException {
        boolean whole = true;
        Event.Gap gapOfClient = Replay.firstGap(conversation);
        Events events = conversation.events();
        long before = conversation.startNanos();
        for (Event event = events.next(); event != null && !resetByUs; event = events.next()) {
            if (event.side() == Side.SERVER) {
                answeredAtNanos = event.timeNanos();
                quietNanos = Math.max(quietNanos, answeredAtNanos - before);
                before = answeredAtNanos;
                switch (event) {
                    case Event.Piece piece -> answeredBytes += piece.length();
                    case Event.Gap gap -> answeredBytes += gap.length();
                    case Event.End _ -> serverEnded = true;
                    case Event.Reset _ -> serverReset = true;
                }
                continue;
            }
            if (gapOfClient != null && sentBytes == gapOfClient.position()) {
                whole = false; // and what is to come may be the answer to bytes that are missing
                answeredBytes = Math.min(answeredBytes, gapOfClient.otherPosition());
                break;
            }
            awaitTurn(event, answers);
            before = event.timeNanos();
            quietNanos = 0;
            switch (event) {
                case Event.Piece piece -> say(socket, piece);
                case Event.Gap _ -> throw new IllegalStateException("a gap before the first");
                case Event.End _ -> socket.shutdownOutput();
                case Event.Reset _ -> {
                    resetByUs = true;
                    socket.reset();
                }
            }
        }
        if (!resetByUs) {
            require(answers.await(answeredBytes, whole && (serverEnded || serverReset), patienceNanos()), answers);
        }
        return whole;
    }

    private void awaitTurn(Event event, Answers answers) throws IOException {
        require(answers.await(answeredBytes, serverEnded, patienceNanos()), answers);
        if (replay.speed() == FULL_SPEED) {
            return;
        }
        if (answeredAtNanos > 0) {
            shiftNanos = Math.max(shiftNanos, System.nanoTime() - beganNanos - recorded(answeredAtNanos));
            answeredAtNanos = 0; // what the client waits for next is its own time, and that is not late
        }
        if (!answers.awaitMoment(beganNanos + recorded(event.timeNanos()) + shiftNanos)) {
            require(Waited.STOPPED, answers);
        }
    }

    /** How long after the beginning something is to happen. */
    private long recorded(long timeNanos) {
        return replay.scaled(timeNanos - conversation.startNanos());
    }

    private void require(Waited waited, Answers answers) throws IOException {
        switch (waited) {
            case CAME -> {}
            case STOPPED -> throw new Failure("interrupted");
            case STALLED ->
                throw new Failure("nothing has come for " + text(Duration.ofNanos(patienceNanos())) + ", after "
                        + answers.receivedBytes() + " of " + answeredBytes + " bytes"
                        + (answers.receivedBytes() >= answeredBytes ? " and no end" : ""));
            case ENDED -> {
                IOException broken = answers.broken();
                throw new Failure((broken == null ? "the server has closed the connection" : told(broken)) + ", after "
                        + answers.receivedBytes() + " of " + answeredBytes + " bytes");
            }
        }
    }

    private void say(SocketEnd socket, Event.Piece piece) throws IOException {
        for (int done = 0; done < piece.length(); ) {
            int count = Math.min(said.capacity(), piece.length() - done);
            conversation.read(piece, done, said.clear().limit(count));
            sendingSinceNanos = System.nanoTime() | 1; // never 0, which means that nothing is being sent
            socket.write(said.flip());
            sendingSinceNanos = 0;
            done += count;
            sentBytes += count;
            replay.progress(count);
        }
    }

    /** Closes a connection whose server does not read. */
    void closeIfStuck(long now) {
        long since = sendingSinceNanos;
        SocketEnd socket = open;
        if (since != 0 && now - since > replay.timeout().toNanos() && socket != null) {
            stuck = true;
            socket.close();
        }
    }

    /** Ends a write that waits. */
    void cut() {
        SocketEnd socket = open;
        if (socket != null) {
            socket.close();
        }
    }

    private Outcome judge(Answers answers, boolean partial, @Nullable String failure) throws IOException {
        long received = answers.receivedBytes();
        IOException broken = answers.broken();
        if (answers.isStopped()) {
            return outcome(Fate.INTERRUPTED, received, null, null);
        }
        if (comparison != null) {
            Difference difference = comparison.difference();
            boolean all = failure == null && !partial && !resetByUs;
            if (difference == null && failure != null && received < answeredBytes) {
                difference = comparison.differenceAtEnd(Difference.Kind.SHORTER);
            } else if (difference == null && all && (serverEnded || serverReset) && (broken != null) != serverReset) {
                difference = comparison.differenceAtEnd(Difference.Kind.ENDING);
            }
            if (difference != null) {
                return outcome(Fate.DIFFERENT, received, difference, failure);
            }
        }
        if (failure == null && broken != null && !serverReset && !resetByUs) {
            failure = told(broken);
        }
        if (failure != null) {
            return outcome(Fate.FAILED, received, null, failure);
        }
        return partial
                ? outcome(Fate.PARTIAL, received, null, "then bytes of the client are missing in the capture")
                : outcome(Fate.REPLAYED, received, null, null);
    }

    private Outcome outcome(Fate fate, long received, @Nullable Difference difference, @Nullable String reason) {
        Duration elapsed = Duration.ofNanos(System.nanoTime() - beganNanos);
        return new Outcome(conversation, loop, fate, sentBytes, received, elapsed, difference, reason);
    }

    /** A server that took a minute then may take a minute now, at whatever speed its client is. */
    private long patienceNanos() {
        return replay.timeout().toNanos() + Math.min(quietNanos, Replay.LONGEST_NANOS);
    }

    private static String told(IOException e) {
        boolean reset = e instanceof ErrnoException failed
                && (failed.errno() == Errno.ECONNRESET || failed.errno() == Errno.EPIPE);
        return reset ? "the server has reset the connection" : String.valueOf(e.getMessage());
    }

    private static String text(Duration time) {
        return time.toMillis() % 1000 == 0 ? time.toSeconds() + " s" : time.toMillis() + " ms";
    }

    private static void join(Thread receiver) {
        boolean interrupted = false;
        while (true) {
            try {
                receiver.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
