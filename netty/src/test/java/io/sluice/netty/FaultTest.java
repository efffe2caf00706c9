// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Errno;
import io.sluice.kernel.TransferPath;
import io.sluice.kernel.wrap.FaultyKernel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** On a kernel that has bad days, no byte is lost, doubled or out of order. */
final class FaultTest extends TwoWires {
    private static final int BYTES = 3_000_000;

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
            relaysBothWays(onFaulty.join(near.channel(), far.channel()), BYTES, BYTES + 1);
        }
    }

    @Test
    void whereSpliceIsForbiddenTheBytesAreCopied() throws Exception {
        FaultyKernel faulty =
                FaultyKernel.builder(kernel).lacking("splice", Errno.EPERM).build();
        try (Splicer onFaulty = Splicer.on(faulty)) {
            relaysBothWays(onFaulty.join(near.channel(), far.channel()), BYTES, BYTES + 1);
        }
    }

    @Test
    void withoutAPipeTheBytesAreCopiedAndTheResultSaysSo() throws Exception {
        FaultyKernel faulty =
                FaultyKernel.builder(kernel).lacking("pipe2", Errno.EMFILE).build();
        try (Splicer onFaulty = Splicer.on(faulty)) {
            SpliceFuture splice =
                    onFaulty.transfer(near.channel(), far.channel()).limit(1000).start();
            assertRelays(near, far, 1000);
            assertThat(done(splice).forward().bytesByPath()).containsOnlyKeys(TransferPath.COPY);
        }
    }

    @Test
    void withoutADescriptorTheSpliceFailsAndTheChannelsAreBack() throws Exception {
        FaultyKernel faulty = FaultyKernel.builder(kernel).build();
        faulty.follow((name, nth) -> name.equals("fcntl") ? (long) -Errno.EMFILE : null);
        try (Splicer onFaulty = Splicer.on(faulty)) {
            SpliceFuture splice = onFaulty.join(near.channel(), far.channel()).start();
            settled(splice);
            assertThat(splice.cause()).isInstanceOf(SpliceException.class).hasMessageContaining("EMFILE");
            assertHandlersGet(near, 10);
            assertHandlersGet(far, 20);
        }
    }

    @Test
    void withoutAPollerTheSpliceFailsAndTheChannelsAreBack() throws Exception {
        FaultyKernel faulty = FaultyKernel.builder(kernel).build();
        faulty.follow((name, nth) -> name.equals("epoll_create1") ? (long) -Errno.EMFILE : null);
        try (Splicer onFaulty = Splicer.on(faulty)) {
            SpliceFuture splice = onFaulty.join(near.channel(), far.channel()).start();
            settled(splice);
            assertThat(splice.cause()).isInstanceOf(SpliceException.class).hasMessageContaining("epoll_create1");
            assertHandlersGet(near, 10);
        }
    }
}
