// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import io.sluice.Sluice;
import io.sluice.kernel.Kernel;
import io.sluice.relay.Address;
import io.sluice.relay.capture.Capture;
import io.sluice.relay.capture.Conversation;
import io.sluice.relay.capture.Notice;
import io.sluice.relay.replay.Outcome.Fate;
import io.sluice.relay.replay.Replay;
import io.sluice.relay.replay.Summary;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** One run of {@code sluice replay}: reads captures, replays or lists what is in them, reports. */
final class ReplayRun {
    private static final Duration INTERVAL = Duration.ofMillis(500);

    private final ReplayOptions options;
    private final Host host;

    ReplayRun(ReplayOptions options, Host host) {
        this.options = options;
        this.host = host;
    }

    /** Answers the exit code. */
    int run() {
        // The end of the process waits until this is closed: whatever is said is said before.
        try (Interruption _ = new Interruption()) {
            return read();
        }
    }

    private int read() {
        try (Capture capture = Capture.open(files())) {
            List<Conversation> meant =
                    capture.conversations().stream().filter(options::means).toList();
            if (!options.quiet() && !options.json()) {
                capture.notices().forEach(each -> say(each.toString()));
            }
            if (options.list()) {
                new ReplayList(host.out(), options.json()).print(meant, capture.notices());
                return ExitCode.OK;
            }
            if (meant.isEmpty()) {
                say("there is nothing to replay: "
                        + (capture.conversations().isEmpty()
                                ? "no TCP conversation is in there"
                                : "none of " + capture.conversations().size() + " conversations is meant"));
                return ExitCode.FAILED;
            }
            return replay(meant, capture.notices());
        } catch (ClosedByInterruptException e) {
            say("interrupted while it read");
            return ExitCode.INTERRUPTED;
        } catch (IOException e) {
            say(Complaint.of(e));
            return ExitCode.FAILED;
        }
    }

    /** Directories stand for the captures in them. */
    private List<Path> files() throws IOException {
        List<Path> files = new ArrayList<>();
        for (Path each : options.files()) {
            if (Files.isDirectory(each)) {
                try (Stream<Path> inside = Files.list(each)) {
                    files.addAll(inside.filter(ReplayRun::isCapture).sorted().toList());
                }
            } else {
                files.add(each);
            }
        }
        if (files.isEmpty()) {
            throw new IOException(options.files().getFirst() + ": no file in there ends in .pcapng, .pcap or .cap");
        }
        return files;
    }

    private static boolean isCapture(Path path) {
        return path.toString().matches(".*\\.(pcapng|pcap|cap)");
    }

    private int replay(List<Conversation> meant, List<Notice> notices) throws IOException {
        try (Kernel kernel = options.userSpace() ? host.userSpace() : host.linux();
                Sluice sluice = Sluice.on(kernel)) {
            Replay replay = new Replay(sluice, targets())
                    .speed(options.speed())
                    .loops(options.loops())
                    .connections(options.connections())
                    .timeout(options.timeout());
            if (options.compare()) {
                replay.compare();
            }
            if (options.midway()) {
                replay.fromMidway();
            }
            boolean drawn = options.progress() || (!options.quiet() && !options.json() && Host.isWatched(kernel));
            ReplayReport report = new ReplayReport(host, options, drawn);
            boolean interrupted = false;
            try (ProgressLine _ = drawn ? progressLine(replay, meant) : null) {
                replay.run(meant, report::tell);
            } catch (InterruptedException e) {
                interrupted = true;
            }
            int code = interrupted ? ExitCode.INTERRUPTED : exitCode(replay.summary());
            report.sum(replay.summary(), notices, code);
            return code;
        }
    }

    private @Nullable ProgressLine progressLine(Replay replay, List<Conversation> meant) {
        return new ProgressLine(host.err(), host.columns(), INTERVAL, replay.expectedBytes(meant), replay::movedBytes);
    }

    private List<SocketAddress> targets() throws IOException {
        return switch (options.to()) {
            case null -> throw new IllegalStateException("no address, and nothing to be listed");
            case Address.Unix unix -> List.of(UnixDomainSocketAddress.of(unix.path()));
            case Address.Tcp tcp -> {
                List<SocketAddress> addresses = new ArrayList<>();
                for (InetAddress each : InetAddress.getAllByName(tcp.host().isEmpty() ? "localhost" : tcp.host())) {
                    addresses.add(new InetSocketAddress(each, tcp.port()));
                }
                yield addresses;
            }
        };
    }

    /** What was skipped is no failure, unless nothing else is there. */
    private static int exitCode(Summary summary) {
        boolean bad = summary.count(Fate.DIFFERENT) + summary.count(Fate.FAILED) > 0;
        boolean some = summary.count(Fate.REPLAYED) + summary.count(Fate.PARTIAL) > 0;
        return bad || !some ? ExitCode.FAILED : ExitCode.OK;
    }

    private void say(@Nullable String text) {
        host.err().println("sluice: replay: " + text);
    }
}
