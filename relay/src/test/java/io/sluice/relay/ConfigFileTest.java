// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import io.sluice.WhenFull;
import io.sluice.relay.record.Recording;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Configurations in YAML: what they mean, and what is said of bad ones. */
class ConfigFileTest {
    private static final String ALL = """
            loops: 3
            maxSessions: 5000
            handover: /run/sluice/next
            admin: {listen: "127.0.0.1:9090", tokenFile: /etc/sluice/token}
            routes:
              - name: db
                listen:
                  - ":5432"
                  - {address: "unix:/run/db.sock", mode: "0660", owner: app, group: staff, proxyFrom: [10.0.0.0/8]}
                to:
                  - db1:5432
                  - {address: "[::1]:5433", name: two, weight: 3, backup: true, sendProxy: v2}
                balance: least-connections
                tries: 2
                check: {interval: 1s, timeout: 500ms, rise: 3, fall: 4, slowStart: 30s, send: "PING\\r\\n", expect: "+PONG"}
                timeouts: {hello: 1s, queue: 2s, connect: 3s, idle: 4m, halfClosed: 5s, life: 6h}
                limits: {sessions: 100, perSource: 10, queue: 20, sessionRate: 1M, routeRate: 10MB}
                allow: [192.0.2.0/24]
                deny: [192.0.2.7]
                keepAlive: {idle: 1m, interval: 10s, probes: 3, userTimeout: 30s}
                path: splice
                mirrors:
                  - shadow:9000
                  - {address: "[::1]:9001", name: audit, of: responses, sample: "1/20,10.0.0.0/8", buffer: 4M, whenFull: block, sendProxy: v1}
              - name: web
                listen: [":443"]
                serverNames: [www.example.com, "*.example.org"]
                to: [app:8443]
                record: false
            record: {directory: /var/lib/sluice, rotateSize: 100M, rotateAge: 30m, limit: 10G, whenFull: block, buffer: 16M, sample: "source:1/3"}
            """;

    @Test
    void everythingThatCanBeSaidIsUnderstood() throws Exception {
        Config config = ConfigFile.parse("sluice.yaml", ALL);
        assertThat(config.loops()).isEqualTo(3);
        assertThat(config.maxSessions()).isEqualTo(5000);
        assertThat(config.handover()).isEqualTo(Path.of("/run/sluice/next"));
        assertThat(config.admin())
                .isEqualTo(new Admin(new Address.Tcp("127.0.0.1", 9090), Path.of("/etc/sluice/token")));
        assertThat(config.recording())
                .isEqualTo(new Recording(
                        Path.of("/var/lib/sluice"),
                        100 << 20,
                        Duration.ofMinutes(30),
                        10L << 30,
                        Recording.WhenFull.BLOCK,
                        16 << 20));
        assertThat(config.recorded()).isEqualTo(new Sample(1, 3, true, List.of()));
        assertThat(config.routes()).extracting(Route::recorded).containsExactly(true, false);
        Route db = Route.named("db")
                .listen(Listen.on(new Address.Tcp("", 5432)))
                .listen(new Listen(
                        new Address.Unix(Path.of("/run/db.sock")),
                        0660,
                        "app",
                        "staff",
                        List.of(Cidr.parse("10.0.0.0/8"))))
                .to(Backend.at(new Address.Tcp("db1", 5432)))
                .to(new Backend("two", new Address.Tcp("::1", 5433), 3, true, ProxyProtocol.V2))
                .balance(Balance.LEAST_CONNECTIONS)
                .tries(2)
                .health(new Health(
                        Duration.ofSeconds(1),
                        Duration.ofMillis(500),
                        3,
                        4,
                        Duration.ofSeconds(30),
                        "PING\r\n",
                        "+PONG"))
                .timeouts(new Timeouts(
                        Duration.ofSeconds(1),
                        Duration.ofSeconds(2),
                        Duration.ofSeconds(3),
                        Duration.ofMinutes(4),
                        Duration.ofSeconds(5),
                        Duration.ofHours(6)))
                .limits(new Limits(100, 10, 20, 1 << 20, 10_000_000))
                .access(new Access(List.of(Cidr.parse("192.0.2.0/24")), List.of(Cidr.parse("192.0.2.7"))))
                .keepAlive(new KeepAlive(Duration.ofMinutes(1), Duration.ofSeconds(10), 3, Duration.ofSeconds(30)))
                .path(PathChoice.SPLICE)
                .mirror(Mirror.to(new Address.Tcp("shadow", 9000)))
                .mirror(new Mirror(
                        new Backend("audit", new Address.Tcp("::1", 9001), 1, false, ProxyProtocol.V1),
                        Mirror.Of.RESPONSES,
                        new Sample(1, 20, false, List.of(Cidr.parse("10.0.0.0/8"))),
                        4 << 20,
                        WhenFull.BLOCK))
                .build();
        assertThat(config.routes().getFirst()).isEqualTo(db);
        assertThat(config.routes().getLast().serverNames()).containsExactly("www.example.com", "*.example.org");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    tries: 2 | tires: 2 | sluice.yaml:14:5: 'tires' is not known here
                    idle: 4m | idle: 4 | sluice.yaml:16:57: not a time: '4'
                    weight: 3 | weight: 999 | sluice.yaml:12:9: backend two has weight 999
                    balance: least-connections | balance: random | sluice.yaml:13:14: balance is one of round-robin
                    192.0.2.0/24 | 192.0.2.7/24 | bits behind its prefix
                    mode: "0660" | mode: "rw" | permissions are three octal digits
                    - db1:5432 | - db1 | not an address: 'db1'
                    name: web | name: db | two routes are named db
                    path: splice | path: {a: b} | sluice.yaml:21:11: a single value is expected here
                    `listen: [":443"]` | `listen: ":443"` | a list is expected here
                    to: [app:8443] | balance: round-robin | 'to' is missing here
                    loops: 3 | `loops: [` | sluice.yaml:
                    "127.0.0.1:9090" | "unix:/run/admin" | the admin address is host:port or :port
                    rise: 3 | rise: 0 | rise and fall are at least 1
                    idle: 4m | idle: 0s | a timeout is more than 0
                    "*.example.org" | "*" | not a server name: '*'
                    sessionRate: 1M | sessionRate: fast | not a number of bytes: 'fast'
                    1/20 | 5% | not a sample: '5%
                    1/20 | 20/1 | a part of a whole
                    1/20 | 1/20,source:1/3 | one ratio, and not two
                    buffer: 4M | buffer: 0 | mirror audit needs a buffer
                    of: responses | of: answers | of is one of requests, responses
                    limit: 10G | limit: 1M | the limit of all recordings is 0, for none, or at least 4 MiB
                    rotateAge: 30m | rotateAge: 0s | is written to for more than no time
                    record: false | record: maybe | sluice.yaml:
                    name: audit | name: "shadow:9000" | has two mirrors named shadow:9000
                    """)
    void aComplaintNamesTheLineAndTheWayOut(String good, String bad, String complaint) {
        assertThat(ALL).contains(good);
        assertThatThrownBy(() -> ConfigFile.parse("sluice.yaml", ALL.replace(good, bad)))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining(complaint)
                .hasMessageStartingWith("sluice.yaml");
    }

    @Test
    void twoRoutesOfOneAddressNeedNames() {
        assertThatThrownBy(() -> ConfigFile.parse(
                        "sluice.yaml",
                        ALL.replace(":443", ":5432")
                                .replace("    serverNames: [www.example.com, \"*.example.org\"]\n", "")))
                .hasMessageContaining("routes db and web both take connections without a server name at :5432");
    }

    @Test
    void theExampleInTheDocumentationIsGood() throws Exception {
        Matcher example =
                Pattern.compile("(?s)```yaml\n(.*?)```").matcher(Files.readString(Path.of("..", "docs", "relay.md")));
        assertThat(example.find()).isTrue();
        assertThat(schema().validate(example.group(1), InputFormat.YAML)).isEmpty();
        assertThat(ConfigFile.parse("relay.md", example.group(1)).routes()).hasSize(2);
    }

    private static Schema schema() throws IOException {
        return SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                .getSchema(Files.readString(Path.of("..", "docs", "relay.schema.json")));
    }

    /** Editors and pipelines look at a file by the schema, and the relay by itself: they have to agree. */
    @Test
    void theSchemaTakesWhatTheRelayTakesAndKnowsNoOtherKeys() throws Exception {
        Schema schema = schema();
        assertThat(schema.validate(ALL, InputFormat.YAML)).isEmpty();
        Matcher key = Pattern.compile("([a-zA-Z]+):(?= |\n)").matcher(ALL);
        assertThat(key.results().toList()).hasSizeGreaterThan(40).allSatisfy(found -> {
            String spoilt = ALL.substring(0, found.start()) + "x" + ALL.substring(found.start());
            assertThat(schema.validate(spoilt, InputFormat.YAML))
                    .as(found.group())
                    .isNotEmpty();
            assertThatThrownBy(() -> ConfigFile.parse("sluice.yaml", spoilt)).isInstanceOf(ConfigException.class);
        });
    }

    /** They were an overflow of the stack, with all its lines. */
    @Test
    void listsWithinListsWithoutEndAreRefused() {
        assertThatThrownBy(() -> ConfigFile.parse("sluice.yaml", "routes:\n  " + "[".repeat(20_000)))
                .isInstanceOf(ConfigException.class)
                .hasMessageStartingWith("sluice.yaml:2:22: more than 20 lists");
    }

    @Test
    void aCharacterThatNoTextHasIsNamedWithItsLine() {
        assertThatThrownBy(() -> ConfigFile.parse("sluice.yaml", "routes:\n\n  - \u0001\n"))
                .isInstanceOf(ConfigException.class)
                .hasMessage("sluice.yaml:3: the character U+0001 has no place in a text");
    }

    @Test
    void anAdminAddressAloneIsEnough() throws Exception {
        Config config = ConfigFile.parse("sluice.yaml", ALL.replaceFirst("admin: .*", "admin: \":9090\""));
        assertThat(config.admin()).isEqualTo(new Admin(new Address.Tcp("", 9090), null));
    }

    @Test
    void anEmptyFileIsNoConfiguration() {
        assertThatThrownBy(() -> ConfigFile.parse("sluice.yaml", "")).hasMessageContaining("is empty");
    }
}
