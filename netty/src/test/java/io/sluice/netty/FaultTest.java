// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Errno;
import io.sluice.kernel.TransferPath;
import io.sluice.kernel.wrap.FaultyKernel;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** On a kernel that has bad days, no byte is lost, doubled or out of order. */
final class FaultTest extends NettyFixture {
    private static final int BYTES = 3_000_000;

    private void relays(Splicer faulty, Wire near, Wire far) throws Exception {
        SpliceFuture splice = faulty.join(near.channel(), far.channel()).start();
        CompletableFuture<byte[]> there = receiving(far.peer(), BYTES);
        CompletableFuture<byte[]> back = receiving(near.peer(), BYTES + 1);
        CompletableFuture<Void> sentThere = sending(near, random(BYTES));
        CompletableFuture<Void> sentBack = sending(far, random(BYTES + 1));
        assertThat(done(there)).isEqualTo(random(BYTES));
        assertThat(done(back)).isEqualTo(random(BYTES + 1));
        done(sentThere);
        done(sentBack);
        near.peer().shutdownOutput();
        far.peer().shutdownOutput();
        SpliceResult result = done(splice);
        assertThat(result.forward().bytes()).isEqualTo(BYTES);
        assertThat(result.back().bytes()).isEqualTo(BYTES + 1);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void interruptionsAndShortCountsChangeNothing(long seed) throws Exception {
        FaultyKernel faulty = FaultyKernel.builder(kernel)
                .seed(seed)
                .often(Errno.EINTR, 0.05)
                .often(Errno.EAGAIN, 0.05)
                .shorter(0.2)
                .build();
        try (Splicer onFaulty = Splicer.on(faulty)) {
            relays(onFaulty, wire(0), wire(1));
        }
    }

    @Test
    void whereSpliceIsForbiddenTheBytesAreCopied() throws Exception {
        FaultyKernel faulty =
                FaultyKernel.builder(kernel).lacking("splice", Errno.EPERM).build();
        try (Splicer onFaulty = Splicer.on(faulty)) {
            relays(onFaulty, wire(0), wire(1));
        }
    }

    @Test
    void withoutAPipeTheBytesAreCopiedAndTheResultSaysSo() throws Exception {
        FaultyKernel faulty =
                FaultyKernel.builder(kernel).lacking("pipe2", Errno.EMFILE).build();
        try (Splicer onFaulty = Splicer.on(faulty)) {
            Wire near = wire(0);
            Wire far = wire(1);
            SpliceFuture splice =
                    onFaulty.transfer(near.channel(), far.channel()).limit(1000).start();
            near.send(random(1000));
            assertThat(far.receive(1000)).isEqualTo(random(1000));
            assertThat(done(splice).forward().bytesByPath()).containsOnlyKeys(TransferPath.COPY);
        }
    }

    @Test
    void withoutADescriptorTheSpliceFailsAndTheChannelsAreBack() throws Exception {
        FaultyKernel faulty = FaultyKernel.builder(kernel).build();
        faulty.follow((name, nth) -> name.equals("fcntl") ? (long) -Errno.EMFILE : null);
        try (Splicer onFaulty = Splicer.on(faulty)) {
            Wire near = wire(0);
            Wire far = wire(1);
            SpliceFuture splice = onFaulty.join(near.channel(), far.channel()).start();
            settled(splice);
            assertThat(splice.cause()).isInstanceOf(SpliceException.class).hasMessageContaining("EMFILE");
            near.send(random(10));
            assertThat(near.recorder().bytes(10)).isEqualTo(random(10));
            far.send(random(20));
            assertThat(far.recorder().bytes(20)).isEqualTo(random(20));
        }
    }

    @Test
    void withoutAPollerTheSpliceFailsAndTheChannelsAreBack() throws Exception {
        FaultyKernel faulty = FaultyKernel.builder(kernel).build();
        faulty.follow((name, nth) -> name.equals("epoll_create1") ? (long) -Errno.EMFILE : null);
        try (Splicer onFaulty = Splicer.on(faulty)) {
            Wire near = wire(0);
            Wire far = wire(1);
            SpliceFuture splice = onFaulty.join(near.channel(), far.channel()).start();
            settled(splice);
            assertThat(splice.cause()).isInstanceOf(SpliceException.class).hasMessageContaining("epoll_create1");
            near.send(random(10));
            assertThat(near.recorder().bytes(10)).isEqualTo(random(10));
        }
    }
}
