// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LocationTest {
    @Test
    void isAStandardStreamAFileOrASocket() {
        assertThat(Location.parse("-")).isEqualTo(new Location.Standard());
        assertThat(Location.parse("a/b")).isEqualTo(new Location.Named(Path.of("a/b")));
        assertThat(Location.parse("tcp://example.org:80")).isEqualTo(new Location.Tcp("example.org", 80));
        assertThat(Location.parse("tcp://[::1]:65535")).isEqualTo(new Location.Tcp("::1", 65535));
        assertThat(Location.parse("tcp-listen://localhost:9000")).isEqualTo(new Location.TcpListen("localhost", 9000));
        assertThat(Location.parse("unix:/run/s")).isEqualTo(new Location.Unix(Path.of("/run/s")));
        assertThat(Location.parse("unix-listen:s")).isEqualTo(new Location.UnixListen(Path.of("s")));
    }

    @Test
    void aListenerMayLeaveTheHostOrThePortOpen() {
        assertThat(Location.parse("tcp-listen://:9000")).isEqualTo(new Location.TcpListen("", 9000));
        assertThat(Location.parse("tcp-listen://:0")).isEqualTo(new Location.TcpListen("", 0));
    }

    @Test
    void aFileMayHaveAnyNameWhenADirectoryStandsBeforeIt() {
        assertThat(Location.parse("./tcp://x")).isEqualTo(new Location.Named(Path.of("./tcp://x")));
        assertThat(Location.parse("./-")).isEqualTo(new Location.Named(Path.of("./-")));
        assertThat(Location.parse("dir:file")).isEqualTo(new Location.Named(Path.of("dir:file")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"12:30", "backup-2026-11-23T12:05", "a:b:9000", "a:9000x", "./localhost:9000"})
    void aNameWithAColonIsNotYetAnAddress(String name) {
        assertThat(Location.parse(name)).isEqualTo(new Location.Named(Path.of(name)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "tcp://:80 | names no host; for this machine: tcp://localhost:80",
                "tcp://host | should look like tcp://HOST:PORT",
                "tcp:host:80 | should look like tcp://HOST:PORT",
                "tcp-listen:80 | should look like tcp-listen://HOST:PORT, or tcp-listen://:9000 for every address",
                "tcp://host: | not a port: ''",
                "tcp://host:http | not a port: 'http'",
                "tcp://host:0 | not a port: '0'",
                "tcp://host:65536 | not a port: '65536'",
                "tcp://host:-1 | not a port: '-1'",
                "tcp://host:+1 | not a port: '+1'",
                "tcp://::1:80 | an IPv6 address goes in brackets, as in tcp://[::1]:9000",
                "unix: | names no path",
                "udp://host:53 | there is no udp://; there are tcp://",
                "https://example.org/x | there is no https://",
                "localhost:9000 | the address is tcp://localhost:9000, a file of this name ./localhost:9000",
                "db_1.example.org:5432 | the address is tcp://db_1.example.org:5432",
                "10.0.0.7:80 | the address is tcp://10.0.0.7:80",
                "[::1]:80 | the address is tcp://[::1]:80",
                ":9000 | the address is tcp-listen://:9000, a file of this name ./:9000",
                "'' | an empty name names no file",
            })
    void whatMakesNoSenseIsExplained(String word, String complaint) {
        assertThatExceptionOfType(Misuse.class)
                .isThrownBy(() -> Location.parse(word))
                .withMessageContaining(complaint);
    }
}
