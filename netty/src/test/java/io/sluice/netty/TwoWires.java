// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;

/** Two connections on two event loops, to be spliced together. */
abstract class TwoWires extends NettyFixture {
    Wire near;
    Wire far;

    @BeforeEach
    final void connect() throws Exception {
        near = wire(0);
        far = wire(1);
    }

    ChannelSplice join() {
        return splicer.join(near.channel(), far.channel());
    }

    ChannelSplice transfer() {
        return splicer.transfer(near.channel(), far.channel());
    }

    /** A splice that was started and has moved its first ten bytes. */
    SpliceFuture running(ChannelSplice described) throws Exception {
        SpliceFuture splice = described.start();
        assertRelays(near, far, 10);
        return splice;
    }

    /** Bulk in both directions at once, to the end of both. */
    SpliceResult relaysBothWays(ChannelSplice described, int bytesThere, int bytesBack) throws Exception {
        SpliceFuture splice = described.start();
        CompletableFuture<byte[]> there = receiving(far.peer(), bytesThere);
        CompletableFuture<byte[]> back = receiving(near.peer(), bytesBack);
        CompletableFuture<Void> sentThere = sending(near, random(bytesThere));
        CompletableFuture<Void> sentBack = sending(far, random(bytesBack));
        assertThat(done(there)).isEqualTo(random(bytesThere));
        assertThat(done(back)).isEqualTo(random(bytesBack));
        done(sentThere);
        done(sentBack);
        near.end();
        far.end();
        SpliceResult result = done(splice);
        assertThat(result.forward().bytes()).isEqualTo(bytesThere);
        assertThat(result.back().bytes()).isEqualTo(bytesBack);
        return result;
    }

    static void assertRelays(Wire from, Wire to, int bytes) throws Exception {
        from.send(random(bytes));
        assertThat(to.receive(bytes)).isEqualTo(random(bytes));
    }

    /** The channel is in its pipeline, and reads. */
    static void assertHandlersGet(Wire wire, int bytes) throws Exception {
        wire.send(random(bytes));
        assertThat(wire.recorder().bytes(bytes)).isEqualTo(random(bytes));
    }

    /** Handlers write, and the peer gets it. */
    static void assertHandlersSend(Wire wire, int bytes) throws Exception {
        done(wire.channel().writeAndFlush(wire.channel().alloc().buffer().writeBytes(random(bytes))));
        assertThat(wire.receive(bytes)).isEqualTo(random(bytes));
    }

    static SpliceResult stopped(SpliceFuture splice) throws Exception {
        splice.stop();
        return done(splice);
    }
}
