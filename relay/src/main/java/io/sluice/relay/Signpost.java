// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Which route a connection at one address takes, and what has to be looked at to tell. Immutable. */
final class Signpost {
    private final Map<String, LiveRoute> exact = new HashMap<>();
    private final Map<String, LiveRoute> below = new HashMap<>(); // of *.example.com, under example.com
    private final List<Cidr> proxyFrom;
    private @Nullable LiveRoute otherwise;
    private Duration helloTimeout = Duration.ZERO;

    /**
     * The signpost of one address.
     *
     * @param routes those that listen there
     * @param proxyFrom the sources that begin with a PROXY header
     */
    Signpost(List<LiveRoute> routes, List<Cidr> proxyFrom) {
        this.proxyFrom = List.copyOf(proxyFrom);
        for (LiveRoute route : routes) {
            Duration hello = route.route().timeouts().hello();
            helloTimeout = hello.compareTo(helloTimeout) > 0 ? hello : helloTimeout;
            List<String> names = route.route().serverNames();
            if (names.isEmpty()) {
                otherwise = route;
            }
            for (String name : names) {
                if (name.startsWith("*.")) {
                    below.put(name.substring(2), route);
                } else {
                    exact.put(name, route);
                }
            }
        }
    }

    /** The longest of all routes: nobody knows yet which it will be. */
    Duration helloTimeout() {
        return helloTimeout;
    }

    /** Whether the ClientHello has to be looked at. */
    boolean asksForNames() {
        return !exact.isEmpty() || !below.isEmpty();
    }

    /** Whether a connection from there begins with a PROXY header. */
    boolean expectsHeader(SocketAddress peer) {
        if (proxyFrom.isEmpty()) {
            return false;
        }
        InetAddress address = peer instanceof InetSocketAddress inet ? inet.getAddress() : null;
        // Who may open a Unix socket is up to its permissions.
        return address == null || proxyFrom.stream().anyMatch(block -> block.contains(address));
    }

    /** The route for a server name, the most exact first; null when there is none. */
    @Nullable
    LiveRoute route(@Nullable String serverName) {
        if (serverName == null) {
            return otherwise;
        }
        LiveRoute found = exact.get(serverName);
        for (int dot = serverName.indexOf('.'); found == null && dot >= 0; dot = serverName.indexOf('.', dot + 1)) {
            found = below.get(serverName.substring(dot + 1));
        }
        return found == null ? otherwise : found;
    }
}
