// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.Listener;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.wrap.FaultyKernel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

/**
 * Thousands of connections that come and go in every way. {@code -Dchurn.connections} says how many,
 * {@code -Dchurn.seed} which; bench/full/relay-soak.sh does the same to a relay in a process of its own.
 */
abstract class ChurnContract extends RelayFixture {
    private static final int CONNECTIONS = Integer.getInteger("churn.connections", 2000);
    private static final long SEED =
            Long.getLong("churn.seed", ThreadLocalRandom.current().nextLong(1L << 48));
    private static final int CLIENTS = 8;

    /** What is open, of which a relay that has ended leaves nothing. */
    abstract List<String> descriptors();

    @Test
    void allBytesAgreeWhateverTheEndsDo() throws Exception {
        churn(kernel, 64); // by then everything is open that stays open
        List<String> before = descriptors();
        churn(kernel, CONNECTIONS);
        await("descriptors are those of before", () -> descriptors().equals(before));
    }

    @Test
    void allBytesAgreeWhenTheKernelInterruptsAndDawdles() throws Exception {
        churn(
                FaultyKernel.builder(kernel)
                        .seed(SEED)
                        .often(Errno.EINTR, 0.02)
                        .delays(0.01, Duration.ofMillis(2))
                        .build(),
                CONNECTIONS / 4);
    }

    private void churn(Kernel ofTheRelay, int connections) throws Exception {
        Listener backend = keep(sluice.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)));
        int port = ((InetSocketAddress) backend.localAddress()).getPort();
        Route route = Route.named("churn")
                .listen(new Listen(ANYWHERE, null, null, null, List.of(Cidr.parse("127.0.0.0/8"))))
                .to(Backend.at(new Address.Tcp("127.0.0.1", port)))
                .build();
        logs.clear();
        Churn churn = new Churn(sluice, SEED, connections);
        try (Relay relay = Relay.start(ofTheRelay, new Config(List.of(route), 2, 0), logs::add)) {
            churn.start(relay.addresses().get(ANYWHERE), backend, CLIENTS);
            churn.awaitClients(() -> {});
            await("all sessions are over", () -> relay.sessions() == 0);
            churn.close(backend);
        } // with it the last line is written
        Map<String, Churn.Line> lines = new HashMap<>();
        logs.forEach(log -> lines.put(
                log.client().substring(0, log.client().indexOf(':')),
                new Churn.Line(log.bytesUp(), log.bytesDown(), log.termination().toString())));
        assertThat(churn.complaints(lines)).as(churn.summary()).isEmpty();
        assertThat(logs.size()).as("one line each").isLessThanOrEqualTo(connections);
    }

    private static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as(what).isLessThan(deadline);
            TimeUnit.MILLISECONDS.sleep(1);
        }
    }
}
