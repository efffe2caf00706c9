// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.ChannelInputShutdownReadComplete;
import io.netty.channel.socket.SocketChannel;
import io.sluice.netty.SpliceResult.Ending;
import java.nio.channels.ClosedChannelException;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** What handlers get back after a splice, and what they may do meanwhile. */
@SuppressWarnings("FutureReturnValueIgnored") // what matters is what arrives
final class HandBackTest extends TwoWires {
    @Test
    void whatFollowsTheLimitReachesTheHandlers() throws Exception {
        SpliceFuture splice = transfer().limit(100_000).start();
        byte[] bytes = random(150_000);
        CompletableFuture<Void> sent = sending(near, bytes);

        assertThat(far.receive(100_000)).isEqualTo(Arrays.copyOf(bytes, 100_000));
        assertThat(done(splice).forward().ending()).isEqualTo(Ending.LIMIT_REACHED);
        assertThat(near.recorder().bytes(50_000)).isEqualTo(Arrays.copyOfRange(bytes, 100_000, 150_000));
        done(sent);
        assertThat(far.channel().isActive()).isTrue();
    }

    @Test
    void aLimitInOneDirectionOfAJoinHandsBothBack() throws Exception {
        SpliceFuture splice = join().limitBack(1000).start();
        assertRelays(near, far, 10);
        far.send(random(1234));
        near.receive(1000);

        SpliceResult result = done(splice);
        assertThat(result.back().ending()).isEqualTo(Ending.LIMIT_REACHED);
        assertThat(result.forward().ending()).isEqualTo(Ending.STOPPED);
        assertThat(far.recorder().bytes(234)).isEqualTo(Arrays.copyOfRange(random(1234), 1000, 1234));
        assertHandlersGet(near, 20);
    }

    @Test
    void aLimitMayLieWithinWhatNettyHadReadAlready() throws Exception {
        CompletableFuture<SpliceFuture> started = new CompletableFuture<>();
        Wire client = wire(0, new ChannelInboundHandlerAdapter() {
            // The read loop of Netty goes on after this, and what it finds is between the channel and the splice.
            @Override
            public void channelRead(ChannelHandlerContext ctx, Object message) {
                ByteBuf first = (ByteBuf) message;
                ByteBuf rest = first.readRetainedSlice(first.readableBytes());
                first.release();
                ctx.pipeline().remove(this);
                started.complete(
                        splicer.transfer(ctx.channel(), far.channel()).limit(5).start());
                ctx.pipeline().fireChannelRead(rest);
            }
        });
        client.send(random(12));

        assertThat(far.receive(5)).isEqualTo(Arrays.copyOf(random(12), 5));
        SpliceResult result = done(done(started));
        assertThat(result.forward().userSpaceBytes()).isEqualTo(5);
        assertThat(client.recorder().bytes(7)).isEqualTo(Arrays.copyOfRange(random(12), 5, 12));
    }

    @Test
    void aListenerMayChangeThePipelineBeforeTheNextByteComes() throws Exception {
        Recorder next = new Recorder();
        SpliceFuture splice = transfer().limit(10).start();
        splice.addListener(ended -> near.channel().pipeline().addFirst("next", next));
        near.send(random(30));

        far.receive(10);
        assertThat(next.bytes(20)).isEqualTo(Arrays.copyOfRange(random(30), 10, 30));
        assertThat(near.recorder().bytes()).isEmpty();
    }

    @Test
    void aListenerMayTurnAutoReadOff() throws Exception {
        SpliceFuture splice = transfer().limit(10).start();
        splice.addListener(ended -> near.channel().config().setAutoRead(false));
        near.send(random(30));
        far.receive(10);
        done(splice);
        onLoop(near.channel(), () -> {}); // the hand-back
        onLoop(near.channel(), () -> {}); // what that may have left to do

        assertThat(near.recorder().bytes()).as("before the read").isEmpty();
        near.channel().read();
        assertThat(near.recorder().bytes(20)).isEqualTo(Arrays.copyOfRange(random(30), 10, 30));
        assertThat(near.channel().config().isAutoRead()).isFalse();
    }

    @Test
    void aListenerMayBeginTheNextSpliceWithTheNextByte() throws Exception {
        Wire other = wire(1);
        CompletableFuture<SpliceFuture> second = new CompletableFuture<>();
        SpliceFuture first = transfer().limit(10).start();
        first.addListener(ended -> second.complete(
                splicer.transfer(near.channel(), other.channel()).limit(15).start()));
        near.send(random(30));

        assertThat(far.receive(10)).isEqualTo(Arrays.copyOf(random(30), 10));
        assertThat(other.receive(15)).isEqualTo(Arrays.copyOfRange(random(30), 10, 25));
        assertThat(done(done(second)).forward().ending()).isEqualTo(Ending.LIMIT_REACHED);
        assertThat(near.recorder().bytes(5)).isEqualTo(Arrays.copyOfRange(random(30), 25, 30));
    }

    /** The second of two took the place of the first, whose future was never done. */
    @Test
    void ofTwoThatAListenerBeginsTheSecondIsRefused() throws Exception {
        Wire other = wire(1);
        CompletableFuture<SpliceFuture> next = new CompletableFuture<>();
        CompletableFuture<SpliceFuture> tooMany = new CompletableFuture<>();
        SpliceFuture first = transfer().limit(10).start();
        first.addListener(ended -> {
            next.complete(
                    splicer.transfer(near.channel(), other.channel()).limit(20).start());
            tooMany.complete(join().start());
        });
        near.send(random(30));

        assertThat(other.receive(20)).isEqualTo(Arrays.copyOfRange(random(30), 10, 30));
        assertThat(done(done(next)).forward().ending()).isEqualTo(Ending.LIMIT_REACHED);
        settled(done(tooMany));
        assertThat(done(tooMany).cause())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("already");
        assertHandlersGet(near, 10);
    }

    @Test
    void oneThatAListenerBeginsAndStopsMakesWayForAnother() throws Exception {
        CompletableFuture<SpliceFuture> stopped = new CompletableFuture<>();
        CompletableFuture<SpliceFuture> next = new CompletableFuture<>();
        SpliceFuture first = transfer().limit(10).start();
        first.addListener(ended -> {
            SpliceFuture begun = transfer().start();
            begun.stop();
            stopped.complete(begun);
            next.complete(transfer().limit(20).start());
        });
        near.send(random(30));

        assertThat(far.receive(30)).isEqualTo(random(30));
        assertThat(done(done(stopped)).bytes()).isZero();
        assertThat(done(done(next)).bytes()).isEqualTo(20);
    }

    @Test
    void handlersAreNotToldThatTheChannelWasAway() throws Exception {
        stopped(running(join()));
        assertHandlersGet(near, 10);

        assertThat(near.recorder().events()).isEmpty();
        assertThat(far.recorder().events()).isEmpty();
        assertThat(near.channel().pipeline().names()).noneMatch(name -> name.contains("sluice"));
    }

    @Test
    void aChannelThatReadsOnDemandGoesOnDoingSo() throws Exception {
        near.channel().config().setAutoRead(false);
        stopped(running(join()));
        onLoop(near.channel(), () -> {});

        assertThat(near.channel().config().isAutoRead()).isFalse();
        near.send(random(20));
        near.channel().read();
        assertThat(near.recorder().bytes(20)).isEqualTo(random(20));
    }

    @Test
    void aReadThatWasAskedForMeanwhileIsDoneAfterwards() throws Exception {
        near.channel().config().setAutoRead(false);
        SpliceFuture splice = running(join());
        near.channel().read();
        onLoop(near.channel(), () -> {});
        stopped(splice);

        assertHandlersGet(near, 20);
    }

    @Test
    void whatWasWrittenBeforeGoesFirst() throws Exception {
        onLoop(far.channel(), () -> {
            far.channel().write(far.channel().alloc().buffer().writeBytes(random(1000)));
        });
        SpliceFuture splice = join().start();
        near.send(random(2000));

        assertThat(far.receive(1000)).isEqualTo(random(1000));
        assertThat(far.receive(2000)).isEqualTo(random(2000));
        stopped(splice);
    }

    @Test
    void aWriteToASplicedChannelFailsAndChangesNothing() throws Exception {
        SpliceFuture splice = running(join());
        ChannelFuture written =
                far.channel().writeAndFlush(far.channel().alloc().buffer().writeBytes(random(5)));
        settled(written);

        assertThat(written.cause()).isInstanceOf(IllegalStateException.class).hasMessageContaining("is being spliced");
        assertRelays(near, far, 7);
        stopped(splice);
        assertHandlersSend(far, 5);
    }

    @Test
    void aTransferLeavesTheOtherDirectionToThePipelines() throws Exception {
        SpliceFuture splice = running(transfer());
        assertHandlersGet(far, 20);
        assertHandlersSend(near, 30);

        near.end();
        assertThat(done(splice).forward().ending()).isEqualTo(Ending.SOURCE_ENDED);
        assertThat(near.recorder().saw("inactive")).as("the end is found again").isTrue();
        assertHandlersSend(far, 5); // a transfer leaves its sink open
    }

    @Test
    void aTransferEndsWhenItsSinkIsClosedByThePeer() throws Exception {
        SpliceFuture splice = running(transfer());
        far.peer().close();

        settled(splice);
        assertThat(splice.isSuccess()).isTrue();
        assertThat(splice.getNow().forward().ending()).isEqualTo(Ending.CLOSED);
        assertThat(far.recorder().saw("inactive")).isTrue();
        assertThat(near.channel().isActive()).isTrue();
    }

    @Test
    void withHalfClosureTheHandlersGetTheEventThatNettyWouldHaveFired() throws Exception {
        near.channel().config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
        SpliceFuture splice = transfer().start();
        near.send(random(10));
        near.end();
        far.receive(10);
        done(splice);

        assertStaysHalfClosed(near);
    }

    /**
     * The channel was closed at its hand-back, in every second run or so: when its loop had found the end while the
     * other channel was still on its way, Netty 4.2.18 had nothing more to wait for, and closes a channel that is asked
     * to read then.
     */
    @Test
    void anEndThatNettyFindsWhileTheOtherChannelIsStillAwayIsTheSame() throws Exception {
        near.channel().config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
        SpliceFuture splice = running(transfer());
        CountDownLatch found = endIsFoundWhileFarIsAway();
        assertThat(near.recorder().events()).as("what handlers saw so far").isEmpty();
        found.countDown();
        done(splice);

        assertStaysHalfClosed(near);
    }

    @Test
    void anEndIsNotForgottenWhenTheNextSpliceIsStoppedBeforeItBegins() throws Exception {
        SpliceFuture splice = running(transfer());
        CountDownLatch found = endIsFoundWhileFarIsAway();
        splice.addListener(ended -> join().start().stop());
        found.countDown();
        done(splice);

        assertThat(near.recorder().saw("inactive")).isTrue();
        assertThat(near.recorder().events()).doesNotContain(ChannelInputShutdownEvent.class.getSimpleName());
    }

    /** Ends the input, and returns when Netty has found that, with the loop of the other channel held up. */
    private CountDownLatch endIsFoundWhileFarIsAway() throws Exception {
        CountDownLatch found = new CountDownLatch(1);
        far.channel().eventLoop().submit(() -> {
            found.await();
            return null;
        });
        near.end();
        assertThat(eventually(() -> ((SocketChannel) near.channel()).isInputShutdown()))
                .isTrue();
        return found;
    }

    private static void assertStaysHalfClosed(Wire wire) throws Exception {
        assertThat(wire.recorder().saw(ChannelInputShutdownReadComplete.class.getSimpleName()))
                .isTrue();
        onLoop(wire.channel(), () -> {}); // all that belongs to the hand-back is over
        assertThat(wire.channel().isActive())
                .as(() -> "handlers saw " + wire.recorder().events())
                .isTrue();
        assertThat(wire.recorder().events())
                .containsExactly(
                        ChannelInputShutdownEvent.class.getSimpleName(),
                        ChannelInputShutdownReadComplete.class.getSimpleName());
        assertThat(wire.channel().config().isAutoRead()).isTrue();
        assertThat(wire.channel().config().getOption(ChannelOption.ALLOW_HALF_CLOSURE))
                .isTrue();
        assertHandlersSend(wire, 30);
    }

    @Test
    void aChannelIsSplicedOnceAtATime() throws Exception {
        Wire third = wire(1);
        SpliceFuture splice = running(join());
        SpliceFuture second = splicer.join(third.channel(), near.channel()).start();
        settled(second);

        assertThat(second.cause()).isInstanceOf(IllegalStateException.class).hasMessageContaining("already");
        assertRelays(near, far, 20);
        assertHandlersGet(third, 30);
        stopped(splice);
    }

    @Test
    void aClosedChannelIsRefused() throws Exception {
        Channel closed = far.channel();
        done(closed.close());
        SpliceFuture splice = splicer.join(near.channel(), closed).start();
        settled(splice);

        assertThat(splice.cause()).isInstanceOf(ClosedChannelException.class);
        assertHandlersGet(near, 10);
    }
}
