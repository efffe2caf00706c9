// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.admin;

import com.fasterxml.jackson.jr.ob.JSON;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.sluice.relay.Admin;
import io.sluice.relay.ConfigException;
import io.sluice.relay.Relay;
import io.sluice.relay.RelayStatus;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger.Level;
import java.net.BindException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Serves the admin address of a relay over HTTP:
 *
 * <pre>
 *   GET  /                                          the live page
 *   GET  /api/status   /api/history                 what it shows, as JSON
 *   GET  /metrics                                   Prometheus
 *   GET  /health/live  /health/ready                200, or 503
 *   POST /api/routes/ROUTE/backends/BACKEND/drain   no more sessions for it; ./enable: sessions again
 *   POST /api/reload                                the configuration is read anew
 * </pre>
 *
 * A POST needs {@code Authorization: Bearer TOKEN}. Safe for any thread.
 */
public final class AdminServer implements AutoCloseable {
    /** Reads the configuration anew and gives it to the relay. */
    @FunctionalInterface
    public interface Reload {
        /** Does it, or throws with a reason for people and leaves all as it was. */
        void run() throws IOException, ConfigException;
    }

    private static final System.Logger LOG = System.getLogger(AdminServer.class.getName());

    /** A request is small; who takes longer to say it holds a thread for nothing. */
    private static final String LONGEST_REQUEST_SECONDS = "10";

    private static final String POLICY =
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none';"
                    + " form-action 'none'; frame-ancestors 'none'";

    private static final String OURS = "META-INF/sluice/admin/";
    private static final String UPLOT = "META-INF/resources/webjars/uplot/1.6.30/dist/";

    private final Relay relay;
    private final Reload reload;
    private final byte @Nullable [] token;
    private final History history;
    private final HttpServer server;
    private final AtomicBoolean closed = new AtomicBoolean();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    private AdminServer(Relay relay, Reload reload, byte @Nullable [] token, HttpServer server) {
        this.relay = relay;
        this.reload = reload;
        this.token = token;
        this.server = server;
        this.history = new History(relay::status);
    }

    /**
     * Opens the address.
     *
     * @param relay stays the caller's
     * @param reload what {@code POST /api/reload} does
     * @throws IOException naming the address or the token file that cannot be had
     */
    public static AdminServer start(Admin admin, Relay relay, Reload reload) throws IOException {
        Path tokenFile = admin.tokenFile();
        byte[] token = tokenFile == null ? null : token(tokenFile);
        if (System.getProperty("sun.net.httpserver.maxReqTime") == null) {
            System.setProperty("sun.net.httpserver.maxReqTime", LONGEST_REQUEST_SECONDS);
        }
        HttpServer server;
        try {
            server = HttpServer.create(address(admin), 0);
        } catch (IOException e) {
            String wayOut = e instanceof BindException ? "; give it another address, of this machine and free" : "";
            throw new IOException("admin address " + admin.listen() + ": " + e.getMessage() + wayOut, e);
        }
        AdminServer started = new AdminServer(relay, reload, token, server);
        server.createContext("/", started::serve);
        server.setExecutor(started.threads);
        server.start();
        started.history.start();
        return started;
    }

    /**
     * Looks whether the token can be had, before anything depends on it.
     *
     * @throws IOException naming the file when it cannot be read or is empty
     */
    public static void requireToken(Admin admin) throws IOException {
        Path tokenFile = admin.tokenFile();
        if (tokenFile != null) {
            token(tokenFile);
        }
    }

    private static InetSocketAddress address(Admin admin) throws IOException {
        String host = admin.listen().host();
        InetAddress address = host.isEmpty() ? InetAddress.getLoopbackAddress() : InetAddress.getByName(host);
        return new InetSocketAddress(address, admin.listen().port());
    }

    private static byte[] token(Path file) throws IOException {
        byte[] token = Files.readString(file).strip().getBytes(StandardCharsets.UTF_8);
        if (token.length == 0) {
            throw new IOException("token file " + file + " is empty: put a secret word into it");
        }
        return token;
    }

    /** Where the page is, with the port that it got. */
    public URI uri() {
        InetAddress at = server.getAddress().getAddress();
        String host = at instanceof Inet6Address ? "[" + at.getHostAddress() + "]" : at.getHostAddress();
        return URI.create("http://" + host + ":" + server.getAddress().getPort() + "/");
    }

    // Requests.

    private void serve(HttpExchange exchange) {
        try (exchange) {
            Answer answer;
            try {
                answer = answer(exchange);
            } catch (RuntimeException e) {
                LOG.log(Level.ERROR, "the admin page has failed by a mistake of its own", e);
                answer = Answer.text(500, "a mistake of the relay's; its log tells more");
            }
            exchange.getResponseHeaders().set("Content-Type", answer.type());
            exchange.getResponseHeaders().set("Cache-Control", "no-store");
            exchange.getResponseHeaders().set("Content-Security-Policy", POLICY);
            exchange.getResponseHeaders().set("X-Content-Type-Options", "nosniff");
            boolean head = exchange.getRequestMethod().equals("HEAD");
            exchange.sendResponseHeaders(answer.status(), head ? -1 : answer.body().length);
            if (!head) {
                exchange.getResponseBody().write(answer.body());
            }
        } catch (IOException gone) {
            LOG.log(Level.DEBUG, "a reader of the admin page has gone", gone);
        }
    }

    private Answer answer(HttpExchange exchange) throws IOException {
        List<String> path = Stream.of(
                        exchange.getRequestURI().getRawPath().substring(1).split("/", -1))
                .map(each -> URLDecoder.decode(each.replace("+", "%2B"), StandardCharsets.UTF_8))
                .toList();
        return switch (exchange.getRequestMethod()) {
            case "GET", "HEAD" -> look(path);
            case "POST" -> mayChange(exchange) ? change(path) : refusal();
            default -> Answer.text(405, "GET to look, POST to change");
        };
    }

    private Answer look(List<String> path) throws IOException {
        return switch (String.join("/", path)) {
            case "" -> resource(OURS + "page.html", "text/html; charset=utf-8");
            case "page.js" -> resource(OURS + "page.js", "text/javascript; charset=utf-8");
            case "page.css" -> resource(OURS + "page.css", "text/css; charset=utf-8");
            case "uplot.js" -> resource(UPLOT + "uPlot.iife.min.js", "text/javascript; charset=utf-8");
            case "uplot.css" -> resource(UPLOT + "uPlot.min.css", "text/css; charset=utf-8");
            case "api/status" -> Answer.json(200, StatusFields.of(relay.status()));
            case "api/history" -> Answer.json(200, history.columns());
            case "metrics" -> metrics();
            case "health/live" -> Answer.text(200, "live");
            case "health/ready" -> ready(relay.status());
            default -> notFound(path);
        };
    }

    private static Answer ready(RelayStatus status) {
        return status.isReady()
                ? Answer.text(200, "ready")
                : Answer.text(503, status.accepting() ? "a route has no backend that is up" : "being drained");
    }

    private Answer metrics() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Metrics.write(relay.status(), out);
        return new Answer(200, Metrics.CONTENT_TYPE, out.toByteArray());
    }

    /** By the loader, not the class: the library's lies in another module. */
    private static Answer resource(String name, String type) throws IOException {
        try (InputStream in = AdminServer.class.getClassLoader().getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("resource " + name + " is missing from this build");
            }
            return new Answer(200, type, in.readAllBytes());
        }
    }

    private static Answer notFound(List<String> path) {
        return Answer.text(404, "there is no /" + String.join("/", path));
    }

    // Changes.

    private boolean mayChange(HttpExchange exchange) {
        String given = exchange.getRequestHeaders().getFirst("Authorization");
        return token != null
                && given != null
                && given.startsWith("Bearer ")
                && MessageDigest.isEqual(
                        token, given.substring("Bearer ".length()).strip().getBytes(StandardCharsets.UTF_8));
    }

    private Answer refusal() {
        return token == null
                ? Answer.text(403, "this relay was given no token, so nothing can be changed here")
                : Answer.text(401, "say 'Authorization: Bearer TOKEN' with the word in the relay's token file");
    }

    private Answer change(List<String> path) throws IOException {
        if (path.equals(List.of("api", "reload"))) {
            return reloaded();
        }
        boolean ofBackend = path.size() == 6
                && path.getFirst().equals("api")
                && path.get(1).equals("routes")
                && path.get(3).equals("backends");
        if (!ofBackend || !List.of("drain", "enable").contains(path.getLast())) {
            return notFound(path);
        }
        boolean drain = path.getLast().equals("drain");
        if (!relay.drainBackend(path.get(2), path.get(4), drain)) {
            return Answer.text(404, "route '" + path.get(2) + "' has no backend '" + path.get(4) + "'");
        }
        LOG.log(
                Level.INFO,
                "backend {0} of route {1} {2}",
                path.get(4),
                path.get(2),
                drain ? "gets no more sessions" : "gets sessions again");
        return Answer.json(200, Map.of("route", path.get(2), "backend", path.get(4), "drained", drain));
    }

    private Answer reloaded() throws IOException {
        try {
            reload.run();
        } catch (IOException | ConfigException | IllegalArgumentException | IllegalStateException e) {
            return Answer.text(409, e.getMessage() + "; nothing has changed");
        }
        return Answer.json(200, Map.of("reloaded", true));
    }

    /** Closes the address; requests that are being answered may be cut off. */
    @Override
    public void close() {
        stop();
    }

    /** Gives the address up, before this is closed; answers that are on their way are cut off. */
    public void stop() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        history.close();
        server.stop(0);
        threads.shutdownNow();
        threads.close();
    }

    @SuppressWarnings("ArrayRecordComponent") // made, sent and forgotten: never compared
    private record Answer(int status, String type, byte[] body) {
        static Answer text(int status, String words) {
            return new Answer(status, "text/plain; charset=utf-8", (words + "\n").getBytes(StandardCharsets.UTF_8));
        }

        static Answer json(int status, Map<String, ?> value) throws IOException {
            return new Answer(status, "application/json", JSON.std.asBytes(value));
        }
    }
}
