// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class SampleTest {
    private static final SocketAddress UNIX = UnixDomainSocketAddress.of("");

    private static SocketAddress source(int number) {
        try {
            byte[] address = {10, (byte) (number >> 16), (byte) (number >> 8), (byte) number};
            return new InetSocketAddress(InetAddress.getByAddress(address), 40_000 + number % 1000);
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void ofSessionsIsExactlyThePart() throws Exception {
        Sample sample = Sample.parse("3/20");
        assertThat(IntStream.range(0, 2000).filter(i -> sample.takes(source(1), i)))
                .hasSize(300);
    }

    @Test
    void ofSourcesTakesAllSessionsOfOneOrNone() throws Exception {
        Sample sample = Sample.parse("source:1/20");
        List<Integer> taken = IntStream.range(0, 20_000)
                .filter(i -> sample.takes(source(i), 0))
                .boxed()
                .toList();
        assertThat(taken).hasSizeBetween(800, 1200);
        assertThat(taken)
                .allSatisfy(i -> assertThat(sample.takes(source(i), i + 7)).isTrue());
    }

    @Test
    void ofABlockTakesWhatComesFromThere() throws Exception {
        Sample sample = Sample.parse("10.0.1.0/24,10.0.3.0/24");
        assertThat(sample.takes(source(0x105), 9)).isTrue();
        assertThat(sample.takes(source(0x205), 9)).isFalse();
        assertThat(sample.takes(source(0x305), 9)).isTrue();
        assertThat(sample.takes(UNIX, 9))
                .as("who has no address is in no block")
                .isFalse();
    }

    @Test
    void severalConditionsHaveAllToHold() throws Exception {
        Sample sample = Sample.parse("1/2,10.0.1.0/24");
        assertThat(sample.takes(source(0x105), 0)).isTrue();
        assertThat(sample.takes(source(0x105), 1)).isFalse();
        assertThat(sample.takes(source(0x205), 0)).isFalse();
    }

    @Test
    void allIsEverySession() {
        assertThat(Sample.ALL.takes(UNIX, Long.MAX_VALUE)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "5%", "0/2", "3/2", "1/0", "1/2,", "source:", "source:x", "10.0.0.0/99", "9999999999/2"})
    void nonsenseIsRefused(String text) {
        assertThatThrownBy(() -> Sample.parse(text)).isInstanceOf(ConfigException.class);
    }
}
