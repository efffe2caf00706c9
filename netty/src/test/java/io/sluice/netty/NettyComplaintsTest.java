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

/**
 * What people have complained of in Netty's spliceTo, issue by issue; the numbers are those of netty/netty. The guide
 * lists them, and {@link GuideTest} holds it to that.
 */
final class NettyComplaintsTest {
    private static final int MEGABYTE = 1 << 20;

    /** 3760: the design. Lengths of 32 bits, one of which meant "for ever"; no progress; one event loop. */
    @Nested
    class Issue3760 extends TwoWires {
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
            SpliceFuture splice = join().start();
            near.send(random(MEGABYTE));
            near.end();

            assertThat(far.receiveAll()).isEqualTo(random(MEGABYTE));
            far.end();
            assertThat(done(splice).forward().ending()).isEqualTo(Ending.SOURCE_ENDED);
        }

        @Test
        void progressIsTold() throws Exception {
            List<String> told = new CopyOnWriteArrayList<>();
            SpliceFuture splice = transfer()
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
            assertThat(near.channel().eventLoop()).isNotEqualTo(far.channel().eventLoop());
            SpliceFuture splice = join().start();
            assertRelays(near, far, 1000);
            assertRelays(far, near, 2000);
            splice.stop();

            SpliceResult result = done(splice);
            assertThat(result.forward().bytes()).isEqualTo(1000);
            assertThat(result.back().bytes()).isEqualTo(2000);
        }
    }

    /** 12123: when the peer closed, channelInactive never came, and the event loop spun. */
    @Nested
    class Issue12123 extends TwoWires {
        @Test
        void channelInactiveComesWhenThePeersHaveClosed() throws Exception {
            SpliceFuture splice = running(join());
            near.peer().close();
            far.peer().close();

            settled(splice);
            assertThat(near.recorder().saw("inactive")).isTrue();
            assertThat(far.recorder().saw("inactive")).isTrue();
        }

        @Test
        void nothingSpinsWhileOnePeerHasClosedItsSideAndTheOtherIsQuiet() throws Exception {
            SpliceFuture splice = join().start();
            near.end();
            assertThat(far.receiveAll()).isEmpty();
            assertThat(eventually(this::nothingIsCalled)).as("silence").isTrue();

            assertRelays(far, near, 10);
            stopped(splice);
        }

        /** In as long as is looked at; who spins never comes to that. */
        private boolean nothingIsCalled() {
            Map<String, Long> before = kernel.calls();
            try {
                TimeUnit.MILLISECONDS.sleep(300);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            return kernel.calls().equals(before);
        }
    }

    /** 13690: a splice that was begun in channelRead got stuck, and what had been read was lost. */
    @Nested
    class Issue13690 extends TwoWires {
        @Test
        void aSpliceMayBeginInChannelRead() throws Exception {
            CompletableFuture<SpliceFuture> started = new CompletableFuture<>();
            Wire client = wire(0, new SplicingProxy(far.channel(), started));
            byte[] request = random(3 * MEGABYTE + 17);
            CompletableFuture<Void> sent = sending(client, request, request.length);

            assertThat(far.receive(request.length)).isEqualTo(request);
            done(sent);
            assertRelays(far, client, 1000);
            done(started).stop();
            assertThat(done(done(started)).forward().leftoverBytes()).isZero();
        }

        @Test
        void aRequestWhoseEndComesWithItIsAnsweredAllTheSame() throws Exception {
            CompletableFuture<SpliceFuture> started = new CompletableFuture<>();
            Wire client = wire(0, new SplicingProxy(far.channel(), started));
            client.send(random(100_000));
            client.peer().shutdownOutput();

            assertThat(far.receiveAll()).isEqualTo(random(100_000));
            far.send(random(1000));
            far.peer().close();
            assertThat(client.receiveAll()).isEqualTo(random(1000));
            settled(done(started));
            assertThat(client.recorder().saw("inactive")).isTrue();
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

    /** 15907: sockets to sockets, for other transports as well; and what is refused says why. */
    @Nested
    class Issue15907 extends TwoWires {
        @Test
        void twoChannelsAreJoinedInBothDirectionsAtOnce() throws Exception {
            SpliceResult result = relaysBothWays(join(), 5 * MEGABYTE, 7 * MEGABYTE);
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
    class Issue17531 extends TwoWires {
        @Test
        void aResponseOfAMegabyteIsRelayedWithoutACopy() throws Exception {
            SpliceFuture splice = join().start();
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
