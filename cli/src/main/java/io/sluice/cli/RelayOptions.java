// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import io.sluice.WhenFull;
import io.sluice.relay.Access;
import io.sluice.relay.Address;
import io.sluice.relay.Admin;
import io.sluice.relay.Backend;
import io.sluice.relay.Balance;
import io.sluice.relay.Cidr;
import io.sluice.relay.Config;
import io.sluice.relay.ConfigException;
import io.sluice.relay.Health;
import io.sluice.relay.KeepAlive;
import io.sluice.relay.Limits;
import io.sluice.relay.Listen;
import io.sluice.relay.Mirror;
import io.sluice.relay.PathChoice;
import io.sluice.relay.ProxyProtocol;
import io.sluice.relay.Route;
import io.sluice.relay.Sample;
import io.sluice.relay.Timeouts;
import io.sluice.relay.Units;
import io.sluice.relay.record.Recording;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import joptsimple.OptionSet;
import joptsimple.OptionSpec;
import org.jspecify.annotations.Nullable;

/**
 * The command line of {@code sluice relay}, understood.
 *
 * @param config what it comes to; null with {@code --help} and with a file
 * @param file where the configuration is; null when the command line is all
 * @param check whether the configuration is only to be looked at
 * @param log how sessions are written down
 * @param drain how long sessions may take to finish when the relay is told to end
 * @param userSpace whether the kernel is the one in user space
 */
record RelayOptions(
        @Nullable Config config, @Nullable Path file, boolean check, Log log, Duration drain, boolean userSpace) {
    /** How sessions are written down. */
    enum Log {
        TEXT,
        JSON,
        NONE
    }

    boolean help() {
        return config == null && file == null;
    }

    /** Reads the words after {@code relay}. */
    static RelayOptions parse(List<String> words) {
        CommandLine parser = new CommandLine();
        OptionSpec<String> file = parser.acceptsAll(List.of("config", "c")).withRequiredArg();
        OptionSpec<String> listen = parser.acceptsAll(List.of("listen", "l")).withRequiredArg();
        OptionSpec<String> to = parser.acceptsAll(List.of("to", "t")).withRequiredArg();
        OptionSpec<String> backup = parser.accepts("backup").withRequiredArg();
        OptionSpec<String> balance = parser.accepts("balance").withRequiredArg().defaultsTo("round-robin");
        OptionSpec<String> tries = parser.accepts("tries").withRequiredArg().defaultsTo("3");
        OptionSpec<String> health = parser.accepts("health").withRequiredArg();
        OptionSpec<Void> check = parser.accepts("check");
        OptionSpec<String> path = parser.accepts("path").withRequiredArg().defaultsTo("auto");
        OptionSpec<String> loops = parser.accepts("loops").withRequiredArg();
        OptionSpec<String> maxSessions =
                parser.accepts("max-sessions").withRequiredArg().defaultsTo("0");
        OptionSpec<String> routeSessions =
                parser.accepts("limit").withRequiredArg().defaultsTo("0");
        OptionSpec<String> sourceSessions =
                parser.accepts("source-limit").withRequiredArg().defaultsTo("0");
        OptionSpec<String> queue = parser.accepts("queue").withRequiredArg().defaultsTo("0");
        OptionSpec<String> rate = parser.accepts("rate").withRequiredArg();
        OptionSpec<String> allow = parser.accepts("allow").withRequiredArg();
        OptionSpec<String> deny = parser.accepts("deny").withRequiredArg();
        OptionSpec<String> proxyFrom = parser.accepts("proxy-from").withRequiredArg();
        OptionSpec<String> sendProxy =
                parser.accepts("send-proxy").withRequiredArg().defaultsTo("none");
        OptionSpec<String> connect = parser.accepts("connect-timeout").withRequiredArg();
        OptionSpec<String> idle = parser.accepts("idle-timeout").withRequiredArg();
        OptionSpec<String> halfClosed = parser.accepts("half-closed-timeout").withRequiredArg();
        OptionSpec<String> life = parser.accepts("max-life").withRequiredArg();
        OptionSpec<String> mirror = parser.accepts("mirror").withRequiredArg();
        OptionSpec<String> mirrorResponses = parser.accepts("mirror-responses").withRequiredArg();
        OptionSpec<String> mirrorSample =
                parser.accepts("mirror-sample").withRequiredArg().defaultsTo("1/1");
        OptionSpec<String> mirrorBuffer = parser.accepts("mirror-buffer")
                .withRequiredArg()
                .defaultsTo(String.valueOf(Mirror.DEFAULT_BUFFER_BYTES));
        OptionSpec<String> mirrorWhenFull =
                parser.accepts("mirror-when-full").withRequiredArg().defaultsTo("detach");
        OptionSpec<String> mirrorSendProxy =
                parser.accepts("mirror-send-proxy").withRequiredArg().defaultsTo("none");
        OptionSpec<String> record = parser.accepts("record").withRequiredArg();
        OptionSpec<String> recordRotate = parser.accepts("record-rotate").withRequiredArg();
        OptionSpec<String> recordRotateAge = parser.accepts("record-rotate-age").withRequiredArg();
        OptionSpec<String> recordLimit = parser.accepts("record-limit").withRequiredArg();
        OptionSpec<String> recordWhenFull =
                parser.accepts("record-when-full").withRequiredArg().defaultsTo("gap");
        OptionSpec<String> recordBuffer = parser.accepts("record-buffer").withRequiredArg();
        OptionSpec<String> recordSample =
                parser.accepts("record-sample").withRequiredArg().defaultsTo("1/1");
        OptionSpec<String> handover = parser.accepts("handover").withRequiredArg();
        OptionSpec<String> admin = parser.accepts("admin").withRequiredArg();
        OptionSpec<String> tokenFile = parser.accepts("admin-token-file").withRequiredArg();
        OptionSpec<String> drain = parser.accepts("drain").withRequiredArg().defaultsTo("30s");
        OptionSpec<String> log = parser.accepts("log").withRequiredArg().defaultsTo("text");
        OptionSpec<String> kernel = parser.accepts("kernel").withRequiredArg().defaultsTo("linux");
        OptionSpec<Void> help = parser.acceptsAll(List.of("help", "h")).forHelp();
        OptionSpec<String> others = parser.nonOptions();

        OptionSet given = parser.parse(words);
        if (given.has(help)) {
            return new RelayOptions(null, null, false, Log.NONE, Duration.ZERO, false);
        }
        if (!given.valuesOf(others).isEmpty()) {
            throw new Misuse(
                    "what is '" + given.valuesOf(others).getFirst() + "'? addresses stand after --listen and --to");
        }
        Log written = choice("--log", Log.class, last(given, log));
        Duration grace = time("--drain", last(given, drain));
        boolean userSpace = KernelChoice.parse(last(given, kernel), null).user();
        if (given.has(file)) {
            given.specs().stream()
                    .filter(each -> !List.of(file, check, log, drain, kernel).contains(each))
                    .findAny()
                    .ifPresent(each -> {
                        throw new Misuse("--" + each.options().getLast() + ": with --config that is said in the file");
                    });
            return new RelayOptions(null, Path.of(last(given, file)), given.has(check), written, grace, userSpace);
        }
        if (!given.has(listen) || !given.has(to)) {
            throw new Misuse("say where from and where to: --listen :5432 --to db1:5432, or --config FILE");
        }
        if (given.has(tokenFile) && !given.has(admin)) {
            throw new Misuse("--admin-token-file: say where the admin address is, too: --admin :9090");
        }
        if (!given.has(mirror) && !given.has(mirrorResponses)) {
            refuse(given, "mirror-", "say where the mirror is, too: --mirror shadow:5432");
        }
        if (!given.has(record)) {
            refuse(given, "record-", "say where to record to, too: --record DIRECTORY");
        }
        ProxyProtocol proxy = choice("--send-proxy", ProxyProtocol.class, last(given, sendProxy));
        Timeouts usual = Timeouts.DEFAULT;
        long bytesPerSecond = given.has(rate) ? Size.parse("--rate", last(given, rate)) : 0;
        Route.Builder route = Route.named("relay")
                .balance(choice("--balance", Balance.class, last(given, balance)))
                .tries(number("--tries", last(given, tries)))
                .path(choice("--path", PathChoice.class, last(given, path)))
                .keepAlive(KeepAlive.NONE)
                .access(new Access(blocks("--allow", given.valuesOf(allow)), blocks("--deny", given.valuesOf(deny))))
                .limits(new Limits(
                        number("--limit", last(given, routeSessions)),
                        number("--source-limit", last(given, sourceSessions)),
                        number("--queue", last(given, queue)),
                        bytesPerSecond,
                        0))
                .timeouts(new Timeouts(
                        usual.hello(),
                        usual.queue(),
                        given.has(connect) ? timeout("--connect-timeout", last(given, connect)) : usual.connect(),
                        given.has(idle) ? timeout("--idle-timeout", last(given, idle)) : usual.idle(),
                        given.has(halfClosed)
                                ? timeout("--half-closed-timeout", last(given, halfClosed))
                                : usual.halfClosed(),
                        given.has(life) ? timeout("--max-life", last(given, life)) : null));
        if (given.has(health)) {
            Health connects = Health.CONNECT;
            route.health(new Health(
                    timeout("--health", last(given, health)),
                    connects.timeout(),
                    connects.rise(),
                    connects.fall(),
                    connects.slowStart(),
                    connects.send(),
                    connects.expect()));
        }
        List<Cidr> trusted = blocks("--proxy-from", given.valuesOf(proxyFrom));
        for (String address : given.valuesOf(listen)) {
            route.listen(new Listen(address("--listen", address), null, null, null, trusted));
        }
        given.valuesOf(to).forEach(each -> route.to(backend("--to", each, false, proxy)));
        given.valuesOf(backup).forEach(each -> route.to(backend("--backup", each, true, proxy)));
        for (Mirror.Of of : Mirror.Of.values()) {
            for (String address : given.valuesOf(of == Mirror.Of.REQUESTS ? mirror : mirrorResponses)) {
                String option = of == Mirror.Of.REQUESTS ? "--mirror" : "--mirror-responses";
                ProxyProtocol version =
                        choice("--mirror-send-proxy", ProxyProtocol.class, last(given, mirrorSendProxy));
                route.mirror(mirror(
                        backend(option, address, false, version),
                        of,
                        sample("--mirror-sample", last(given, mirrorSample)),
                        Size.parse("--mirror-buffer", last(given, mirrorBuffer)),
                        choice("--mirror-when-full", WhenFull.class, last(given, mirrorWhenFull))));
            }
        }
        try {
            int threads = given.has(loops)
                    ? number("--loops", last(given, loops))
                    : Runtime.getRuntime().availableProcessors();
            Config config = new Config(
                    List.of(route.build()),
                    threads,
                    number("--max-sessions", last(given, maxSessions)),
                    given.has(handover) ? place(last(given, handover)) : null,
                    given.has(admin)
                            ? admin(last(given, admin), given.has(tokenFile) ? last(given, tokenFile) : null)
                            : null,
                    given.has(record)
                            ? new Recording(
                                    Path.of(last(given, record)),
                                    given.has(recordRotate)
                                            ? Size.parse("--record-rotate", last(given, recordRotate))
                                            : Recording.DEFAULT_ROTATE_BYTES,
                                    given.has(recordRotateAge)
                                            ? timeout("--record-rotate-age", last(given, recordRotateAge))
                                            : Recording.DEFAULT_ROTATE_AGE,
                                    given.has(recordLimit) ? Size.parse("--record-limit", last(given, recordLimit)) : 0,
                                    choice("--record-when-full", Recording.WhenFull.class, last(given, recordWhenFull)),
                                    given.has(recordBuffer)
                                            ? Size.parse("--record-buffer", last(given, recordBuffer))
                                            : Recording.DEFAULT_BUFFER_BYTES)
                            : null,
                    sample("--record-sample", last(given, recordSample)));
            return new RelayOptions(config, null, given.has(check), written, grace, userSpace);
        } catch (IllegalArgumentException e) {
            throw new Misuse(String.valueOf(e.getMessage()));
        }
    }

    /** Settings of something that is not asked for would do nothing. */
    private static void refuse(OptionSet given, String prefix, String wayOut) {
        given.specs().stream()
                .map(each -> each.options().getFirst())
                .filter(option -> option.startsWith(prefix))
                .findAny()
                .ifPresent(option -> {
                    throw new Misuse("--" + option + ": " + wayOut);
                });
    }

    private static Duration timeout(String option, String text) {
        Duration time = time(option, text);
        if (!time.isPositive()) {
            throw new Misuse(option + ": a time above 0, and not '" + text + "'");
        }
        return time;
    }

    /** The last of several counts, as with most tools. */
    private static String last(OptionSet given, OptionSpec<String> option) {
        return given.valuesOf(option).getLast();
    }

    private static Address address(String option, String text) {
        try {
            return Address.parse(text);
        } catch (ConfigException e) {
            throw new Misuse(option + ": " + e.getMessage());
        }
    }

    private static Path place(String text) {
        if (address("--handover", "unix:" + text) instanceof Address.Unix unix) {
            return unix.path();
        }
        throw new Misuse("--handover: not the path of a Unix socket: '" + text + "'");
    }

    private static Admin admin(String text, @Nullable String tokenFile) {
        if (address("--admin", text) instanceof Address.Tcp tcp) {
            return new Admin(tcp, tokenFile == null ? null : Path.of(tokenFile));
        }
        throw new Misuse("--admin: host:port or :port, and not '" + text + "'");
    }

    /** An address, perhaps with its weight: {@code db1:5432,weight=3}. */
    private static Backend backend(String option, String text, boolean spare, ProxyProtocol proxy) {
        int comma = text.indexOf(",weight=");
        Address address = address(option, comma < 0 ? text : text.substring(0, comma));
        int weight = comma < 0 ? 1 : number(option + " weight", text.substring(comma + ",weight=".length()));
        try {
            return new Backend(address.toString(), address, weight, spare, proxy);
        } catch (IllegalArgumentException e) {
            throw new Misuse(option + ": " + e.getMessage());
        }
    }

    private static Mirror mirror(Backend target, Mirror.Of of, Sample sample, long bufferBytes, WhenFull whenFull) {
        try {
            return new Mirror(target, of, sample, bufferBytes, whenFull);
        } catch (IllegalArgumentException e) {
            throw new Misuse("--mirror-buffer: " + e.getMessage());
        }
    }

    private static Sample sample(String option, String text) {
        try {
            return Sample.parse(text);
        } catch (ConfigException e) {
            throw new Misuse(option + ": " + e.getMessage());
        }
    }

    private static List<Cidr> blocks(String option, List<String> texts) {
        List<Cidr> blocks = new ArrayList<>();
        for (String text : texts) {
            try {
                blocks.add(Cidr.parse(text));
            } catch (ConfigException e) {
                throw new Misuse(option + ": " + e.getMessage());
            }
        }
        return blocks;
    }

    private static <E extends Enum<E>> E choice(String option, Class<E> type, String text) {
        for (E each : type.getEnumConstants()) {
            if (label(each).equals(text)) {
                return each;
            }
        }
        throw new Misuse(option + ": '" + text + "' is none of "
                + String.join(
                        ", ",
                        Stream.of(type.getEnumConstants())
                                .map(RelayOptions::label)
                                .toList()));
    }

    private static String label(Enum<?> each) {
        return each.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static int number(String option, String text) {
        try {
            int number = Integer.parseInt(text);
            if (number >= 0) {
                return number;
            }
        } catch (NumberFormatException e) {
            // The complaint is the same.
        }
        throw new Misuse(option + ": not a whole number of 0 or more: '" + text + "'");
    }

    private static Duration time(String option, String text) {
        try {
            return Units.time(text);
        } catch (ConfigException e) {
            throw new Misuse(option + ": " + e.getMessage());
        }
    }
}
