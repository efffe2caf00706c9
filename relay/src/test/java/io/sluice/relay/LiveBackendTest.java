// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetSocketAddress;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a backend is given while its state changes. */
class LiveBackendTest {
    private static final long SLOW_START = 1000;

    private static LiveBackend backend(int weight) throws ConfigException {
        Address address = Address.parse("192.0.2.1:5432");
        return new LiveBackend(new Backend("db", address, weight, false, ProxyProtocol.NONE));
    }

    @Test
    void oneThatComesBackGetsItsShareLittleByLittle() throws Exception {
        LiveBackend backend = backend(2);
        assertThat(backend.weight(SLOW_START, 0)).as("one that was never down").isEqualTo(512);
        backend.healthy(false, false, 0);
        backend.healthy(true, true, 5000);
        assertThat(backend.weight(SLOW_START, 5000)).as("at once").isEqualTo(51);
        assertThat(backend.weight(SLOW_START, 5500)).as("half-way").isEqualTo(256);
        assertThat(backend.weight(SLOW_START, 6000)).as("in the end").isEqualTo(512);
        backend.healthy(true, true, 5900);
        assertThat(backend.weight(SLOW_START, 6000))
                .as("after more good checks")
                .isEqualTo(512);
    }

    @Test
    void oneWithoutAnAddressOrDrainedGetsNothing() throws Exception {
        LiveBackend backend = backend(1);
        assertThat(backend.isUp()).isFalse();
        assertThat(backend.nextAddress()).isNull();
        backend.resolved(List.of(new InetSocketAddress("192.0.2.1", 5432)));
        assertThat(backend.isUp()).isTrue();
        backend.drain(true);
        assertThat(backend.isUp()).isFalse();
        backend.drain(false);
        assertThat(backend.isUp()).isTrue();
    }

    @Test
    void severalAddressesTakeTurns() throws Exception {
        LiveBackend backend = backend(1);
        InetSocketAddress one = new InetSocketAddress("192.0.2.1", 5432);
        InetSocketAddress other = new InetSocketAddress("192.0.2.2", 5432);
        backend.resolved(List.of(one, other));
        assertThat(List.of(backend.nextAddress(), backend.nextAddress(), backend.nextAddress()))
                .isEqualTo(List.of(one, other, one));
    }
}
