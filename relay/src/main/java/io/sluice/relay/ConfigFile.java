// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.WhenFull;
import io.sluice.relay.record.Recording;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A configuration in YAML. What is not known is refused, with the line: a word that is spelled wrong would otherwise be
 * a setting that does nothing. The keys are those of docs/relay.schema.json.
 *
 * <pre>
 * routes:
 *   - name: db
 *     listen: [":5432"]
 *     to: [db1:5432, {address: db2:5432, weight: 3}]
 *     check: {interval: 2s}
 * </pre>
 */
public final class ConfigFile {
    private static final int OCTAL = 8;

    private static final String[] RECORD_KEYS = {
        "directory", "rotateSize", "rotateAge", "limit", "whenFull", "buffer", "sample"
    };

    private ConfigFile() {}

    /**
     * Reads a file.
     *
     * @throws ConfigException naming the file, the line, what is wrong there and what would be right
     * @throws IOException when the file cannot be read
     */
    public static Config read(Path file) throws ConfigException, IOException {
        try {
            return parse(file.toString(), Files.readString(file));
        } catch (MalformedInputException e) {
            throw new ConfigException(file + ": is not UTF-8");
        }
    }

    /**
     * Reads a text.
     *
     * @param name what the text is called in complaints
     */
    public static Config parse(String name, String text) throws ConfigException {
        YamlValue root = YamlValue.parse(name, text);
        YamlValue.Fields top = root.fields("routes", "loops", "maxSessions", "handover", "admin", "record");
        List<Route> routes = new ArrayList<>();
        for (YamlValue each : top.required("routes").items()) {
            routes.add(route(each));
        }
        int loops = top.number("loops", Runtime.getRuntime().availableProcessors());
        int maxSessions = top.number("maxSessions", 0);
        YamlValue handover = top.optional("handover");
        Path place = handover == null ? null : handover(handover);
        YamlValue at = top.optional("admin");
        Admin admin = at == null ? null : admin(at);
        YamlValue record = top.optional("record");
        Recording recording = record == null ? null : recording(record);
        YamlValue sample = record == null || record.isText()
                ? null
                : record.fields(RECORD_KEYS).optional("sample");
        Sample recorded = sample == null ? Sample.ALL : sample.read(Sample::parse);
        return root.checked(() -> new Config(routes, loops, maxSessions, place, admin, recording, recorded));
    }

    private static Path handover(YamlValue at) throws ConfigException {
        return ((Address.Unix) at.read(text -> Address.parse("unix:" + text))).path();
    }

    private static Admin admin(YamlValue at) throws ConfigException {
        if (at.isText()) {
            return new Admin(tcp(at), null);
        }
        YamlValue.Fields fields = at.fields("listen", "tokenFile");
        String tokenFile = fields.text("tokenFile");
        return new Admin(tcp(fields.required("listen")), tokenFile == null ? null : Path.of(tokenFile));
    }

    private static Recording recording(YamlValue at) throws ConfigException {
        if (at.isText()) {
            return Recording.in(Path.of(at.text()));
        }
        YamlValue.Fields fields = at.fields(RECORD_KEYS);
        Recording usual = Recording.in(Path.of(fields.required("directory").text()));
        YamlValue rotateSize = fields.optional("rotateSize");
        YamlValue buffer = fields.optional("buffer");
        long rotateBytes = rotateSize == null ? usual.rotateBytes() : bytes(rotateSize);
        Duration rotateAge = fields.time("rotateAge", usual.rotateAge());
        long limit = bytes(fields.optional("limit"));
        Recording.WhenFull whenFull = choice(fields, "whenFull", usual.whenFull());
        long bufferBytes = buffer == null ? usual.bufferBytes() : bytes(buffer);
        return at.checked(() -> new Recording(usual.directory(), rotateBytes, rotateAge, limit, whenFull, bufferBytes));
    }

    private static Address.Tcp tcp(YamlValue at) throws ConfigException {
        if (address(at) instanceof Address.Tcp tcp) {
            return tcp;
        }
        throw at.wrong("the admin address is host:port or :port, and not '" + at.text() + "'");
    }

    private static Route route(YamlValue at) throws ConfigException {
        YamlValue.Fields fields = at.fields(
                "name",
                "listen",
                "serverNames",
                "to",
                "balance",
                "tries",
                "check",
                "mirrors",
                "record",
                "timeouts",
                "limits",
                "allow",
                "deny",
                "keepAlive",
                "path");
        Route.Builder route = Route.named(fields.required("name").text());
        for (YamlValue each : fields.required("listen").items()) {
            route.listen(listen(each));
        }
        for (YamlValue each : fields.items("serverNames")) {
            route.serverName(serverName(each));
        }
        for (YamlValue each : fields.required("to").items()) {
            route.to(backend(each));
        }
        for (YamlValue each : fields.items("mirrors")) {
            route.mirror(mirror(each));
        }
        YamlValue check = fields.optional("check");
        if (check != null) {
            route.health(health(check));
        }
        route.recorded(fields.truth("record", true));
        route.balance(choice(fields, "balance", Balance.ROUND_ROBIN))
                .path(choice(fields, "path", PathChoice.AUTO))
                .tries(fields.number("tries", 3))
                .timeouts(timeouts(fields.optional("timeouts")))
                .limits(limits(fields.optional("limits")))
                .keepAlive(keepAlive(fields.optional("keepAlive")))
                .access(new Access(blocks(fields.items("allow")), blocks(fields.items("deny"))));
        return at.checked(route::build);
    }

    private static Listen listen(YamlValue at) throws ConfigException {
        if (at.isText()) {
            return Listen.on(address(at));
        }
        YamlValue.Fields fields = at.fields("address", "mode", "owner", "group", "proxyFrom");
        YamlValue mode = fields.optional("mode");
        return new Listen(
                address(fields.required("address")),
                mode == null ? null : mode(mode),
                fields.text("owner"),
                fields.text("group"),
                blocks(fields.items("proxyFrom")));
    }

    private static int mode(YamlValue at) throws ConfigException {
        String digits = at.text();
        if (!digits.matches("0?[0-7]{3}")) {
            throw at.wrong("permissions are three octal digits in quotes, such as \"0660\", and not '" + digits + "'");
        }
        return Integer.parseInt(digits, OCTAL);
    }

    private static Address address(YamlValue at) throws ConfigException {
        return at.read(Address::parse);
    }

    private static String serverName(YamlValue at) throws ConfigException {
        String name = at.text();
        if (!name.matches("(\\*\\.)?[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*")) {
            throw at.wrong("not a server name: '" + name + "'; examples: db.example.com, *.example.com");
        }
        return name;
    }

    private static Backend backend(YamlValue at) throws ConfigException {
        if (at.isText()) {
            return Backend.at(address(at));
        }
        YamlValue.Fields fields = at.fields("address", "name", "weight", "backup", "sendProxy");
        Address address = address(fields.required("address"));
        String name = fields.text("name");
        int weight = fields.number("weight", 1);
        boolean backup = fields.truth("backup", false);
        ProxyProtocol proxy = choice(fields, "sendProxy", ProxyProtocol.NONE);
        return at.checked(() -> new Backend(name == null ? address.toString() : name, address, weight, backup, proxy));
    }

    private static Mirror mirror(YamlValue at) throws ConfigException {
        if (at.isText()) {
            return Mirror.to(address(at));
        }
        YamlValue.Fields fields = at.fields("address", "name", "of", "sample", "buffer", "whenFull", "sendProxy");
        Address address = address(fields.required("address"));
        String name = fields.text("name");
        ProxyProtocol proxy = choice(fields, "sendProxy", ProxyProtocol.NONE);
        Backend target = new Backend(name == null ? address.toString() : name, address, 1, false, proxy);
        Mirror.Of of = choice(fields, "of", Mirror.Of.REQUESTS);
        YamlValue sample = fields.optional("sample");
        Sample which = sample == null ? Sample.ALL : sample.read(Sample::parse);
        YamlValue buffer = fields.optional("buffer");
        long bytes = buffer == null ? Mirror.DEFAULT_BUFFER_BYTES : bytes(buffer);
        WhenFull whenFull = choice(fields, "whenFull", WhenFull.DETACH);
        return at.checked(() -> new Mirror(target, of, which, bytes, whenFull));
    }

    private static Health health(YamlValue at) throws ConfigException {
        YamlValue.Fields fields = at.fields("interval", "timeout", "rise", "fall", "slowStart", "send", "expect");
        Health usual = Health.CONNECT;
        Duration interval = fields.time("interval", usual.interval());
        Duration timeout = fields.time("timeout", usual.timeout());
        int rise = fields.number("rise", usual.rise());
        int fall = fields.number("fall", usual.fall());
        Duration slowStart = fields.time("slowStart", usual.slowStart());
        String send = fields.text("send");
        String expect = fields.text("expect");
        return at.checked(() -> new Health(
                interval, timeout, rise, fall, slowStart, send == null ? "" : send, expect == null ? "" : expect));
    }

    private static Timeouts timeouts(@Nullable YamlValue at) throws ConfigException {
        Timeouts usual = Timeouts.DEFAULT;
        if (at == null) {
            return usual;
        }
        YamlValue.Fields fields = at.fields("hello", "queue", "connect", "idle", "halfClosed", "life");
        YamlValue life = fields.optional("life");
        Duration hello = fields.time("hello", usual.hello());
        Duration queue = fields.time("queue", usual.queue());
        Duration connect = fields.time("connect", usual.connect());
        Duration idle = fields.time("idle", usual.idle());
        Duration halfClosed = fields.time("halfClosed", usual.halfClosed());
        Duration longest = life == null ? null : life.read(Units::time);
        return at.checked(() -> new Timeouts(hello, queue, connect, idle, halfClosed, longest));
    }

    private static Limits limits(@Nullable YamlValue at) throws ConfigException {
        if (at == null) {
            return Limits.NONE;
        }
        YamlValue.Fields fields = at.fields("sessions", "perSource", "queue", "sessionRate", "routeRate");
        int sessions = fields.number("sessions", 0);
        int perSource = fields.number("perSource", 0);
        int queue = fields.number("queue", 0);
        long sessionRate = bytes(fields.optional("sessionRate"));
        long routeRate = bytes(fields.optional("routeRate"));
        return at.checked(() -> new Limits(sessions, perSource, queue, sessionRate, routeRate));
    }

    private static long bytes(@Nullable YamlValue at) throws ConfigException {
        return at == null ? 0 : at.read(Units::bytes);
    }

    private static KeepAlive keepAlive(@Nullable YamlValue at) throws ConfigException {
        KeepAlive usual = KeepAlive.NONE;
        if (at == null) {
            return usual;
        }
        YamlValue.Fields fields = at.fields("idle", "interval", "probes", "userTimeout");
        YamlValue idle = fields.optional("idle");
        YamlValue userTimeout = fields.optional("userTimeout");
        return new KeepAlive(
                idle == null ? null : idle.read(Units::time),
                fields.time("interval", usual.interval()),
                fields.number("probes", usual.probes()),
                userTimeout == null ? null : userTimeout.read(Units::time));
    }

    private static List<Cidr> blocks(List<YamlValue> items) throws ConfigException {
        List<Cidr> blocks = new ArrayList<>();
        for (YamlValue each : items) {
            blocks.add(each.read(Cidr::parse));
        }
        return blocks;
    }

    private static <E extends Enum<E>> E choice(YamlValue.Fields fields, String key, E usual) throws ConfigException {
        YamlValue at = fields.optional(key);
        if (at == null) {
            return usual;
        }
        E[] choices = usual.getDeclaringClass().getEnumConstants();
        for (E each : choices) {
            if (label(each).equals(at.text())) {
                return each;
            }
        }
        throw at.wrong(key + " is one of "
                + String.join(", ", Stream.of(choices).map(ConfigFile::label).toList()) + ", and not '" + at.text()
                + "'");
    }

    private static String label(Enum<?> each) {
        return each.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
