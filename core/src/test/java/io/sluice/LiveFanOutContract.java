// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.TransferResult.Ending;
import io.sluice.TransferResult.Fate;
import io.sluice.TransferResult.SinkResult;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.wrap.FaultyKernel;
import io.sluice.testing.Pending;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.FutureTask;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Sinks that come and go while a fan-out runs. */
abstract class LiveFanOutContract extends SluiceFixture {
    private static final long WIDE = 1 << 20;

    private FaultyKernel faults;
    private Pipe in;
    private Pipe out;
    private FanOut fanOut;

    @Override
    final Kernel around(Kernel plain) {
        faults = FaultyKernel.builder(plain).build();
        return faults;
    }

    @BeforeEach
    void prepare() throws IOException {
        in = pipe();
        out = pipe();
        fanOut = sluice.fanOut(in.reader()).to(out.writer());
    }

    private Pipe pipe() throws IOException {
        Pipe pipe = sluice.pipe();
        keep(pipe.reader());
        keep(pipe.writer());
        return pipe;
    }

    private Pending<FanOut.Result> start() {
        return Pending.start(Pending.Kind.VIRTUAL, fanOut::run);
    }

    /** Has the text come through to the first sink. */
    private void send(String text) throws IOException {
        in.writer().write(text(text));
        assertThat(read(out.reader(), text.length())).isEqualTo(text);
    }

    private Attachment attached(Pipe pipe, WhenFull whenFull, long queueBytes) {
        Attachment attachment = fanOut.attach(pipe.writer(), whenFull, queueBytes);
        eventually(() -> attachment.fromByte() >= 0);
        return attachment;
    }

    private static void eventually(BooleanSupplier condition) {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("time for it to come true").isLessThan(deadline);
            Thread.onSpinWait();
        }
    }

    private static SinkResult result(Attachment attachment) {
        eventually(() -> attachment.result() != null);
        return requireNonNull(attachment.result());
    }

    @Test
    void oneThatComesLateGetsWhatFollows() throws Exception {
        Pipe late = pipe();
        try (Pending<FanOut.Result> running = start()) {
            send("before ");
            Attachment attachment = attached(late, WhenFull.BLOCK, WIDE);
            assertThat(attachment.fromByte()).isEqualTo(7);
            assertThat(fanOut.attachments()).containsExactly(attachment);
            send("after");
            assertThat(read(late.reader(), 100)).isEqualTo("after");
            eventually(() -> attachment.deliveredBytes() == 5);
            assertThat(attachment.lagBytes()).isZero();
            in.writer().close();
            FanOut.Result result = running.value();
            assertThat(result.sinks().get(1))
                    .isEqualTo(result(attachment))
                    .extracting(SinkResult::bytes, SinkResult::fate, SinkResult::droppedBytes)
                    .containsExactly(5L, Fate.COMPLETE, 0L);
        }
    }

    @Test
    void oneThatLeavesGetsNoMoreAndIsToldNoEnd() throws Exception {
        Pipe passing = pipe();
        try (Pending<FanOut.Result> running = start()) {
            Attachment attachment = attached(passing, WhenFull.BLOCK, WIDE);
            send("some");
            attachment.leave();
            SinkResult result = result(attachment);
            assertThat(result.fate()).isEqualTo(Fate.LEFT);
            assertThat(result.bytes()).isEqualTo(4);
            assertThat(result.droppedBytes()).isZero();
            attachment.leave();
            send("more");
            assertThat(fanOut.attachments()).isEmpty();
            assertThat(read(passing.reader(), 100)).isEqualTo("some");
            assertThat(passing.reader().availableBytes()).isZero();
            assertThat(passing.writer().isOpen()).isTrue();
            in.writer().close();
            assertThat(running.value().sinks()).as("it has its own result").hasSize(1);
        }
    }

    @Test
    void oneThatStallsIsGivenUpAtItsOwnBoundWhileTheStreamGoesOn() throws Exception {
        Pipe stalled = pipe();
        stalled.resize(4096);
        in.resize(1 << 20);
        try (Pending<FanOut.Result> running = start();
                Pending<Long> drained = Pending.start(() -> countToEnd(out.reader()))) {
            Attachment attachment = attached(stalled, WhenFull.DETACH, 1);
            long sent = 0;
            while (attachment.result() == null) {
                in.writer().write(room(64 << 10));
                sent += 64 << 10;
            }
            assertThat(result(attachment).fate()).isEqualTo(Fate.DETACHED);
            assertThat(result(attachment).bytes()).isLessThan(sent);
            assertThat(attachment.lagBytes()).isZero();
            in.writer().close();
            assertThat(running.value().ending()).isEqualTo(Ending.SOURCE_ENDED);
            out.writer().close();
            assertThat(drained.value()).isEqualTo(sent);
        }
    }

    @Test
    void oneThatLagsIsSeenToAndHoldsTheOthersUpWhenItsPolicyIsToBlock() throws Exception {
        Pipe slow = pipe();
        slow.resize(4096);
        try (Pending<FanOut.Result> running = start();
                Pending<Long> drained = Pending.start(() -> countToEnd(out.reader()))) {
            Attachment attachment = attached(slow, WhenFull.BLOCK, 1);
            int all = 8 << 20;
            try (Pending<Integer> writing = Pending.start(() -> {
                in.writer().write(room(all));
                in.writer().close();
                return all;
            })) {
                writing.mustWait();
                eventually(() -> attachment.lagBytes() > 0); // whoever writes may rest before the first byte is taken
                try (Pending<Long> read = Pending.start(() -> countToEnd(slow.reader()))) {
                    assertThat(running.value().sinks().get(1).bytes()).isEqualTo(all);
                    slow.writer().close();
                    assertThat(read.value()).isEqualTo(all);
                }
            }
            out.writer().close();
            assertThat(drained.value()).isEqualTo(all);
        }
    }

    /** Pitfall 36. */
    @Test
    void theFailureOfOneThatCameLaterIsItsOwn() throws Exception {
        Pipe broken = pipe();
        try (Pending<FanOut.Result> running = start()) {
            Attachment attachment = attached(broken, WhenFull.BLOCK, WIDE);
            broken.reader().close();
            send("lost on it");
            SinkResult result = result(attachment);
            assertThat(result.fate()).isEqualTo(Fate.FAILED);
            assertThat(result.errno()).isEqualTo(Errno.EPIPE);
            assertThat(result.droppedBytes()).isEqualTo(10);
            Pipe closed = sluice.pipe();
            closed.close();
            assertThat(result(fanOut.attach(closed.writer(), WhenFull.BLOCK, WIDE))
                            .fate())
                    .isEqualTo(Fate.FAILED);
            send("still here");
            in.writer().close();
            assertThat(running.value().ending()).isEqualTo(Ending.SOURCE_ENDED);
        }
    }

    @Test
    void oneForWhichThereIsNoPipeFailsAloneAndItsEndIsNotHeld() throws Exception {
        // The stream once kept the end of such a one entered, and a close of it was not seen before the stream's end.
        Pipe unlucky = pipe();
        faults.follow((name, nth) -> name.equals("pipe2") ? (Long) (long) -Errno.ENFILE : null);
        try (Pending<FanOut.Result> running = start()) {
            SinkResult result = result(fanOut.attach(unlucky.writer(), WhenFull.BLOCK, WIDE));
            faults.followNone();
            assertThat(result.fate()).isEqualTo(Fate.FAILED);
            assertThat(Errno.name(result.errno())).isEqualTo("ENFILE");
            unlucky.writer().close();
            assertThat(read(unlucky.reader(), 10)).isEqualTo("end");
            send("still here");
            in.writer().close();
            assertThat(running.value().sinks()).hasSize(1);
        }
    }

    @Test
    void attachingBeforeTheBeginningAndAfterTheEnd() throws Exception {
        Pipe early = pipe();
        Attachment first = fanOut.attach(early.writer(), WhenFull.BLOCK, WIDE);
        assertThat(first.fromByte()).isEqualTo(-1);
        assertThat(fanOut.attachments()).isEmpty();
        in.writer().write(text("all of it"));
        in.writer().close();
        FanOut.Result result = fanOut.run();
        assertThat(result.sinks()).hasSize(2).allMatch(sink -> sink.fate() == Fate.COMPLETE && sink.bytes() == 9);
        assertThat(first.fromByte()).isZero();
        Attachment last = fanOut.attach(pipe().writer(), WhenFull.BLOCK, WIDE);
        assertThat(result(last).fate()).isEqualTo(Fate.CUT_SHORT);
        assertThat(result(last).bytes()).isZero();
        assertThatThrownBy(() -> fanOut.attach(early.writer(), WhenFull.BLOCK, 0))
                .isInstanceOf(IllegalArgumentException.class);
    }

    /** Pitfalls 23 and 33: what each of them got is counted, and is what went by while it was there. */
    @Test
    void whoeverComesAndGoesGetsAnUnbrokenPieceOfTheStream() throws Exception {
        byte[] data = TransferContract.random(6_000_000);
        Random random = new Random(7);
        FutureTask<byte[]> main = TransferContract.start(() -> TransferContract.drain(out.reader()));
        List<Pipe> pipes = new ArrayList<>();
        List<Attachment> attachments = new ArrayList<>();
        List<FutureTask<byte[]>> pieces = new ArrayList<>();
        try (Pending<FanOut.Result> running = start()) {
            int at = 0;
            while (at < data.length) {
                if (random.nextInt(4) == 0) {
                    Pipe pipe = pipe();
                    pipes.add(pipe);
                    pieces.add(TransferContract.start(() -> TransferContract.drain(pipe.reader())));
                    attachments.add(fanOut.attach(pipe.writer(), WhenFull.BLOCK, 1 + random.nextInt(1 << 20)));
                }
                if (random.nextInt(5) == 0 && !attachments.isEmpty()) {
                    attachments.get(random.nextInt(attachments.size())).leave();
                }
                int count = Math.min(data.length - at, 1 + random.nextInt(200_000));
                in.writer().write(TransferContract.copyOf(Arrays.copyOfRange(data, at, at + count)));
                at += count;
            }
            in.writer().close();
            assertThat(running.value().ending()).isEqualTo(Ending.SOURCE_ENDED);
        }
        out.writer().close();
        assertThat(main.get()).isEqualTo(data);
        assertThat(attachments).isNotEmpty();
        for (int i = 0; i < attachments.size(); i++) {
            pipes.get(i).writer().close();
            SinkResult result = result(attachments.get(i));
            long from = attachments.get(i).fromByte();
            byte[] piece = pieces.get(i).get();
            assertThat(piece.length).isEqualTo(result.bytes());
            assertThat(result.fate()).isIn(Fate.LEFT, Fate.COMPLETE, Fate.CUT_SHORT);
            if (piece.length > 0) {
                assertThat(piece).isEqualTo(Arrays.copyOfRange(data, (int) from, (int) from + piece.length));
            }
            if (result.fate() == Fate.COMPLETE) {
                assertThat(from + piece.length).isEqualTo(data.length);
            }
        }
    }
}
