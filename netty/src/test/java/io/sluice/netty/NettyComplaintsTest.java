// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.GenericProgressiveFutureListener;
import io.netty.util.concurrent.ProgressiveFuture;
import io.sluice.kernel.TransferPath;
import io.sluice.netty.SpliceResult.Ending;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What people have complained of in Netty's spliceTo, issue by issue; the numbers are those of netty/netty. */
final class NettyComplaintsTest {
    private static final int MEGABYTE = 1 << 20;

    /** 3760: the design. Lengths of 32 bits, one of which meant "for ever"; no progress; one event loop. */
    @Nested
    class Issue3760 extends NettyFixture {
        @Test
        void lengthsMayExceedTwoGigabytes() throws Exception {
            long limit = (1L << 31) + 1;
            Wire wire = wire(0);
            SpliceFuture splice = splicer.transfer(wire.channel(), Path.of("/dev/null"), 0)
                    .limit(limit)
                    .start();
            CompletableFuture<Void> sent = sending(wire, new byte[MEGABYTE], limit + 10);
            assertThat(splice.await(50, TimeUnit.SECONDS)).isTrue();

            assertThat(splice.getNow().forward().bytes()).isEqualTo(limit);
            assertThat(splice.getNow().forward().ending()).isEqualTo(Ending.LIMIT_REACHED);
            done(sent);
            assertThat(wire.recorder().bytes(10)).as("what follows the limit").hasSize(10);
        }

        @Test
        void withoutALimitTheEndOfTheSourceDecides() throws Exception {
            Wire near = wire(0);
            Wire far = wire(0);
            SpliceFuture splice = splicer.join(near.channel(), far.channel()).start();
            near.send(random(MEGABYTE));
            near.peer().shutdownOutput();

            assertThat(far.receiveAll()).isEqualTo(random(MEGABYTE));
            far.peer().shutdownOutput();
            assertThat(done(splice).forward().ending()).isEqualTo(Ending.SOURCE_ENDED);
        }

        @Test
        void progressIsTold() throws Exception {
            List<String> told = new CopyOnWriteArrayList<>();
            Wire near = wire(0);
            Wire far = wire(0);
            SpliceFuture splice = splicer.transfer(near.channel(), far.channel())
                    .limit(2L * MEGABYTE)
                    .progressInterval(Duration.ZERO)
                    .start();
            splice.addListener(new GenericProgressiveFutureListener<ProgressiveFuture<SpliceResult>>() {
                @Override
                public void operationProgressed(ProgressiveFuture<SpliceResult> future, long progress, long total) {
                    told.add(progress + " of " + total);
                }

                @Override
                public void operationComplete(ProgressiveFuture<SpliceResult> future) {
                    told.add("complete");
                }
            });
            CompletableFuture<byte[]> received = receiving(far.peer(), 2 * MEGABYTE);
            done(sending(near, random(MEGABYTE), 2 * MEGABYTE));
            done(received);
            done(splice);

            eventually(() -> told.contains("complete"));
            assertThat(told).hasSizeGreaterThan(2).endsWith("2097152 of 2097152", "complete");
            assertThat(told.getFirst()).as("told on the way").doesNotStartWith("2097152 ");
        }

        @Test
        void theChannelsMayBelongToDifferentEventLoops() throws Exception {
            Wire near = wire(0);
            Wire far = wire(1);
            assertThat(near.channel().eventLoop()).isNotEqualTo(far.channel().eventLoop());
            SpliceFuture splice = splicer.join(near.channel(), far.channel()).start();
            near.send(random(1000));
            assertThat(far.receive(1000)).isEqualTo(random(1000));
            far.send(random(2000));
            assertThat(near.receive(2000)).isEqualTo(random(2000));
            splice.stop();

            SpliceResult result = done(splice);
            assertThat(result.forward().bytes()).isEqualTo(1000);
            assertThat(result.back().bytes()).isEqualTo(2000);
        }
    }

    /** 12123: when the peer closed, channelInactive never came, and the event loop spun. */
    @Nested
    class Issue12123 extends NettyFixture {
        @Test
        void channelInactiveComesWhenThePeersHaveClosed() throws Exception {
            Wire near = wire(0);
            Wire far = wire(1);
            SpliceFuture splice = splicer.join(near.channel(), far.channel()).start();
            near.send(random(10));
            far.receive(10);
            near.peer().close();
            far.peer().close();

            settled(splice);
            assertThat(near.recorder().saw("inactive")).isTrue();
            assertThat(far.recorder().saw("inactive")).isTrue();
        }

        @Test
        void nothingSpinsWhileOnePeerHasClosedItsSideAndTheOtherIsQuiet() throws Exception {
            Wire near = wire(0);
            Wire far = wire(1);
            SpliceFuture splice = splicer.join(near.channel(), far.channel()).start();
            near.peer().shutdownOutput();
            assertThat(far.receiveAll()).isEmpty();
            eventually(() -> !callsAreBeingMade());

            Map<String, Long> before = kernel.calls();
            TimeUnit.MILLISECONDS.sleep(300); // the time that is looked at
            assertThat(kernel.calls()).as("calls in 300 ms of silence").isEqualTo(before);

            far.send(random(10));
            assertThat(near.receive(10)).isEqualTo(random(10));
            splice.stop();
            done(splice);
        }

        private boolean callsAreBeingMade() {
            Map<String, Long> before = kernel.calls();
            try {
                TimeUnit.MILLISECONDS.sleep(20);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            return !kernel.calls().equals(before);
        }
    }

    /** 13690: a splice that was begun in channelRead got stuck, and what had been read was lost. */
    @Nested
    class Issue13690 extends NettyFixture {
        @Test
        void aSpliceMayBeginInChannelRead() throws Exception {
            Wire far = wire(1);
            CompletableFuture<SpliceFuture> started = new CompletableFuture<>();
            Wire near = wire(0, new SplicingProxy(far.channel(), started));
            byte[] request = random(3 * MEGABYTE + 17);
            CompletableFuture<Void> sent = sending(near, request, request.length);

            assertThat(far.receive(request.length)).isEqualTo(request);
            done(sent);
            far.send(random(1000));
            assertThat(near.receive(1000)).isEqualTo(random(1000));
            done(started).stop();
            assertThat(done(done(started)).forward().leftoverBytes()).isZero();
        }

        @Test
        void aRequestWhoseEndComesWithItIsAnsweredAllTheSame() throws Exception {
            Wire far = wire(1);
            CompletableFuture<SpliceFuture> started = new CompletableFuture<>();
            Wire near = wire(0, new SplicingProxy(far.channel(), started));
            near.send(random(100_000));
            near.peer().shutdownOutput();

            assertThat(far.receiveAll()).isEqualTo(random(100_000));
            far.send(random(1000));
            far.peer().close();
            assertThat(near.receiveAll()).isEqualTo(random(1000));
            settled(done(started));
            assertThat(near.recorder().saw("inactive")).isTrue();
        }

        /** As one would write a proxy: what has been read goes first, the rest is spliced. */
        @SuppressWarnings("FutureReturnValueIgnored") // what matters is what arrives
        private final class SplicingProxy extends ChannelInboundHandlerAdapter {
            private final Channel backend;
            private final CompletableFuture<SpliceFuture> started;

            SplicingProxy(Channel backend, CompletableFuture<SpliceFuture> started) {
                this.backend = backend;
                this.started = started;
            }

            @Override
            public void channelRead(ChannelHandlerContext ctx, Object message) {
                backend.write(message);
                ctx.pipeline().remove(this);
                started.complete(splicer.join(ctx.channel(), backend).start());
            }
        }
    }

    /** 15907: splice for all channels, in both directions; and what is refused says why. */
    @Nested
    class Issue15907 extends NettyFixture {
        @Test
        void twoChannelsAreJoinedInBothDirectionsAtOnce() throws Exception {
            Wire near = wire(0);
            Wire far = wire(1);
            SpliceFuture splice = splicer.join(near.channel(), far.channel()).start();
            byte[] there = random(5 * MEGABYTE);
            byte[] back = random(7 * MEGABYTE);
            CompletableFuture<byte[]> arrivedThere = receiving(far.peer(), there.length);
            CompletableFuture<byte[]> arrivedBack = receiving(near.peer(), back.length);
            CompletableFuture<Void> sentThere = sending(near, there, there.length);
            CompletableFuture<Void> sentBack = sending(far, back, back.length);

            assertThat(done(arrivedThere)).isEqualTo(there);
            assertThat(done(arrivedBack)).isEqualTo(back);
            done(sentThere);
            done(sentBack);
            near.peer().shutdownOutput();
            far.peer().shutdownOutput();
            SpliceResult result = done(splice);
            assertThat(result.bytes()).isEqualTo(12L * MEGABYTE);
            assertThat(result.back().ending()).isEqualTo(Ending.SOURCE_ENDED);
        }

        @Test
        void aChannelOfAnotherTransportIsRefusedWithAdvice() throws Exception {
            Wire wire = wire(0);
            try (MultiThreadIoEventLoopGroup nio = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory())) {
                Channel other = new NioSocketChannel();
                nio.register(other).sync();
                SpliceFuture splice = splicer.join(wire.channel(), other).start();
                settled(splice);
                assertThat(splice.cause())
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining("EpollSocketChannel")
                        .hasMessageContaining("EpollIoHandler.newFactory()");
                other.close().sync();
            }
            wire.send(random(10));
            assertThat(wire.recorder().bytes(10))
                    .as("the other channel reads on")
                    .isEqualTo(random(10));
        }
    }

    /** 17531: why take splice away, when it is so much faster for a relay in the clear? */
    @Nested
    class Issue17531 extends NettyFixture {
        @Test
        void aResponseOfAMegabyteIsRelayedWithoutACopy() throws Exception {
            Wire near = wire(0);
            Wire far = wire(0);
            SpliceFuture splice = splicer.join(near.channel(), far.channel()).start();
            for (int i = 0; i < 20; i++) {
                near.send(random(100));
                far.receive(100);
                CompletableFuture<byte[]> response = receiving(near.peer(), MEGABYTE);
                far.send(random(MEGABYTE));
                assertThat(done(response)).isEqualTo(random(MEGABYTE));
            }
            splice.stop();

            SpliceResult result = done(splice);
            assertThat(result.forward().bytesByPath()).isEqualTo(Map.of(TransferPath.SPLICE, 2000L));
            assertThat(result.back().bytesByPath()).isEqualTo(Map.of(TransferPath.SPLICE, 20L * MEGABYTE));
            assertThat(result.back().userSpaceBytes()).isZero();
        }
    }
}
