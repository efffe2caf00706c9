// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.sluice.WhenFull;
import io.sluice.relay.Address;
import io.sluice.relay.Admin;
import io.sluice.relay.Balance;
import io.sluice.relay.Config;
import io.sluice.relay.Mirror;
import io.sluice.relay.PathChoice;
import io.sluice.relay.ProxyProtocol;
import io.sluice.relay.Route;
import io.sluice.relay.Sample;
import io.sluice.relay.record.Recording;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The command line of {@code sluice relay}. */
class RelayOptionsTest {
    private static Config config(String line) {
        return Objects.requireNonNull(
                RelayOptions.parse(List.of(line.split(" "))).config());
    }

    @Test
    void aRecordingNeedsNoMoreThanADirectory() {
        Config usual = config("--listen :1 --to db:1 --record d");
        assertThat(usual.recording()).isEqualTo(Recording.in(Path.of("d")));
        assertThat(usual.recorded()).isEqualTo(Sample.ALL);
        Config other = config("--listen :1 --to db:1 --record d --record-rotate 2M --record-rotate-age 5m"
                + " --record-limit 1G --record-when-full block --record-buffer 8M --record-sample 1/7");
        assertThat(other.recording())
                .isEqualTo(new Recording(
                        Path.of("d"), 2 << 20, Duration.ofMinutes(5), 1 << 30, Recording.WhenFull.BLOCK, 8 << 20));
        assertThat(other.recorded().whole()).isEqualTo(7);
    }

    @Test
    void mirrorsAreOfRequestsOrOfResponses() {
        Route usual = config("--listen :1 --to db:1 --mirror next:1").routes().getFirst();
        assertThat(usual.mirrors()).containsExactly(Mirror.to(new Address.Tcp("next", 1)));
        Route other = config(
                        "--listen :1 --to db:1 --mirror next:1 --mirror-responses audit:2 --mirror-sample source:1/20"
                                + " --mirror-buffer 4M --mirror-when-full block --mirror-send-proxy v1")
                .routes()
                .getFirst();
        assertThat(other.mirrors())
                .extracting(Mirror::name, Mirror::of)
                .containsExactly(tuple("next:1", Mirror.Of.REQUESTS), tuple("audit:2", Mirror.Of.RESPONSES));
        assertThat(other.mirrors()).allSatisfy(each -> {
            assertThat(each.sample()).isEqualTo(new Sample(1, 20, true, List.of()));
            assertThat(each.bufferBytes()).isEqualTo(4 << 20);
            assertThat(each.whenFull()).isEqualTo(WhenFull.BLOCK);
            assertThat(each.target().proxy()).isEqualTo(ProxyProtocol.V1);
        });
    }

    @Test
    void oneRouteFitsOnALine() {
        Route route = config("--listen :5432 --to db1:5432,weight=3 --to db2:5432 --backup db3:5432"
                        + " --balance source-hash --tries 2 --path splice --send-proxy v2 --proxy-from 10.0.0.0/8"
                        + " --limit 7 --queue 3 --rate 1M --idle-timeout 10m --health 500ms")
                .routes()
                .getFirst();
        assertThat(route.backends()).extracting(each -> each.weight()).containsExactly(3, 1, 1);
        assertThat(route.backends()).extracting(each -> each.backup()).containsExactly(false, false, true);
        assertThat(route.backends()).extracting(each -> each.proxy()).containsOnly(ProxyProtocol.V2);
        assertThat(route.listens().getFirst().proxyFrom()).hasToString("[10.0.0.0/8]");
        assertThat(route.balance()).isEqualTo(Balance.SOURCE_HASH);
        assertThat(route.path()).isEqualTo(PathChoice.SPLICE);
        assertThat(route.tries()).isEqualTo(2);
        assertThat(route.limits().sessions()).isEqualTo(7);
        assertThat(route.limits().queue()).isEqualTo(3);
        assertThat(route.limits().sessionBytesPerSecond()).isEqualTo(1 << 20);
        assertThat(route.timeouts().idle()).isEqualTo(Duration.ofMinutes(10));
        assertThat(Objects.requireNonNull(route.health()).interval()).isEqualTo(Duration.ofMillis(500));
    }

    @Test
    void aRelayCanBeLookedAtAndFollowed() {
        Config config = config("--listen :1 --to db:1 --admin :9090 --admin-token-file t --handover /run/next");
        assertThat(config.admin()).isEqualTo(new Admin(new Address.Tcp("", 9090), Path.of("t")));
        assertThat(config.handover()).isEqualTo(Path.of("/run/next"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    --listen :1 --to db:1 --admin unix:/a | --admin: host:port or :port
                    --listen :1 --to db:1 --admin-token-file t | say where the admin address is
                    --listen :1 --to db:1 --mirror-sample 1/2 | --mirror-sample: say where the mirror is
                    --listen :1 --to db:1 --mirror a:1 --mirror-sample half | --mirror-sample: not a sample: 'half'
                    --listen :1 --to db:1 --mirror a | --mirror: not an address
                    --listen :1 --to db:1 --mirror a:1 --mirror a:1 | two mirrors named a:1
                    --listen :1 --to db:1 --mirror a:1 --mirror-buffer 0 | needs a buffer
                    --listen :1 --to db:1 --record-limit 1G | --record-limit: say where to record to
                    --listen :1 --to db:1 --record d --record-when-full later | --record-when-full: 'later' is none of gap, block
                    --listen :1 --to db:1 --record d --record-rotate 1K | files have at least 1 MiB
                    --to db:1 | say where from and where to
                    --listen :1 | say where from and where to
                    --listen :1 --to db:1 more | what is 'more'
                    --listen :99999 --to db:1 | not an address: ':99999'
                    --listen :1 --to db | not an address: 'db'
                    --listen :1 --to db:1,weight=many | --to weight: not a whole number
                    --listen :1 --to db:1 --balance random | --balance: 'random' is none of round-robin
                    --listen :1 --to db:1 --idle-timeout 5 | --idle-timeout: not a time: '5'
                    --listen :1 --to db:1 --allow 10.0.0.1/8 | bits behind its prefix
                    --listen :1 --to db:1 --to db:1 | two backends named db:1
                    --listen :1 --listen :1 --to db:1 | listens twice at :1
                    --config a.yaml --listen :1 | with --config that is said in the file
                    """)
    void whatMakesNoSenseIsRefused(String line, String complaint) {
        assertThatThrownBy(() -> RelayOptions.parse(List.of(line.split(" "))))
                .isInstanceOf(Misuse.class)
                .hasMessageContaining(complaint);
    }

    @Test
    void aFileIsCheckedWithoutListening(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("sluice.yaml");
        Files.writeString(file, "routes: [{name: a, listen: [':1'], to: ['db:1']}]");
        Ran good = Ran.sluice("relay", "--config", file.toString(), "--check");
        assertThat(good.code()).isZero();
        assertThat(good.out()).contains("the configuration is good: 1 route");
        Files.writeString(file, "routes: [{name: a, listen: [':1'], too: ['db:1']}]");
        Ran bad = Ran.sluice("relay", "--config", file.toString(), "--check");
        assertThat(bad.code()).isEqualTo(ExitCode.FAILED);
        assertThat(bad.err()).contains(file + ":1:36: 'too' is not known here");
        assertThat(Ran.sluice("relay", "--config", directory + "/none", "--check")
                        .err())
                .contains("there is no such file");
    }
}
