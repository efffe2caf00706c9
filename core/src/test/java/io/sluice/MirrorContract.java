// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.TransferResult.Ending;
import io.sluice.TransferResult.Fate;
import io.sluice.TransferResult.SinkResult;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Flags;
import io.sluice.testing.Pending;
import java.io.IOException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What becomes of the several sinks of one source when one of them stalls, fails, is closed, or time runs out. */
abstract class MirrorContract extends SluiceFixture {
    private static final int BYTES = 300_001;
    private static final Duration SHORT = Duration.ofSeconds(1); // long enough for a sink that takes what it gets

    private final byte[] data = TransferContract.random(BYTES);

    private FileEnd source() throws IOException {
        return keep(sluice.open(stand.write(directory.resolve("source"), data)));
    }

    private Path target() {
        return directory.resolve("target");
    }

    private FileEnd file() throws IOException {
        return keep(sluice.open(target(), StandardOpenOption.WRITE, StandardOpenOption.CREATE));
    }

    /** A pipe that takes 64 KiB, and more only when it is read. */
    private Pipe stalled() throws IOException {
        return keep(sluice.pipe());
    }

    private Pipe gone() throws IOException {
        Pipe pipe = keep(sluice.pipe());
        pipe.reader().close();
        return pipe;
    }

    private static void assertAllAccountedFor(SinkResult sink, long bytes) {
        assertThat(sink.bytes() + sink.droppedBytes()).as("%s", sink).isEqualTo(bytes);
    }

    @Test
    void aQueueBeyondCountingIsNeverFull() throws Exception {
        // The bound in pipes once overflowed, and the branch was full before its first byte.
        Pipe mirror = stalled();
        Transfer transfer = sluice.transfer(source())
                .to(file())
                .mirrorTo(mirror.writer(), WhenFull.DETACH)
                .queue(Long.MAX_VALUE)
                .pipeSize(4096);
        try (Pending<TransferResult> running = Pending.start(transfer::run)) {
            running.mustWait();
            assertThat(countToEndOf(mirror, BYTES)).isEqualTo(BYTES);
            assertThat(running.value().mirrors().getFirst().fate()).isEqualTo(Fate.COMPLETE);
        }
    }

    private static long countToEndOf(Pipe pipe, long bytes) throws IOException {
        long total = 0;
        while (total < bytes) {
            total += pipe.reader().read(room(1 << 16));
        }
        return total;
    }

    @Test
    void everyByteThatADetachedMirrorMissedIsCounted() throws Exception {
        TransferResult result = sluice.transfer(source())
                .to(file())
                .mirrorTo(stalled().writer(), WhenFull.DETACH)
                .pipeSize(16 << 10)
                .queue(16 << 10)
                .run();
        SinkResult mirror = result.mirrors().getFirst();
        assertThat(mirror.fate()).isEqualTo(Fate.DETACHED);
        assertAllAccountedFor(mirror, BYTES);
        assertThat(stand.read(target())).isEqualTo(data);
    }

    @Test
    void theDeadlineEndsAFanOutWhoseSinkStallsAndWhatArrivedIsExact() throws Exception {
        Pipe stalled = stalled();
        FanOut.Result result = sluice.fanOut(source())
                .to(file())
                .to(stalled.writer())
                .deadline(SHORT)
                .run();
        assertThat(result.ending()).isEqualTo(Ending.DEADLINE_PASSED);
        assertThat(result.sinks().get(0).bytes()).isEqualTo(BYTES);
        SinkResult cut = result.sinks().get(1);
        assertThat(cut.fate()).isEqualTo(Fate.CUT_SHORT);
        assertAllAccountedFor(cut, BYTES);
        assertThat(stalled.reader().availableBytes()).isEqualTo(cut.bytes());
    }

    /** The first of several sinks was told to be complete whenever it had not failed. */
    @Test
    void theDeadlineCutsTheFirstSinkShortAsAnyOther() throws Exception {
        FanOut.Result result = sluice.fanOut(source())
                .to(stalled().writer())
                .to(file())
                .deadline(SHORT)
                .run();
        assertThat(result.ending()).isEqualTo(Ending.DEADLINE_PASSED);
        SinkResult first = result.sinks().getFirst();
        assertThat(first.fate()).isEqualTo(Fate.CUT_SHORT);
        assertThat(first.droppedBytes()).isPositive();
    }

    @Test
    void aSinkThatHasEverythingIsCompleteWhateverBecomesOfAnother() throws Exception {
        // Each branch was told of the end only when the one before it had ended.
        Pipe healthy = keep(sluice.pipe(1 << 20));
        FanOut.Result result = sluice.fanOut(source())
                .to(file())
                .to(stalled().writer())
                .to(healthy.writer(), WhenFull.DETACH)
                .deadline(Duration.ofMillis(1500))
                .run();
        assertThat(result.sinks().stream().map(SinkResult::fate))
                .containsExactly(Fate.COMPLETE, Fate.CUT_SHORT, Fate.COMPLETE);
    }

    @Test
    void aSinkThatFailsEndsTheFanOutThoughAnotherIsStillWaitedFor() throws Exception {
        Pipe failing = stalled();
        FanOut fanOut =
                sluice.fanOut(source()).to(file()).to(stalled().writer()).to(failing.writer());
        try (Pending<FanOut.Result> running = Pending.start(fanOut::run)) {
            running.mustWait();
            failing.reader().close();
            assertThat(running.failure())
                    .isInstanceOfSatisfying(
                            ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EPIPE));
        }
    }

    /** Every failure of a branch was once said to be write's. */
    @Test
    void theFailureOfASecondSinkIsNamedAfterTheCallThatFailed() throws Exception {
        assertThat(failingCall(gone().writer())).isEqualTo("splice");
        // A socket that others share in blocking mode is never spliced to.
        int[] sockets = inheritedSockets();
        kernel.shutdown(sockets[1], Flags.SHUT_RD);
        assertThat(failingCall(keep(sluice.sink(sockets[0])))).isEqualTo("send");
    }

    private String failingCall(Sink second) throws Exception {
        FanOut fanOut = sluice.fanOut(source()).to(file()).to(second);
        try (Pending<FanOut.Result> running = Pending.start(fanOut::run)) {
            ErrnoException failure = (ErrnoException) running.failure();
            assertThat(failure.errno()).isEqualTo(Errno.EPIPE);
            assertThat(failure).hasMessageContaining("writing " + second);
            return failure.call();
        }
    }

    @Test
    void aSinkThatFailsEndsTheFanOutThatAFullOneHoldsUp() throws Exception {
        Pipe failing = stalled();
        FanOut fanOut = sluice.fanOut(source())
                .to(file())
                .to(stalled().writer())
                .to(failing.writer())
                .pipeSize(16 << 10)
                .queue(16 << 10);
        try (Pending<FanOut.Result> running = Pending.start(fanOut::run)) {
            running.mustWait();
            failing.reader().close();
            assertThat(running.failure()).isInstanceOf(ErrnoException.class);
        }
    }

    @Test
    void closingASinkEndsTheFanOutAsAClosedEndDoes() throws Exception {
        Pipe stalled = stalled();
        FanOut fanOut = sluice.fanOut(source()).to(file()).to(stalled.writer());
        try (Pending<FanOut.Result> running = Pending.start(fanOut::run)) {
            running.mustWait();
            stalled.writer().close();
            assertThat(running.failure()).isInstanceOf(AsynchronousCloseException.class);
        }
    }

    @Test
    void progressIsToldWhileASinkBringsOutWhatItHas() throws Exception {
        Pipe slow = stalled();
        AtomicInteger told = new AtomicInteger();
        FanOut fanOut = sluice.fanOut(source())
                .to(file())
                .to(slow.writer())
                .onProgress(Duration.ofMillis(1), _ -> told.incrementAndGet());
        try (Pending<FanOut.Result> running = Pending.start(fanOut::run)) {
            running.mustWait();
            int before = told.get();
            while (told.get() < before + 3) {
                assertThat(running.isDone()).isFalse();
                Thread.onSpinWait();
            }
            countToEndOf(slow, BYTES);
            assertThat(running.value().ending()).isEqualTo(Ending.SOURCE_ENDED);
        }
    }

    @Test
    void aFanOutThatKeepsGoingStopsWhenNobodyIsLeft() throws Exception {
        Pipe endless = keep(sluice.pipe());
        endless.writer().write(bytes(1, 2, 3));
        FanOut fanOut = sluice.fanOut(endless.reader())
                .to(gone().writer())
                .to(gone().writer())
                .keepGoing();
        try (Pending<FanOut.Result> running = Pending.start(fanOut::run)) {
            FanOut.Result result = running.value();
            assertThat(result.ending()).isEqualTo(Ending.SINK_CLOSED);
            assertThat(result.sinks().stream().map(SinkResult::fate)).containsOnly(Fate.FAILED);
        }
    }

    @Test
    void aFanOutGoesOnAfterTheFailuresThatItToleratesAlone() throws Exception {
        FanOut first = sluice.fanOut(source()).to(gone().writer()).to(file()).keepGoing(errno -> errno != Errno.EPIPE);
        assertThat(first.run().ending()).isEqualTo(Ending.SINK_CLOSED);

        Pipe endless = keep(sluice.pipe());
        endless.writer().write(bytes(1, 2, 3));
        FanOut second =
                sluice.fanOut(endless.reader()).to(file()).to(gone().writer()).keepGoing(errno -> errno != Errno.EPIPE);
        try (Pending<FanOut.Result> running = Pending.start(second::run)) {
            assertThatThrownBy(running::value).hasStackTraceContaining("EPIPE");
        }

        FanOut tolerant =
                sluice.fanOut(source()).to(file()).to(gone().writer()).keepGoing(errno -> errno == Errno.EPIPE);
        assertThat(tolerant.run().sinks()).extracting(SinkResult::fate).containsExactly(Fate.COMPLETE, Fate.FAILED);
    }

    @Test
    void aFanOutThatGoesOnWithoutItsFirstSinkStillNeverBlocksInItsSource() throws Exception {
        // A socket that others share in blocking mode is copied: splice would sleep in it [H04].
        int[] sockets = inheritedSockets();
        kernel.write(sockets[0], bytes(1, 2, 3));
        FanOut fanOut = sluice.fanOut(keep(sluice.source(sockets[1])))
                .to(gone().writer())
                .to(file())
                .keepGoing();
        try (Pending<FanOut.Result> running = Pending.start(Pending.Kind.VIRTUAL, fanOut::run)) {
            running.mustWait();
            kernel.write(sockets[0], bytes(4));
            kernel.shutdown(sockets[0], Flags.SHUT_WR);
            FanOut.Result result = running.value();
            assertThat(result.sinks().get(0).errno()).isEqualTo(Errno.EPIPE);
            assertThat(result.sinks().get(1).fate()).isEqualTo(Fate.COMPLETE);
        }
        assertThat(stand.read(target())).containsExactly(1, 2, 3, 4);
    }

    @Test
    void bytesOfASinkWhoseReaderIsGoneAreNotReportedAsMoved() throws Exception {
        AtomicInteger last = new AtomicInteger(-1);
        Transfer transfer =
                sluice.transfer(source()).to(gone().writer()).onProgress(progress -> last.set((int) progress.bytes()));
        TransferResult result = transfer.run();
        assertThat(result.ending()).isEqualTo(Ending.SINK_CLOSED);
        assertThat(result.strandedBytes()).isPositive();
        assertThat(transfer.movedBytes()).isZero();
        assertThat(last).hasValue(0);
    }
}
