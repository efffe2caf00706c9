// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Looks up the names of backends again and again, in a thread of its own, since the name service may take its time. A
 * name that is not known for the moment keeps the addresses that it had. Without a name to look up there is no thread.
 */
final class Names implements AutoCloseable {
    /** Asks the name service. */
    interface Service {
        InetAddress[] lookUp(String host) throws UnknownHostException;
    }

    private static final System.Logger LOG = System.getLogger(Names.class.getName());

    /** What the JDK itself remembers names for, by default. */
    private static final Duration INTERVAL = Duration.ofSeconds(30);

    private static final Duration PATIENCE = Duration.ofSeconds(1);

    private static final Pattern LITERAL = Pattern.compile("[0-9.]+|[0-9a-fA-F:.%]*:[0-9a-fA-F:.%]*");

    private final Service service;
    private final Duration interval;
    private final Set<LiveBackend> watched = ConcurrentHashMap.newKeySet();
    private final Thread thread =
            Thread.ofPlatform().daemon().name("sluice-relay-names").unstarted(this::watch);
    private boolean started; // guarded by this

    Names() {
        this(InetAddress::getAllByName, INTERVAL);
    }

    /** For tests. */
    Names(Service service, Duration interval) {
        this.service = service;
        this.interval = interval;
    }

    /**
     * Finds a backend's addresses now, and later again.
     *
     * @throws UnknownHostException when its name is not known; nothing is watched then
     */
    void add(LiveBackend backend) throws IOException {
        backend.resolved(addresses(backend.backend().address()));
        if (hasName(backend)) {
            follow(backend);
        }
    }

    /**
     * As {@link #add}, for what may be unknown at first, and is not waited for when the name service takes its time.
     */
    void addLater(LiveBackend backend) throws IOException {
        if (!hasName(backend)) {
            add(backend);
            return;
        }
        follow(backend);
        Thread first = Thread.ofPlatform().daemon().name("sluice-relay-name").start(() -> again(backend));
        try {
            first.join(PATIENCE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static boolean hasName(LiveBackend backend) {
        return backend.backend().address() instanceof Address.Tcp tcp
                && !LITERAL.matcher(tcp.host()).matches();
    }

    private void follow(LiveBackend backend) {
        watched.add(backend);
        start();
    }

    private synchronized void start() {
        if (!started) {
            started = true;
            thread.start();
        }
    }

    /** It is of no interest any more. */
    void remove(LiveBackend backend) {
        watched.remove(backend);
    }

    /** All others are of no interest any more. */
    void keepOnly(Set<LiveBackend> backends) {
        watched.retainAll(backends);
    }

    private List<SocketAddress> addresses(Address address) throws UnknownHostException {
        return switch (address) {
            case Address.Unix unix -> List.of(UnixDomainSocketAddress.of(unix.path()));
            case Address.Tcp tcp -> {
                List<SocketAddress> found = new ArrayList<>();
                for (InetAddress each : service.lookUp(tcp.host())) {
                    found.add(new InetSocketAddress(each, tcp.port()));
                }
                yield found;
            }
        };
    }

    private void watch() {
        try {
            while (true) {
                TimeUnit.NANOSECONDS.sleep(interval.toNanos());
                for (LiveBackend backend : watched) {
                    again(backend);
                    if (Thread.interrupted()) {
                        return;
                    }
                }
            }
        } catch (InterruptedException closed) {
            // That is how it is told to end.
            Thread.currentThread().interrupt();
        }
    }

    private void again(LiveBackend backend) {
        try {
            List<SocketAddress> found = addresses(backend.backend().address());
            List<SocketAddress> before = backend.addresses();
            if (!Set.copyOf(found).equals(Set.copyOf(before))) {
                if (!before.isEmpty()) {
                    LOG.log(Level.INFO, "{0} is at {1} now", backend, text(found));
                }
                backend.resolved(found);
            }
        } catch (UnknownHostException e) {
            List<SocketAddress> before = backend.addresses();
            String meanwhile = before.isEmpty() ? "is nowhere" : "stays at " + text(before);
            LOG.log(Level.WARNING, "{0} {1}: its name is not known now", backend, meanwhile);
        }
    }

    private static String text(List<SocketAddress> addresses) {
        return addresses.stream().map(Sockets::text).collect(Collectors.joining(", "));
    }

    @Override
    public void close() {
        thread.interrupt();
        boolean interrupted = false;
        while (thread.getState() != Thread.State.NEW) {
            try {
                thread.join(PATIENCE); // a name service that does not answer holds it, and nothing ends that
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
