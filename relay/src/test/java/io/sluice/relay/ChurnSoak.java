// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.Listener;
import io.sluice.Sluice;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * {@link Churn} through a relay that is a process of its own, whose descriptors and memory are looked at from outside,
 * and which is told to end at last. What does not hold is said after FAILED. For bench/full/relay-soak.sh.
 */
final class ChurnSoak {
    private static final int THREADS = 16;

    /** After so many everything has been compiled, and every pool has been full. */
    private static final int WARM = 20_000;

    /** Runs of 200,000 that lost as little as 512 bytes each would come to more. */
    private static final long MORE_KIB_ALLOWED = 64 << 10;

    private static final int COMPLAINTS_SHOWN = 20;
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);
    private static final long NEWS_NANOS = TimeUnit.SECONDS.toNanos(20);

    private final ProcessHandle relay;
    private long warmKib = -1;
    private long lastNews = System.nanoTime();
    private boolean failed;

    private ChurnSoak(long pid) {
        this.relay = ProcessHandle.of(pid).orElseThrow();
    }

    /** The relay's process, its log, its port, its backend's, how many connections and of which seed. */
    public static void main(String[] args) throws Exception {
        ChurnSoak soak = new ChurnSoak(Long.parseLong(args[0]));
        soak.run(
                Path.of(args[1]),
                Integer.parseInt(args[2]),
                Integer.parseInt(args[3]),
                Integer.parseInt(args[4]),
                Long.parseLong(args[5]));
        System.exit(soak.failed ? 1 : 0);
    }

    private void run(Path log, int port, int backendPort, int connections, long seed) throws Exception {
        InetAddress here = InetAddress.getLoopbackAddress();
        try (Sluice sluice = Sluice.open();
                Listener backend = sluice.listen(new InetSocketAddress(here, backendPort))) {
            long sockets = sockets();
            System.out.println(connections + " connections of seed " + seed + "; before, " + state());
            Churn churn = new Churn(sluice, seed, connections);
            churn.start(new InetSocketAddress(here, port), backend, THREADS);
            require(churn.awaitClients(() -> look(churn)), "no connection has ended for half a minute");
            long deadline = System.nanoTime() + PATIENCE_NANOS;
            while (sockets() != sockets && System.nanoTime() < deadline) {
                TimeUnit.MILLISECONDS.sleep(10);
            }
            churn.close(backend);
            System.out.println("at the end, " + state());
            require(sockets() == sockets, "the relay had " + sockets + " sockets, and has " + sockets());
            require(
                    warmKib < 0 || residentKib() - warmKib <= MORE_KIB_ALLOWED,
                    "after the first " + WARM + " the relay had " + warmKib + " KiB, and has " + residentKib());
            relay.destroy();
            relay.onExit().get(); // by then its log is complete
            List<String> complaints = churn.complaints(lines(log));
            complaints.stream().limit(COMPLAINTS_SHOWN).forEach(System.out::println);
            require(complaints.isEmpty(), complaints.size() + " things do not agree");
            System.out.println(churn.summary());
        }
    }

    private void look(Churn churn) {
        try {
            if (warmKib < 0 && churn.done() >= WARM) {
                warmKib = residentKib();
            }
            if (System.nanoTime() - lastNews >= NEWS_NANOS) {
                lastNews = System.nanoTime();
                System.out.println(churn.done() + " connections; " + state());
            }
        } catch (IOException e) {
            require(false, "the relay cannot be looked at: " + e);
        }
    }

    private void require(boolean holds, String what) {
        if (!holds) {
            failed = true;
            System.out.println("FAILED: " + what);
        }
    }

    // The relay, seen from outside.

    private String state() throws IOException {
        return "the relay has " + sockets() + " sockets, " + open("pipe:") / 2 + " pipes and " + residentKib() + " KiB";
    }

    private long sockets() throws IOException {
        return open("socket:");
    }

    private long open(String kind) throws IOException {
        long count = 0;
        try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc/" + relay.pid() + "/fd"))) {
            for (Path each : all) {
                try {
                    count += Files.readSymbolicLink(each).toString().startsWith(kind) ? 1 : 0;
                } catch (NoSuchFileException closedMeanwhile) {
                    // Then it is none of those that are open.
                }
            }
        }
        return count;
    }

    private long residentKib() throws IOException {
        return Files.readAllLines(Path.of("/proc/" + relay.pid() + "/status")).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
                .findFirst()
                .orElseThrow();
    }

    /** The lines of the log, by the client's address: time client listener route/backend timers down up path how. */
    private static Map<String, Churn.Line> lines(Path log) throws IOException {
        Map<String, Churn.Line> lines = new HashMap<>();
        for (String line : Files.readAllLines(log)) {
            String[] words = line.split(" ", 10);
            lines.put(
                    words[1].substring(0, words[1].indexOf(':')),
                    new Churn.Line(Long.parseLong(words[6]), Long.parseLong(words[5]), words[8]));
        }
        return lines;
    }
}
