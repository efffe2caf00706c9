// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.SOL_SOCKET;
import static io.sluice.kernel.Flags.SO_LINGER;

import io.sluice.TransferResult.Ending;
import io.sluice.flow.EndKind;
import io.sluice.flow.Poller;
import io.sluice.kernel.Errno;
import java.io.IOException;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Two parties that hear each other: whatever comes from one goes to the other, both ways at once. Describe it, then
 * {@link #run} it once. The ends stay the caller's to close. One object serves one thread, but any may ask how far it
 * has come.
 *
 * <p>Each way ends on its own. When a party has said its last byte and all of it has arrived, the other is told so: a
 * socket's output is shut down, a pipe's write end is closed, a {@link CodeSink} is finished; a file is left as it is.
 * The way back goes on until it ends, too.
 *
 * <p>A stream that is cut must not look like one that has ended. Where a way failed, or was ended by a deadline, its
 * sink is told nothing, and when it is a socket it is left so that closing it resets the connection (SO_LINGER of 0). A
 * failure of one way ends both.
 */
public final class Join {
    private final Sluice sluice;
    private final Duplex a;
    private final Duplex b;
    private @Nullable Duration within;
    private @Nullable Duration idle;
    private @Nullable Duration halfClosed;
    private int pipeBytes = Transfer.DEFAULT_PIPE_BYTES;
    private boolean started;
    private volatile @Nullable ParkingLoop forth;
    private volatile @Nullable ParkingLoop back;

    Join(Sluice sluice, Duplex a, Duplex b) {
        this.sluice = sluice;
        this.a = Objects.requireNonNull(a);
        this.b = Objects.requireNonNull(b);
    }

    /**
     * What a join did.
     *
     * @param elapsed from the call of {@code run} to its return
     * @param forth from the first party to the second
     * @param back from the second party to the first
     */
    public record Result(Duration elapsed, Way forth, Way back) {
        /** Whether both parties have said all and heard all. */
        public boolean complete() {
            return forth.complete() && back.complete();
        }
    }

    /**
     * What went one way.
     *
     * @param moved how much, how, and why it ended
     * @param failure the call that failed, when {@code moved.ending()} is FAILED; else null
     */
    public record Way(TransferResult moved, @Nullable ErrnoException failure) {
        /** Whether all that was said was heard. */
        public boolean complete() {
            return moved.ending() == Ending.SOURCE_ENDED;
        }
    }

    /** Ends both ways, as an outcome and not as a failure, when the whole takes longer. */
    public Join deadline(Duration newWithin) {
        within = Objects.requireNonNull(newWithin);
        return this;
    }

    /** Ends both ways, as an outcome and not as a failure, when no byte moves in either for so long. */
    public Join idle(Duration newIdle) {
        idle = Objects.requireNonNull(newIdle);
        return this;
    }

    /** Once one way has ended: ends the other when no byte moves in it for so long. By default as {@link #idle}. */
    public Join halfClosed(Duration newHalfClosed) {
        halfClosed = Objects.requireNonNull(newHalfClosed);
        return this;
    }

    /** As {@link Transfer#pipeSize}, of each way. */
    public Join pipeSize(int bytes) {
        if (bytes < 1) {
            throw new IllegalArgumentException("a pipe of " + bytes + " bytes");
        }
        pipeBytes = bytes;
        return this;
    }

    /** Bytes that have reached the second party so far; any thread may ask. */
    public long forthBytes() {
        return movedBytes(forth);
    }

    /** Bytes that have reached the first party so far; any thread may ask. */
    public long backBytes() {
        return movedBytes(back);
    }

    private static long movedBytes(@Nullable ParkingLoop loop) {
        return loop == null ? 0 : loop.movedBytes();
    }

    /**
     * Moves the bytes until both ways have ended. Blocks the calling thread without holding a carrier; a second thread
     * of the join's own serves the way back.
     *
     * <p>That a party is gone, resets or fails is an outcome; the result tells of it. What is thrown is thrown when
     * both ways have ended.
     *
     * @throws TransferInterruptedException when the thread is interrupted
     * @throws CodeException when the code behind a {@link CodeSource} or {@link CodeSink} has thrown
     * @throws java.nio.channels.AsynchronousCloseException when an end is closed meanwhile
     * @throws java.nio.channels.ClosedChannelException when an end was closed before
     * @throws IllegalStateException when it has run already
     * @throws IllegalArgumentException when an end belongs to another Sluice
     */
    public Result run() throws IOException {
        if (started) {
            throw new IllegalStateException("a join runs once");
        }
        started = true;
        long startedNanos = System.nanoTime();
        long deadline = within == null ? Poller.FOREVER : Sluice.deadlineAfter(within);
        Pulse pulse = idle == null && halfClosed == null ? null : new Pulse(idle == null ? Pulse.NEVER : idle);
        Lane there = new Lane(a.source(), b.sink(), new Leash(deadline, pulse, true), pulse);
        Lane backAgain = new Lane(b.source(), a.sink(), new Leash(deadline, pulse, true), pulse);
        forth = there.loop;
        back = backAgain.loop;
        there.other = backAgain.leash;
        backAgain.other = there.leash;

        Thread second = backAgain.thread();
        second.start();
        there.run();
        boolean interrupted = await(second, backAgain.leash);
        if (interrupted || there.failure instanceof TransferInterruptedException) {
            throw new TransferInterruptedException(forthBytes() + backBytes());
        }
        return new Result(Duration.ofNanos(System.nanoTime() - startedNanos), there.way(), backAgain.way());
    }

    /** Waits for the second thread's end; an interrupt hastens it. Answers whether there was one. */
    private static boolean await(Thread second, Leash leash) {
        boolean interrupted = false;
        while (true) {
            try {
                second.join();
                return interrupted;
            } catch (InterruptedException e) {
                interrupted = true;
                leash.cut(Ending.CUT_SHORT);
            }
        }
    }

    /** One way, and what became of it. */
    private final class Lane implements Runnable {
        final Leash leash;
        final ParkingLoop loop;
        private final Source source;
        private final Sink sink;
        private final @Nullable Pulse pulse;

        @Nullable
        Leash other;

        private @Nullable TransferResult moved;
        private @Nullable Throwable failure;

        Lane(Source source, Sink sink, Leash leash, @Nullable Pulse pulse) {
            this.source = source;
            this.sink = sink;
            this.leash = leash;
            this.pulse = pulse;
            this.loop = sluice.transfer(source).to(sink).pipeSize(pipeBytes).loop(leash);
        }

        /** A disk holds whoever reads or writes it, and that must not be a carrier. */
        Thread thread() {
            boolean disk =
                    ((End) source).endpoint.kind() == EndKind.FILE || ((End) sink).endpoint.kind() == EndKind.FILE;
            return (disk ? Thread.ofPlatform().daemon() : Thread.ofVirtual())
                    .name("sluice-join")
                    .unstarted(this);
        }

        @Override
        public void run() {
            Ending ending = Ending.FAILED;
            try {
                TransferResult result = loop.run();
                moved = result;
                if (result.ending() == Ending.SOURCE_ENDED) {
                    endOutput();
                } else {
                    resetAtClose();
                }
                ending = result.ending();
            } catch (IOException | RuntimeException | Error e) {
                failure = e;
                resetAtClose();
            } finally {
                tellOther(ending);
            }
        }

        private void endOutput() throws IOException {
            switch (sink) {
                case SocketEnd socket -> {
                    try {
                        socket.shutdownOutput();
                    } catch (ErrnoException e) {
                        if (e.errno() != Errno.ENOTCONN) { // reset meanwhile: the way back learns of it
                            throw e;
                        }
                    }
                }
                case PipeWriter pipe -> pipe.close();
                case CodeSink code -> code.finish();
                case FileEnd _ -> {}
            }
        }

        private void resetAtClose() {
            if (sink instanceof SocketEnd socket && socket.descriptor().enter()) {
                // Refused by a Unix socket, which knows no reset.
                socket.kernel().setsockopt(socket.endpoint.fd(), SOL_SOCKET, SO_LINGER, 1, 0);
                socket.descriptor().leave();
            }
        }

        private void tellOther(Ending ending) {
            Leash its = Objects.requireNonNull(other);
            switch (ending) {
                case SOURCE_ENDED, SINK_CLOSED -> {
                    if (halfClosed != null && pulse != null) {
                        pulse.within(halfClosed);
                        its.pull();
                    }
                }
                case DEADLINE_PASSED, IDLE -> its.cut(ending);
                default -> its.cut(Ending.CUT_SHORT);
            }
        }

        /** What became of it, where that is an outcome; else throws. */
        Way way() throws IOException {
            switch (failure) {
                case null -> {
                    return new Way(Objects.requireNonNull(moved), null);
                }
                case ErrnoException e
                when e.result() != null -> {
                    return new Way(Objects.requireNonNull(e.result()), e);
                }
                case IOException e -> throw e;
                default ->
                    throw new IllegalStateException("the way from " + source + " to " + sink + " broke", failure);
            }
        }
    }
}
