// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static io.sluice.kernel.Flags.MSG_DONTWAIT;
import static io.sluice.kernel.Flags.MSG_TRUNC;

import io.sluice.WhenFull;
import io.sluice.flow.Branch;
import io.sluice.flow.PooledPipe;
import io.sluice.kernel.Errno;
import io.sluice.relay.Mirror.Loss;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.SocketAddress;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One session's stream on its way to one mirror, over a connection of its own.
 *
 * <pre>
 *   CONNECTS ----> FOLLOWS ----> SAID_ALL ----> GONE
 *       |             |                           ^
 *       +-------------+------- lost --------------+
 * </pre>
 *
 * <p>It may outlive its session until the mirror has taken what is left. A mirror that is lost is reset and not tried
 * again: half a stream must not look like a whole one. Belongs to the session's loop.
 */
final class Shadow implements Follower {
    private enum State {
        CONNECTS,
        FOLLOWS,
        /** All is in the mirror's socket, and it was told that nothing follows. */
        SAID_ALL,
        GONE
    }

    private static final System.Logger LOG = System.getLogger(Shadow.class.getName());

    /** As many as for the session itself, which a mirror must not hold up. */
    private static final int STEPS_PER_TURN = 16;

    /** Reads of {@link Worker#answers}, and so as many bytes as a session moves: a flood of answers has to wait. */
    private static final int DROPS_PER_TURN = 4;

    private final Worker worker;
    private final LiveMirror mirror;
    private final SocketAddress client;
    private final Duration patience;
    private final Runnable roomAgain;
    private final Timers.Timer timer = new Timers.Timer(this::timedOut);

    private State state = State.CONNECTS;
    private @Nullable Peer peer;
    private @Nullable Branch branch;
    private @Nullable Loss loss;
    private boolean waitedFor;
    private boolean comesAgain;
    private boolean finishing;
    private boolean outlives;
    private boolean endsByReset;
    private long takenBytes;
    private long broughtBytes;

    /**
     * A shadow that has no connection yet.
     *
     * @param client whose session it is, for people
     * @param timeouts how long a connection to the mirror may take, and the rest of the stream after the session's end
     * @param roomAgain is told when {@link #ready} has answered false and would not any more
     */
    Shadow(Worker worker, LiveMirror mirror, SocketAddress client, Timeouts timeouts, Runnable roomAgain) {
        this.worker = worker;
        this.mirror = mirror;
        this.client = client;
        this.patience = timeouts.halfClosed();
        this.roomAgain = roomAgain;
        mirror.began();
        worker.began(this);
        setTimer(timeouts.connect());
    }

    private EventLoop loop() {
        return worker.loop();
    }

    private void setTimer(Duration time) {
        loop().timers().set(timer, loop().nowNanos() + time.toNanos());
    }

    // Its connection.

    /** Begins to connect; the first bytes of the stream are kept until that has come to something. */
    void start(byte[] first) {
        connect();
        if (first.length > 0) {
            say(first);
        }
    }

    private void connect() {
        SocketAddress address = mirror.target().nextAddress();
        if (address == null) {
            lose(Loss.UNREACHABLE, "its name is not known");
            return;
        }
        long fd = Sockets.stream(loop().kernel(), address, KeepAlive.NONE);
        if (fd < 0) {
            lose(Loss.UNREACHABLE, "socket: " + Errno.name((int) -fd));
            return;
        }
        long connected = Sockets.connect(loop().kernel(), (int) fd, address);
        Peer other = new Peer(loop(), (int) fd, address, this::woken);
        peer = other;
        if (connected < 0 && connected != -Errno.EINPROGRESS) {
            lose(Loss.UNREACHABLE, "connect: " + Errno.name((int) -connected));
            return;
        }
        long watched = other.watch();
        if (watched < 0) {
            lose(Loss.UNREACHABLE, "epoll_ctl: " + Errno.name((int) -watched));
            return;
        }
        Mirror wanted = mirror.mirror();
        branch = new Branch(
                loop().kernel(),
                worker.mirrorPipes(),
                other.endpoint(),
                Half.PIPE_BYTES,
                wanted.bufferBytes(),
                wanted.whenFull() == WhenFull.DETACH);
        if (connected == 0) {
            follows();
        }
    }

    private void say(byte[] first) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment words = arena.allocateFrom(ValueLayout.JAVA_BYTE, first);
            for (long from = 0; from < first.length; ) {
                if (!ready()) {
                    lose(Loss.FULL, "no room for what came first"); // for which no session can wait
                }
                long some = Math.min(first.length - from, stageBytes());
                write(words.asSlice(from, some));
                from += some;
            }
        }
    }

    private void follows() {
        state = State.FOLLOWS;
        loop().timers().cancel(timer);
        if (peer != null) {
            peer.assumeWritable();
        }
        if (outlives) {
            setTimer(patience);
        }
    }

    /** Something has happened at the mirror's side. */
    private void woken() {
        try {
            advance();
        } catch (RuntimeException | OutOfMemoryError e) {
            failed(e);
        }
        Branch to = branch;
        if (to != null && !to.hasWork()) {
            to.giveBackStage(); // its direction may be at rest for long
        }
        if (waitedFor && (state == State.GONE || hasRoom())) {
            waitedFor = false;
            roomAgain.run();
        }
    }

    /** One mirror's mistake, or what there is no memory for, must end neither the session nor the loop. */
    private void failed(Throwable mistake) {
        LOG.log(Level.ERROR, "a mirror has failed by a mistake of the relay", mistake);
        lose(Loss.CUT, mistake.toString());
    }

    /** Goes on in the next turn; once, however often that is asked for before. */
    private void comeAgain() {
        if (!comesAgain) {
            comesAgain = true;
            loop().later(() -> {
                comesAgain = false;
                woken();
            });
        }
    }

    private void advance() {
        Peer other = peer;
        if (other == null || state == State.GONE) {
            return;
        }
        if (state == State.CONNECTS) {
            if (!other.writable()) {
                return;
            }
            int error = other.takeError();
            if (error != 0) {
                lose(Loss.UNREACHABLE, "connect: " + Errno.name(error));
                return;
            }
            follows();
        }
        dropAnswers(other);
        push();
    }

    private void dropAnswers(Peer from) {
        MemorySegment room = worker.answers();
        for (int steps = 0; state != State.GONE && from.readable(); steps++) {
            if (steps == DROPS_PER_TURN) {
                comeAgain();
                return;
            }
            long dropped = loop().kernel().recv(from.fd(), room, MSG_TRUNC | MSG_DONTWAIT); // of TCP, without a copy
            if (dropped == 0) {
                from.foundEmpty(); // what it gets is its own affair; it may have nothing to say
                answersEnded();
            } else if (dropped == -Errno.EAGAIN) {
                from.foundEmpty();
            } else if (dropped < 0 && dropped != -Errno.EINTR) {
                broken((int) -dropped);
            }
        }
    }

    private void answersEnded() {
        if (state == State.SAID_ALL) {
            leave(false);
        }
    }

    private void broken(int errno) {
        if (state == State.SAID_ALL) {
            leave(true); // it has had all of it
        } else {
            lose(Loss.RESET, Errno.name(errno));
        }
    }

    // The stream.

    /** Brings on what there is, as far as the mirror takes it. */
    private void push() {
        try {
            bringOn();
        } catch (RuntimeException | OutOfMemoryError e) {
            failed(e);
        }
    }

    private void bringOn() {
        Branch to = branch;
        Peer other = peer;
        if (to == null || other == null || state != State.FOLLOWS) {
            return;
        }
        boolean more = true;
        for (int steps = 0; more && state == State.FOLLOWS && other.writable(); steps++) {
            if (steps == STEPS_PER_TURN) {
                comeAgain();
                break;
            }
            if (finishing) {
                to.finish();
            } else {
                to.flush();
            }
            switch (to.step()) {
                case PROGRESS -> {}
                case IDLE -> more = false;
                case WAITS_FOR_SINK -> other.foundFull();
                case ENDED -> branchEnded(to, other);
            }
        }
        countBrought(to);
    }

    private void countBrought(Branch to) {
        long sum = to.tally().bytes();
        mirror.brought(sum - broughtBytes);
        broughtBytes = sum;
    }

    private void branchEnded(Branch to, Peer other) {
        countBrought(to);
        if (!to.complete()) {
            lose(Loss.RESET, to.failedCall() + ": " + Errno.name(to.errno()));
        } else if (endsByReset) {
            leave(true);
        } else {
            state = State.SAID_ALL;
            to.giveBackStage();
            other.endWriting();
            other.assumeReady(); // it may have ended its answers already
            dropAnswers(other);
        }
    }

    // Of a direction.

    @Override
    public boolean open() {
        return true;
    }

    @Override
    public boolean ready() {
        push();
        Branch to = branch;
        if (to == null || state == State.GONE) {
            return true;
        }
        boolean ready = to.ready();
        if (to.ended()) {
            lose(Loss.FULL, to.detached() ? "it does not keep up" : "no pipe: " + Errno.name(to.errno()));
            return true;
        }
        waitedFor |= !ready;
        return ready;
    }

    @Override
    public boolean hasRoom() {
        Branch to = branch;
        return to == null || to.hasRoom();
    }

    @Override
    public int stageBytes() {
        Branch to = branch;
        return to == null ? Integer.MAX_VALUE : to.stageBytes();
    }

    @Override
    public void tee(PooledPipe from) {
        Branch to = took(from.heldBytes());
        if (to != null) {
            to.tee(from);
        }
    }

    @Override
    public void write(MemorySegment bytes) {
        Branch to = took(bytes.byteSize());
        if (to != null) {
            to.write(bytes);
        }
    }

    private @Nullable Branch took(long bytes) {
        takenBytes += bytes;
        if (state == State.GONE) {
            mirror.passedBy(bytes);
            return null;
        }
        mirror.taken(bytes);
        return branch;
    }

    @Override
    public void rest() {
        push();
        Branch to = branch;
        if (to != null) {
            to.giveBackStage();
        }
    }

    @Override
    public void close() {
        // It may have to outlive its direction.
    }

    // Its end.

    @Override
    public void sourceEnded() {
        finishing = true;
        push();
    }

    @Override
    public void sessionEnded(boolean reset) {
        endsByReset = reset && !finishing;
        finishing = true;
        outlives = true;
        if (state == State.FOLLOWS || state == State.SAID_ALL) {
            setTimer(patience);
        }
        push();
        if (state != State.GONE) {
            worker.outlives(this);
        }
    }

    /** It has had all the time that there is for it; also when its descriptor is needed. */
    void timedOut() {
        if (state == State.CONNECTS) {
            lose(Loss.UNREACHABLE, "it did not answer in time");
        } else if (state == State.SAID_ALL) {
            leave(false);
        } else {
            lose(Loss.LATE, "it has not taken all in time after the session's end");
        }
        if (waitedFor) {
            waitedFor = false;
            roomAgain.run();
        }
    }

    /** The relay ends. */
    void cut() {
        if (state == State.SAID_ALL) {
            leave(false);
        } else {
            lose(Loss.CUT, "the relay ends");
        }
    }

    private void lose(Loss why, String detail) {
        if (state == State.GONE) {
            return;
        }
        Branch to = branch;
        if (to != null) {
            countBrought(to);
        }
        loss = why;
        mirror.lost(why, takenBytes - broughtBytes, client, detail);
        leave(true);
    }

    private void leave(boolean reset) {
        if (state == State.GONE) {
            return;
        }
        state = State.GONE;
        loop().timers().cancel(timer);
        Branch to = branch;
        branch = null;
        if (to != null) {
            to.cut();
            to.step(); // gives back what it still holds
            to.close();
        }
        Peer other = peer;
        peer = null;
        if (other != null) {
            other.close(reset);
        }
        mirror.ended();
        worker.ended(this);
    }

    /** What has become of it so far. */
    SessionLog.Mirrored log() {
        long missed = state == State.GONE ? takenBytes - broughtBytes : 0;
        return new SessionLog.Mirrored(
                mirror.mirror().name(), broughtBytes, takenBytes - broughtBytes - missed, missed, loss);
    }
}
