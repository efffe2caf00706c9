// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Two channels joined, from the start to each of the ends that there are. */
@SuppressWarnings("FutureReturnValueIgnored") // what matters is what arrives
final class JoinTest extends NettyFixture {
    private static final int MORE_THAN_SOCKETS_HOLD = 32 << 20;

    private Wire near;
    private Wire far;

    @BeforeEach
    void connect() throws Exception {
        near = wire(0);
        far = wire(1);
    }

    private SpliceFuture join() {
        return splicer.join(near.channel(), far.channel()).start();
    }

    // Ends.

    @Test
    void theEndOfOneDirectionIsPassedOnWhileTheOtherGoesOn() throws Exception {
        SpliceFuture splice = join();
        near.send(random(1000));
        near.peer().shutdownOutput();
        assertThat(far.receiveAll()).isEqualTo(random(1000));

        for (int i = 1; i <= 3; i++) {
            far.send(random(i));
            assertThat(near.receive(i)).isEqualTo(random(i));
        }
        far.peer().shutdownOutput();
        assertThat(near.receiveAll()).isEmpty();
        SpliceResult result = done(splice);
        assertThat(List.of(result.forward().ending(), result.back().ending())).containsOnly(Ending.SOURCE_ENDED);
        assertThat(result.bytes()).isEqualTo(1006);
    }

    @Test
    void aResetOfOnePeerIsAResetForTheOther() throws Exception {
        SpliceFuture splice = join();
        near.send(random(10));
        far.receive(10);
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
        SpliceFuture splice = join();
        near.send(random(10));
        far.receive(10);
        done(near.channel().close());

        assertThat(done(splice).forward().ending()).isEqualTo(Ending.CLOSED);
        assertThat(near.receiveAll()).isEmpty();
        assertThat(near.recorder().saw("inactive")).isTrue();
        assertThat(far.channel().isActive())
                .as("the other is handed back, open")
                .isTrue();
        far.send(random(5));
        assertThat(far.recorder().bytes(5)).isEqualTo(random(5));
    }

    @Test
    void aCloseBehindThePipelinesBackIsTold() throws Exception {
        SpliceFuture splice = join();
        near.send(random(10));
        far.receive(10);
        onLoop(
                near.channel(),
                () -> near.channel().unsafe().close(near.channel().newPromise()));

        assertThat(done(splice).forward().ending()).isEqualTo(Ending.CLOSED);
        assertThat(near.recorder().saw("inactive")).isTrue();
        assertThat(near.receiveAll()).isEmpty();
    }

    @Test
    void anIdleSpliceEndsAndItsChannelsAreOpen() throws Exception {
        SpliceFuture splice = splicer.join(near.channel(), far.channel())
                .idleTimeout(Duration.ofMillis(50))
                .start();
        assertThat(done(splice).forward().ending()).isEqualTo(Ending.IDLE);
        assertThat(done(splice).elapsed()).isGreaterThanOrEqualTo(Duration.ofMillis(50));

        near.send(random(10));
        assertThat(near.recorder().bytes(10)).isEqualTo(random(10));
    }

    @Test
    void aSpliceInWhichOneDirectionMovesIsNotIdle() throws Exception {
        SpliceFuture splice = splicer.join(near.channel(), far.channel())
                .idleTimeout(Duration.ofSeconds(1))
                .start();
        long begun = System.nanoTime();
        while (System.nanoTime() - begun < Duration.ofMillis(1500).toNanos()) {
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
        SpliceFuture splice = join();
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

    /** Until ten looks in a row see the same: the sockets and the pipe are full. */
    private static void movesNoMore(SpliceFuture splice) throws InterruptedException {
        long seen = 0;
        for (int same = 0; same < 10; ) {
            TimeUnit.MILLISECONDS.sleep(20);
            same = seen > 0 && splice.movedBytes() == seen ? same + 1 : 0;
            seen = splice.movedBytes();
        }
    }

    @Test
    void aCancelledSpliceEndsAsCancelledWhenItsChannelsAreBack() throws Exception {
        SpliceFuture splice = join();
        near.send(random(10));
        far.receive(10);
        CompletableFuture<Boolean> backInTime = new CompletableFuture<>();
        splice.addListener(ended -> backInTime.complete(
                near.channel().isRegistered() && far.channel().isRegistered()));
        assertThat(splice.cancel(true)).isTrue();

        settled(splice);
        assertThat(splice.isCancelled()).isTrue();
        assertThat(done(backInTime)).isTrue();
        assertThat(splice.movedBytes()).isEqualTo(10);
        assertThat(splice.cancel(true)).as("ended already").isFalse();
        near.send(random(7));
        assertThat(near.recorder().bytes(7)).isEqualTo(random(7));
    }

    @Test
    void channelsMayBeSplicedAgainAfterACancel() throws Exception {
        for (int i = 1; i <= 5; i++) {
            SpliceFuture splice = join();
            near.send(random(i));
            assertThat(far.receive(i)).isEqualTo(random(i));
            splice.cancel(false);
            settled(splice);
        }
        assertThat(near.recorder().events()).as("what handlers were told").isEmpty();
    }

    @Test
    void closingTheSplicerStopsWhatRuns() throws Exception {
        SpliceFuture splice = join();
        near.send(random(10));
        far.receive(10);
        splicer.close();

        assertThat(done(splice).forward().ending()).isEqualTo(Ending.STOPPED);
        assertThatThrownBy(this::join).isInstanceOf(IllegalStateException.class).hasMessageContaining("closed");
    }

    @Test
    void stoppingDoesNotWaitForAPeerThatReadsNothing() throws Exception {
        far.channel().config().setOption(ChannelOption.SO_SNDBUF, 8192);
        onLoop(
                far.channel(),
                () -> far.channel()
                        .writeAndFlush(far.channel().alloc().directBuffer().writeZero(MORE_THAN_SOCKETS_HOLD)));
        SpliceFuture splice = join();
        splice.stop();

        assertThat(done(splice).forward().ending()).isEqualTo(Ending.STOPPED);
        near.send(random(10));
        assertThat(near.recorder().bytes(10)).isEqualTo(random(10));
        assertThat(far.receive(MORE_THAN_SOCKETS_HOLD)).as("written before").containsOnly(0);
    }

    // Connecting.

    @Test
    void whatComesWhileTheSecondIsStillBeingConnectedIsKeptAndSoIsTheEnd() throws Exception {
        ChannelPromise connecting = far.channel().newPromise();
        SpliceFuture splice = splicer.join(near.channel(), connecting).start();
        onLoop(near.channel(), () -> {});
        near.send(random(1000));
        near.peer().shutdownOutput();
        onLoop(far.channel(), connecting::setSuccess);

        assertThat(far.receiveAll()).isEqualTo(random(1000));
        far.peer().shutdownOutput();
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
        near.send(random(10));
        assertThat(near.recorder().bytes(10)).isEqualTo(random(10));
    }

    @Test
    void stoppingDoesNotWaitForTheConnection() throws Exception {
        ChannelPromise connecting = far.channel().newPromise();
        SpliceFuture splice = splicer.join(near.channel(), connecting).start();
        splice.stop();

        assertThat(done(splice).forward().ending()).isEqualTo(Ending.STOPPED);
        connecting.setSuccess();
        far.send(random(10));
        assertThat(far.recorder().bytes(10)).isEqualTo(random(10));
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
