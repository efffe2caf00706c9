// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import io.sluice.kernel.Kernel;
import io.sluice.relay.Address;
import io.sluice.relay.Admin;
import io.sluice.relay.Config;
import io.sluice.relay.ConfigException;
import io.sluice.relay.ConfigFile;
import io.sluice.relay.LogFormat;
import io.sluice.relay.Relay;
import io.sluice.relay.SessionLog;
import io.sluice.relay.admin.AdminServer;
import io.sluice.relay.record.Recording;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** {@code sluice relay}: listens, and brings what comes to backends. */
final class RelayCommand implements Command {
    private static final int MOST_ADMIN_TRIES = 100;
    private static final String LOG_FORMAT = "java.util.logging.SimpleFormatter.format";
    private static final long ADMIN_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

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
        if (System.getProperty(LOG_FORMAT) == null) {
            System.setProperty(LOG_FORMAT, "sluice: relay: %5$s%6$s%n"); // message and exception, as our own lines
        }
        try {
            Config config = config(options);
            if (options.check()) {
                int routes = config.routes().size();
                host.out()
                        .println("sluice: relay: the configuration is good: " + routes
                                + (routes == 1 ? " route" : " routes"));
                return ExitCode.OK;
            }
            return relay(config, options, host);
        } catch (ConfigException e) {
            complain(host, String.valueOf(e.getMessage()));
        } catch (IOException e) {
            complain(host, Complaint.of(e));
        }
        return ExitCode.FAILED;
    }

    private static Config config(RelayOptions options) throws ConfigException, IOException {
        Path file = options.file();
        return file == null ? Objects.requireNonNull(options.config()) : read(file);
    }

    private static Config read(Path file) throws ConfigException, IOException {
        if (Files.isDirectory(file)) {
            throw new Refusal(file + ": is a directory; name a file of YAML");
        }
        return ConfigFile.read(file);
    }

    private static void complain(Host host, String complaint) {
        host.err().println("sluice: relay: " + complaint);
    }

    private static int relay(Config config, RelayOptions options, Host host) throws IOException {
        List<Integer> inherited =
                Activation.descriptors(System.getenv(), ProcessHandle.current().pid());
        Admin admin = config.admin();
        if (admin != null) {
            AdminServer.requireToken(admin); // before a relay that this one is to follow goes
        }
        // The end of the process waits until all of this is closed.
        try (Interruption interruption = new Interruption(options.drain().plusSeconds(5))) {
            int code;
            try (Kernel kernel = options.userSpace() ? host.userSpace() : host.linux();
                    LogLines lines = new LogLines(host.out());
                    Relay relay = start(kernel, config, writer(options.log(), lines), inherited)) {
                code = serve(config, relay, options, host);
            }
            if (code == ExitCode.FAILED) {
                interruption.halts();
            }
            return code;
        }
    }

    private static Relay start(Kernel kernel, Config config, Consumer<SessionLog> log, List<Integer> inherited)
            throws IOException {
        try {
            return Relay.start(kernel, config, log, inherited);
        } catch (FileSystemException e) {
            Recording recording = config.recording();
            Path failed = Path.of(String.valueOf(e.getFile()));
            if (recording == null || !recording.directory().toAbsolutePath().startsWith(failed.toAbsolutePath())) {
                throw e;
            }
            String why = switch (e) {
                case FileAlreadyExistsException _ -> failed + " is no directory";
                case NoSuchFileException _ -> "it cannot be made there";
                default -> Complaint.of(e);
            };
            throw new Refusal(
                    "cannot record into " + recording.directory() + ": " + why
                            + "; name a directory that is there, or where it can be made",
                    e);
        }
    }

    /**
     * Relays until the process is told to end, another relay has taken its place or this one has failed; then the
     * sessions have the time of {@code --drain} to finish. Answers the exit code.
     */
    private static int serve(Config config, Relay relay, RelayOptions options, Host host) throws IOException {
        Path file = options.file();
        if (file != null) {
            Interruption.onHangUp(() -> reload(relay, file, host));
        }
        try (AdminServer admin = admin(config, relay, options, host)) {
            relay.addresses().forEach((asked, bound) -> complain(host, "listening at " + place(asked, bound)));
            if (admin != null) {
                complain(host, "admin page at " + admin.uri());
            }
            int code = awaitEnd(relay, host);
            if (code == ExitCode.OK && admin != null) {
                admin.stop(); // the successor wants the address; without one, the drain is to be seen there
            }
            return drained(relay, options.drain(), host) ? code : ExitCode.FAILED;
        }
    }

    private static String place(Address asked, SocketAddress bound) {
        boolean chosen = asked instanceof Address.Tcp tcp && tcp.port() == 0;
        return asked + (chosen && bound instanceof InetSocketAddress at ? ", port " + at.getPort() : "");
    }

    private static @Nullable AdminServer admin(Config config, Relay relay, RelayOptions options, Host host)
            throws IOException {
        Admin admin = config.admin();
        if (admin == null) {
            return null;
        }
        AdminServer.Reload reload = () -> {
            Path file = options.file();
            if (file == null) {
                throw new ConfigException("this relay was started by flags and has no file to read");
            }
            follow(relay, file, host);
        };
        return relay.isSuccessor() ? adminAfter(admin, relay, reload, host) : AdminServer.start(admin, relay, reload);
    }

    /** The relay before this one gives the address up a moment after it has been told to go. */
    private static @Nullable AdminServer adminAfter(Admin admin, Relay relay, AdminServer.Reload reload, Host host) {
        for (int tries = 1; ; tries++) {
            try {
                return AdminServer.start(admin, relay, reload);
            } catch (IOException e) {
                if (tries == MOST_ADMIN_TRIES || Thread.currentThread().isInterrupted()) {
                    complain(host, Complaint.of(e) + "; relays without an admin page");
                    return null;
                }
                LockSupport.parkNanos(ADMIN_PAUSE_NANOS);
            }
        }
    }

    private static Consumer<SessionLog> writer(RelayOptions.Log how, LogLines lines) {
        return switch (how) {
            case TEXT -> log -> lines.add(LogFormat.text(log));
            case JSON -> log -> lines.add(Json.of(LogFormat.fields(log)));
            case NONE -> _ -> {};
        };
    }

    private static void follow(Relay relay, Path file, Host host) throws ConfigException, IOException {
        relay.reload(read(file));
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

    /** Answers the exit code that goes with the reason. */
    private static int awaitEnd(Relay relay, Host host) {
        try {
            relay.handedOver().get();
            complain(host, "another relay has taken over");
            return ExitCode.OK;
        } catch (InterruptedException told) {
            return ExitCode.INTERRUPTED;
        } catch (ExecutionException e) {
            complain(host, "has failed by a mistake of its own: " + e.getCause());
            return ExitCode.FAILED;
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
