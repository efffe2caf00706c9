// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPromise;
import io.sluice.kernel.Errno;
import io.sluice.netty.SpliceResult.Ending;
import java.net.ConnectException;
import java.net.SocketException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Two channels joined, from the start to each of the ends that there are. */
@SuppressWarnings("FutureReturnValueIgnored") // what matters is what arrives
final class JoinTest extends TwoWires {
    private static final int MORE_THAN_SOCKETS_HOLD = 32 << 20;

    // Ends.

    /** What no clock can count broke the splice, and reset both connections. */
    @Test
    void timesBeyondCountingAreForEver() throws Exception {
        Duration endless = Duration.ofSeconds(Long.MAX_VALUE);
        SpliceResult result = relaysBothWays(join().idleTimeout(endless).progressInterval(endless), 100_000, 100_000);
        assertThat(result.forward().ending()).isEqualTo(Ending.SOURCE_ENDED);
    }

    @Test
    void aSpliceToNothingIsNotDescribed() {
        Channel nothing = null;
        assertThatThrownBy(() -> splicer.join(near.channel(), nothing)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> splicer.transfer(near.channel(), nothing)).isInstanceOf(NullPointerException.class);
    }

    @Test
    void theEndOfOneDirectionIsPassedOnWhileTheOtherGoesOn() throws Exception {
        SpliceFuture splice = join().start();
        near.send(random(1000));
        near.end();
        assertThat(far.receiveAll()).isEqualTo(random(1000));

        for (int i = 1; i <= 3; i++) {
            assertRelays(far, near, i);
        }
        far.end();
        assertThat(near.receiveAll()).isEmpty();
        SpliceResult result = done(splice);
        assertThat(List.of(result.forward().ending(), result.back().ending())).containsOnly(Ending.SOURCE_ENDED);
        assertThat(result.bytes()).isEqualTo(1006);
    }

    @Test
    void aResetOfOnePeerIsAResetForTheOther() throws Exception {
        SpliceFuture splice = running(join());
        near.peer().setSoLinger(true, 0);
        near.peer().close();

        settled(splice);
        assertThat(splice.cause()).isInstanceOf(SpliceException.class).hasMessageContaining("ECONNRESET");
        SpliceException failure = (SpliceException) splice.cause();
        assertThat(failure.errno()).isEqualTo(Errno.ECONNRESET);
        assertThat(failure.result().forward().bytes()).isEqualTo(10);
        assertThatThrownBy(far::receiveAll)
                .as("a stream that was cut does not look as if it had ended")
                .isInstanceOf(SocketException.class)
                .hasMessageContaining("reset");
        assertThat(near.recorder().saw("inactive")).isTrue();
        assertThat(far.recorder().saw("inactive")).isTrue();
    }

    @Test
    void aCloseOnThisSideEndsTheSpliceFirstAndIsSeenByTheHandlers() throws Exception {
        SpliceFuture splice = running(join());
        done(near.channel().close());

        assertThat(done(splice).forward().ending()).isEqualTo(Ending.CLOSED);
        assertThat(near.receiveAll()).isEmpty();
        assertThat(near.recorder().saw("inactive")).isTrue();
        assertThat(far.channel().isActive())
                .as("the other is handed back, open")
                .isTrue();
        assertHandlersGet(far, 5);
    }

    @Test
    void aCloseBehindThePipelinesBackIsTold() throws Exception {
        SpliceFuture splice = running(join());
        onLoop(
                near.channel(),
                () -> near.channel().unsafe().close(near.channel().newPromise()));

        assertThat(done(splice).forward().ending()).isEqualTo(Ending.CLOSED);
        assertThat(near.recorder().saw("inactive")).isTrue();
        assertThat(near.receiveAll()).isEmpty();
    }

    @Test
    void anIdleSpliceEndsAndItsChannelsAreOpen() throws Exception {
        SpliceFuture splice = join().idleTimeout(Duration.ofMillis(50)).start();
        assertThat(done(splice).forward().ending()).isEqualTo(Ending.IDLE);
        assertThat(done(splice).elapsed()).isGreaterThanOrEqualTo(Duration.ofMillis(50));

        assertHandlersGet(near, 10);
    }

    @Test
    void aSpliceInWhichOneDirectionMovesIsNotIdle() throws Exception {
        SpliceFuture splice = join().idleTimeout(Duration.ofSeconds(2)).start();
        long begun = System.nanoTime();
        while (System.nanoTime() - begun < Duration.ofMillis(2500).toNanos()) {
            far.send(random(1));
            near.receive(1);
        }
        assertThat(splice.isDone()).isFalse();
        splice.stop();
        assertThat(done(splice).forward().ending()).isEqualTo(Ending.STOPPED);
    }

    // Stopping.

    @Test
    void stoppingLosesNothingAlsoWhenTheSinkIsFull() throws Exception {
        far.channel().config().setOption(ChannelOption.SO_SNDBUF, 65536);
        SpliceFuture splice = join().start();
        byte[] bytes = random(MORE_THAN_SOCKETS_HOLD);
        CompletableFuture<Void> sent = sending(near, bytes);
        movesNoMore(splice);
        splice.stop();

        SpliceResult result = done(splice);
        assertThat(result.forward().leftoverBytes())
                .as("taken, and without room in the sink")
                .isPositive();
        int moved = (int) (result.forward().bytes() + result.forward().leftoverBytes());
        assertThat(far.receive(moved)).isEqualTo(Arrays.copyOf(bytes, moved));
        assertThat(near.recorder().bytes(bytes.length - moved))
                .as("the rest, at the handlers")
                .isEqualTo(Arrays.copyOfRange(bytes, moved, bytes.length));
        done(sent);
    }

    /** Until twenty-five looks in a row see the same: the sockets and the pipe are full. */
    private static void movesNoMore(SpliceFuture splice) throws InterruptedException {
        long seen = 0;
        for (int same = 0; same < 25; ) {
            TimeUnit.MILLISECONDS.sleep(20);
            same = seen > 0 && splice.movedBytes() == seen ? same + 1 : 0;
            seen = splice.movedBytes();
        }
    }

    @Test
    void aCancelledSpliceEndsAsCancelledWhenItsChannelsAreBack() throws Exception {
        SpliceFuture splice = running(join());
        CompletableFuture<Boolean> backInTime = new CompletableFuture<>();
        splice.addListener(ended -> backInTime.complete(
                near.channel().isRegistered() && far.channel().isRegistered()));
        assertThat(splice.cancel(true)).isTrue();

        settled(splice);
        assertThat(splice.isCancelled()).isTrue();
        assertThat(done(backInTime)).isTrue();
        assertThat(splice.movedBytes()).isEqualTo(10);
        assertThat(splice.cancel(true)).as("ended already").isFalse();
        assertHandlersGet(near, 7);
    }

    @Test
    void channelsMayBeSplicedAgainAfterACancel() throws Exception {
        for (int i = 1; i <= 5; i++) {
            SpliceFuture splice = join().start();
            assertRelays(near, far, i);
            splice.cancel(false);
            settled(splice);
        }
        assertThat(near.recorder().events()).as("what handlers were told").isEmpty();
    }

    @Test
    void closingTheSplicerStopsWhatRuns() throws Exception {
        SpliceFuture splice = running(join());
        splicer.close();

        assertThat(done(splice).forward().ending()).isEqualTo(Ending.STOPPED);
        assertThatThrownBy(() -> join().start())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
    }

    @Test
    void stoppingDoesNotWaitForAPeerThatReadsNothing() throws Exception {
        onLoop(
                far.channel(),
                () -> far.channel()
                        .writeAndFlush(far.channel().alloc().directBuffer().writeZero(MORE_THAN_SOCKETS_HOLD)));
        SpliceFuture splice = join().start();
        splice.stop();

        assertThat(done(splice).forward().ending()).isEqualTo(Ending.STOPPED);
        assertHandlersGet(near, 10);
        assertThat(far.receive(MORE_THAN_SOCKETS_HOLD))
                .as("written before")
                .isEqualTo(new byte[MORE_THAN_SOCKETS_HOLD]);
    }

    // Connecting.

    @Test
    void whatComesWhileTheSecondIsStillBeingConnectedIsKeptAndSoIsTheEnd() throws Exception {
        ChannelPromise connecting = far.channel().newPromise();
        SpliceFuture splice = splicer.join(near.channel(), connecting).start();
        onLoop(near.channel(), () -> {});
        near.send(random(1000));
        near.end();
        onLoop(far.channel(), connecting::setSuccess);

        assertThat(far.receiveAll()).isEqualTo(random(1000));
        far.end();
        assertThat(done(splice).forward().ending()).isEqualTo(Ending.SOURCE_ENDED);
        assertThat(near.recorder().bytes()).isEmpty();
    }

    @Test
    void aConnectionThatFailsFailsTheSpliceAndTheFirstIsBack() throws Exception {
        ChannelPromise connecting = far.channel().newPromise();
        SpliceFuture splice = splicer.join(near.channel(), connecting).start();
        connecting.setFailure(new ConnectException("refused"));
        settled(splice);

        assertThat(splice.cause()).isInstanceOf(ConnectException.class);
        assertHandlersGet(near, 10);
    }

    /** As when descriptors have run out: what Bootstrap returns then is a channel without an event loop. */
    @Test
    void aConnectionForWhichThereIsNoSocketFailsTheSpliceAndTheFirstIsBack() throws Exception {
        ChannelFuture connecting = new Bootstrap()
                .group(loops)
                .channelFactory(() -> {
                    throw new ChannelException("too many open files");
                })
                .handler(new ChannelInboundHandlerAdapter())
                .connect("localhost", 1);
        SpliceFuture splice = splicer.join(near.channel(), connecting).start();
        settled(splice);

        assertThat(splice.cause()).isInstanceOf(ChannelException.class).hasMessageContaining("too many open files");
        assertHandlersGet(near, 10);
    }

    @Test
    void stoppingDoesNotWaitForTheConnection() throws Exception {
        ChannelPromise connecting = far.channel().newPromise();
        SpliceFuture splice = splicer.join(near.channel(), connecting).start();
        splice.stop();

        assertThat(done(splice).forward().ending()).isEqualTo(Ending.STOPPED);
        connecting.setSuccess();
        assertHandlersGet(far, 10);
    }

    // Many.

    @Test
    void manyAtOnceKeepTheirBytesApart() throws Exception {
        List<Wire> nears = new ArrayList<>();
        List<Wire> fars = new ArrayList<>();
        List<SpliceFuture> splices = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            nears.add(wire(i % 2));
            fars.add(wire(i / 2 % 2));
            splices.add(
                    splicer.join(nears.get(i).channel(), fars.get(i).channel()).start());
        }
        for (int i = 0; i < 50; i++) {
            nears.get(i).send(random(10_000 + i));
            fars.get(i).send(random(20_000 + i));
        }
        for (int i = 0; i < 50; i++) {
            assertThat(fars.get(i).receive(10_000 + i)).isEqualTo(random(10_000 + i));
            assertThat(nears.get(i).receive(20_000 + i)).isEqualTo(random(20_000 + i));
            splices.get(i).stop();
        }
        for (SpliceFuture splice : splices) {
            assertThat(done(splice).bytes()).isGreaterThanOrEqualTo(30_000);
        }
    }
}
