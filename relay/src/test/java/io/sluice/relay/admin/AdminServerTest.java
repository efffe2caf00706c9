// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.jr.ob.JSON;
import io.sluice.Listener;
import io.sluice.Sluice;
import io.sluice.SocketEnd;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.user.UserKernel;
import io.sluice.relay.Address;
import io.sluice.relay.Admin;
import io.sluice.relay.Backend;
import io.sluice.relay.Config;
import io.sluice.relay.ConfigException;
import io.sluice.relay.Listen;
import io.sluice.relay.Mirror;
import io.sluice.relay.Relay;
import io.sluice.relay.Route;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The admin address over real HTTP, of a relay in user space. */
final class AdminServerTest {
    private static final Address.Tcp ANYWHERE = new Address.Tcp("127.0.0.1", 0);

    @TempDir
    private Path directory;

    private final Kernel kernel = UserKernel.builder().build();
    private final Sluice sluice = Sluice.on(kernel);
    private Listener backend;
    private Relay relay;
    private AdminServer admin;
    private String reloading = "";

    @BeforeEach
    void start() throws Exception {
        backend = sluice.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        Route route = Route.named("data base/1")
                .listen(Listen.on(ANYWHERE))
                .to(Backend.at(backendAddress()))
                .build();
        relay = Relay.start(kernel, new Config(List.of(route), 1, 0), _ -> {});
        Path token = Files.writeString(directory.resolve("token"), "open sesame\n");
        admin = AdminServer.start(new Admin(ANYWHERE, token), relay, this::reload);
    }

    private Address backendAddress() {
        return new Address.Tcp("127.0.0.1", ((InetSocketAddress) backend.localAddress()).getPort());
    }

    private void reload() throws ConfigException {
        if (!reloading.isEmpty()) {
            throw new ConfigException(reloading);
        }
    }

    @AfterEach
    void stop() {
        admin.close();
        relay.close();
        backend.close();
        sluice.close();
        kernel.close();
    }

    private record Answer(int status, String type, String policy, String body) {}

    private Answer ask(String method, String path, String... authorization) throws IOException {
        return ask(admin, method, path, authorization);
    }

    private static Answer ask(AdminServer of, String method, String path, String... authorization) throws IOException {
        HttpURLConnection connection =
                (HttpURLConnection) of.uri().resolve(path).toURL().openConnection();
        connection.setRequestMethod(method);
        for (String word : authorization) {
            connection.setRequestProperty("Authorization", word);
        }
        int status = connection.getResponseCode();
        try (InputStream in = status < 400 ? connection.getInputStream() : connection.getErrorStream()) {
            return new Answer(
                    status,
                    connection.getContentType(),
                    connection.getHeaderField("Content-Security-Policy"),
                    new String(in.readAllBytes(), StandardCharsets.UTF_8));
        }
    }

    private Answer look(String path) throws Exception {
        return ask("GET", path);
    }

    private Answer change(String path) throws Exception {
        return ask("POST", path, "Bearer open sesame");
    }

    private String pathOfBackend() {
        return "/api/routes/data%20base%2F1/backends/"
                + URLEncoder.encode(backendAddress().toString(), StandardCharsets.UTF_8);
    }

    /** Has {@code bytes} go up and down, and returns when both sides have closed. */
    private void exchange(int bytes) throws Exception {
        try (SocketEnd client = sluice.connect(relay.addresses().get(ANYWHERE));
                SocketEnd server = backend.accept()) {
            ByteBuffer data = ByteBuffer.allocateDirect(bytes);
            client.write(data);
            client.shutdownOutput();
            assertThat(readAll(server)).isEqualTo(bytes);
            server.write(data.flip());
            server.shutdownOutput();
            assertThat(readAll(client)).isEqualTo(bytes);
        }
    }

    private static long readAll(SocketEnd from) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 16);
        long all = 0;
        for (int got = 0; got >= 0; got = from.read(buffer.clear())) {
            all += got;
        }
        return all;
    }

    private void awaitNoSessions() {
        while (relay.status().sessions() > 0) {
            Thread.onSpinWait();
        }
    }

    @Test
    void thePageAndAllItNeedsComesFromTheRelayItself() throws Exception {
        Answer page = look("/");
        assertThat(page.status()).isEqualTo(200);
        assertThat(page.type()).isEqualTo("text/html; charset=utf-8");
        assertThat(page.policy()).contains("default-src 'none'");
        assertThat(page.body()).doesNotContain("http:").doesNotContain("https:");
        for (String part : List.of("/page.js", "/page.css", "/uplot.js", "/uplot.css")) {
            assertThat(page.body()).contains(part.substring(1));
            assertThat(look(part).status()).as(part).isEqualTo(200);
            assertThat(look(part).body()).as(part).isNotEmpty();
        }
    }

    @Test
    @SuppressWarnings("unchecked")
    void theStatusCountsWhatHasHappened() throws Exception {
        exchange(5);
        awaitNoSessions();
        Map<String, Object> status = JSON.std.mapFrom(look("/api/status").body());
        assertThat(status)
                .containsEntry("accepting", true)
                .containsEntry("ready", true)
                .containsEntry("sessions", 0);
        Map<String, Object> route = ((List<Map<String, Object>>) status.get("routes")).getFirst();
        assertThat(route)
                .containsEntry("name", "data base/1")
                .containsEntry("accepted", 1)
                .containsEntry("bytesUp", Map.of("small", 5))
                .containsEntry("bytesDown", Map.of("small", 5));
        assertThat((Map<String, Object>) route.get("ended")).containsEntry("normal", 1);
        Map<String, Object> one = ((List<Map<String, Object>>) route.get("backends")).getFirst();
        assertThat(one)
                .containsEntry("state", "up")
                .containsEntry("served", 1)
                .containsEntry("bytesUp", 5)
                .containsEntry("bytesDown", 5);
        assertThat((List<?>) status.get("loops")).hasSize(1);
    }

    @Test
    void metricsAreOfThatMomentAndEscaped() throws Exception {
        exchange(7);
        awaitNoSessions();
        Answer metrics = look("/metrics");
        assertThat(metrics.type()).startsWith("text/plain; version=0.0.4");
        assertThat(metrics.body())
                .contains("# TYPE sluice_route_accepted_total counter")
                .contains("sluice_route_accepted_total{route=\"data base/1\"} 1.0")
                .contains("sluice_route_bytes_total{direction=\"up\",manner=\"small\",route=\"data base/1\"} 7.0")
                .contains("sluice_route_ended_total{cause=\"normal\",route=\"data base/1\"} 1.0")
                .contains("sluice_backend_up{backend=\"" + backendAddress() + "\",route=\"data base/1\"} 1.0")
                .contains("sluice_loop_cpu_seconds_total{loop=\"sluice-relay-0\"}");
    }

    @Test
    @SuppressWarnings("unchecked")
    void theStatusAndTheMetricsTellOfMirrors() throws Exception {
        relay.reload(new Config(
                List.of(Route.named("mirrored")
                        .listen(Listen.on(ANYWHERE))
                        .to(Backend.at(backendAddress()))
                        .mirror(Mirror.to(nobody()))
                        .build()),
                1,
                0));
        exchange(9);
        awaitNoSessions();
        Map<String, Object> status = JSON.std.mapFrom(look("/api/status").body());
        Map<String, Object> route = ((List<Map<String, Object>>) status.get("routes")).getFirst();
        Map<String, Object> mirror = ((List<Map<String, Object>>) route.get("mirrors")).getFirst();
        assertThat(mirror)
                .containsEntry("of", "requests")
                .containsEntry("mirrored", 1)
                .containsEntry("lagBytes", 0)
                .containsEntry("missedBytes", 9);
        assertThat((Map<String, Object>) mirror.get("lost")).containsEntry("unreachable", 1);
        String labels = "{mirror=\"" + mirror.get("name") + "\",route=\"mirrored\"} ";
        assertThat(look("/metrics").body())
                .contains("sluice_mirror_lag_bytes" + labels + "0.0")
                .contains("sluice_mirror_missed_bytes_total" + labels + "9.0");
    }

    /** Where nobody listens. */
    private Address nobody() throws Exception {
        try (Listener gone = sluice.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
            return new Address.Tcp("127.0.0.1", ((InetSocketAddress) gone.localAddress()).getPort());
        }
    }

    @Test
    void aBackendIsDrainedAndEnabledByWhoKnowsTheToken() throws Exception {
        assertThat(change(pathOfBackend() + "/drain").status()).isEqualTo(200);
        assertThat(look("/api/status").body()).contains("\"state\":\"drained\"");
        assertThat(look("/health/ready").status()).isEqualTo(503);
        assertThat(look("/health/live").status()).isEqualTo(200);
        assertThat(change(pathOfBackend() + "/enable").status()).isEqualTo(200);
        assertThat(look("/health/ready").status()).isEqualTo(200);
        exchange(1);
    }

    @Test
    void nobodyElseChangesAnything() throws Exception {
        String path = pathOfBackend() + "/drain";
        assertThat(ask("POST", path).status()).isEqualTo(401);
        assertThat(ask("POST", path, "Bearer open").status()).isEqualTo(401);
        assertThat(ask("POST", path, "open sesame").status()).isEqualTo(401);
        assertThat(look(path).status()).isEqualTo(404);
        assertThat(ask("DELETE", path).status()).isEqualTo(405);
        try (AdminServer silent = AdminServer.start(new Admin(ANYWHERE, null), relay, () -> {})) {
            Answer answer = ask(silent, "POST", path, "Bearer ");
            assertThat(answer.status()).isEqualTo(403);
            assertThat(answer.body()).contains("no token");
        }
        assertThat(look("/api/status").body()).contains("\"state\":\"up\"");
    }

    @Test
    void whatIsNotThereIsNamed() throws Exception {
        assertThat(look("/api/stat").status()).isEqualTo(404);
        assertThat(look("/api/stat").body()).isEqualTo("there is no /api/stat\n");
        assertThat(look("/api/../../etc/passwd").status()).isEqualTo(404);
        assertThat(change("/api/routes/x/backends/y/drain").body()).isEqualTo("route 'x' has no backend 'y'\n");
        assertThat(change("/api/routes/x/backends/y/stop").status()).isEqualTo(404);
    }

    @Test
    void aReloadIsDoneOrRefusedWithTheReason() throws Exception {
        assertThat(change("/api/reload").body()).isEqualTo("{\"reloaded\":true}");
        reloading = "sluice.yaml:3: what is 'rotes'?";
        Answer refused = change("/api/reload");
        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.body()).isEqualTo("sluice.yaml:3: what is 'rotes'?; nothing has changed\n");
    }

    @Test
    void aSlowReaderKeepsNobodyElseWaiting() throws Exception {
        try (Socket slow =
                new Socket(InetAddress.getLoopbackAddress(), admin.uri().getPort())) {
            slow.getOutputStream().write("GET / HT".getBytes(StandardCharsets.US_ASCII));
            assertThat(look("/health/live").status()).isEqualTo(200);
        }
    }

    @Test
    void aTokenFileWithoutATokenIsRefused() throws Exception {
        Path empty = Files.writeString(directory.resolve("empty"), " \n");
        assertThatThrownBy(() -> AdminServer.start(new Admin(ANYWHERE, empty), relay, () -> {}))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(empty.toString())
                .hasMessageContaining("is empty");
    }

    @Test
    void anAddressThatIsTakenIsNamed() {
        Admin taken = new Admin(new Address.Tcp("127.0.0.1", admin.uri().getPort()), null);
        assertThatThrownBy(() -> AdminServer.start(taken, relay, () -> {}))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("admin address 127.0.0.1:" + admin.uri().getPort());
    }
}
