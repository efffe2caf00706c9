// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import io.sluice.kernel.Kernel;
import io.sluice.relay.Admin;
import io.sluice.relay.Config;
import io.sluice.relay.ConfigException;
import io.sluice.relay.ConfigFile;
import io.sluice.relay.LogFormat;
import io.sluice.relay.Relay;
import io.sluice.relay.SessionLog;
import io.sluice.relay.admin.AdminServer;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** {@code sluice relay}: listens, and brings what comes to backends. */
final class RelayCommand implements Command {
    @Override
    public String name() {
        return "relay";
    }

    @Override
    public String summary() {
        return "TCP or Unix connections to one of several backends, spliced where that is cheaper";
    }

    @Override
    public int run(List<String> arguments, Host host) {
        RelayOptions options = RelayOptions.parse(arguments);
        if (options.help()) {
            host.out().print(Help.of(name()));
            return ExitCode.OK;
        }
        try {
            Config config = config(options);
            if (options.check()) {
                host.out()
                        .println("sluice: relay: the configuration is good: "
                                + config.routes().size() + " routes");
                return ExitCode.OK;
            }
            return relay(config, options, host);
        } catch (ConfigException e) {
            complain(host, String.valueOf(e.getMessage()));
        } catch (NoSuchFileException e) {
            complain(host, e.getMessage() + ": there is no such file");
        } catch (IOException e) {
            complain(host, Complaint.of(e));
        }
        return ExitCode.FAILED;
    }

    private static Config config(RelayOptions options) throws ConfigException, IOException {
        Path file = options.file();
        return file == null ? Objects.requireNonNull(options.config()) : ConfigFile.read(file);
    }

    private static void complain(Host host, String complaint) {
        host.err().println("sluice: relay: " + complaint);
    }

    private static int relay(Config config, RelayOptions options, Host host) throws IOException {
        List<Integer> inherited =
                Activation.descriptors(System.getenv(), ProcessHandle.current().pid());
        try (Kernel kernel = options.userSpace() ? host.userSpace() : host.linux();
                LogLines lines = new LogLines(host.out());
                Relay relay = Relay.start(kernel, config, writer(options.log(), lines), inherited);
                AdminServer _ = admin(config, relay, options, host)) {
            relay.addresses().forEach((asked, bound) -> complain(host, "listening at " + asked));
            Path file = options.file();
            if (file != null) {
                Interruption.onHangUp(() -> reload(relay, file, host));
            }
            return untilTold(relay, options.drain(), host);
        }
    }

    private static @Nullable AdminServer admin(Config config, Relay relay, RelayOptions options, Host host)
            throws IOException {
        Admin admin = config.admin();
        if (admin == null) {
            return null;
        }
        AdminServer server = AdminServer.start(admin, relay, () -> {
            Path file = options.file();
            if (file == null) {
                throw new ConfigException("this relay was started by flags and has no file to read");
            }
            follow(relay, file, host);
        });
        complain(host, "admin page at " + server.uri());
        return server;
    }

    private static Consumer<SessionLog> writer(RelayOptions.Log how, LogLines lines) {
        return switch (how) {
            case TEXT -> log -> lines.add(LogFormat.text(log));
            case JSON -> log -> lines.add(Json.of(LogFormat.fields(log)));
            case NONE -> _ -> {};
        };
    }

    private static void follow(Relay relay, Path file, Host host) throws ConfigException, IOException {
        relay.reload(ConfigFile.read(file));
        complain(host, "follows " + file + " as it is now");
    }

    /** Takes the file as it is now; when it is not good, what is there goes on. */
    private static void reload(Relay relay, Path file, Host host) {
        try {
            follow(relay, file, host);
        } catch (ConfigException | IllegalArgumentException | IllegalStateException e) {
            complain(host, e.getMessage() + "; nothing has changed");
        } catch (IOException e) {
            complain(host, Complaint.of(e) + "; nothing has changed");
        }
    }

    /**
     * Relays until the process is told to end or another has taken its place; then the sessions have the time of
     * {@code drain} to finish.
     */
    private static int untilTold(Relay relay, Duration drain, Host host) {
        try (Interruption _ = new Interruption(drain.plusSeconds(5))) {
            boolean replaced = awaitEnd(relay);
            if (replaced) {
                complain(host, "another relay has taken over");
            }
            boolean all = drained(relay, drain, host); // before the process may go
            return !all ? ExitCode.FAILED : replaced ? ExitCode.OK : ExitCode.INTERRUPTED;
        }
    }

    /** Whether a successor has come. */
    private static boolean awaitEnd(Relay relay) {
        try {
            relay.handedOver().get();
            return true;
        } catch (InterruptedException told) {
            return false;
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    private static boolean drained(Relay relay, Duration drain, Host host) {
        int left = relay.sessions();
        if (left > 0) {
            complain(host, "takes no more; " + left + " sessions have " + drain.toSeconds() + " s to finish");
        }
        try {
            return relay.drain(drain);
        } catch (InterruptedException again) {
            return false;
        }
    }
}
