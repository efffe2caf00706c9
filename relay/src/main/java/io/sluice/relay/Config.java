// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.relay.record.Recording;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * All that a relay is to do.
 *
 * @param routes at least one, each under a name of its own
 * @param loops event loops, and so threads that relay; one per core is best
 * @param maxSessions at a time, of all routes together; 0 for as many as the kernel gives descriptors for
 * @param handover a Unix socket where the relay that is started next takes over the listening sockets; null for none
 * @param admin where people and machines look at the relay; null for nowhere
 * @param recording how sessions are recorded; null for not at all
 * @param recorded which of them, of the routes that are recorded
 */
public record Config(
        List<Route> routes,
        int loops,
        int maxSessions,
        @Nullable Path handover,
        @Nullable Admin admin,
        @Nullable Recording recording,
        Sample recorded) {
    /** Checks what the routes have to do with each other. */
    public Config {
        routes = List.copyOf(routes);
        require(!routes.isEmpty(), "a relay needs a route");
        require(loops >= 1, "a relay needs at least 1 event loop, not " + loops);
        require(maxSessions >= 0, "the most sessions of a relay are 0, for no limit, or more");
        Set<String> names = new HashSet<>();
        routes.forEach(route -> require(names.add(route.name()), "two routes are named " + route.name()));
        byAddress(routes).forEach(Config::requireDistinct);
    }

    /** Without a successor or an admin address. */
    public Config(List<Route> routes, int loops, int maxSessions) {
        this(routes, loops, maxSessions, null, null);
    }

    /** Without a recording. */
    public Config(List<Route> routes, int loops, int maxSessions, @Nullable Path handover, @Nullable Admin admin) {
        this(routes, loops, maxSessions, handover, admin, null, Sample.ALL);
    }

    /** One route, with a loop per core. */
    public static Config of(Route route) {
        return new Config(List.of(route), Runtime.getRuntime().availableProcessors(), 0);
    }

    private static void requireDistinct(Address address, List<Route> routes) {
        Map<String, String> takenBy = new HashMap<>();
        for (Route route : routes) {
            List<String> names = route.serverNames().isEmpty() ? List.of("") : route.serverNames();
            for (String name : names) {
                String other = takenBy.putIfAbsent(name, route.name());
                require(
                        other == null,
                        "routes " + other + " and " + route.name() + " both take "
                                + (name.isEmpty() ? "connections without a server name" : "server name " + name)
                                + " at "
                                + address);
            }
        }
    }

    /** The routes at each address. */
    static Map<Address, List<Route>> byAddress(List<Route> routes) {
        Map<Address, List<Route>> found = new HashMap<>();
        for (Route route : routes) {
            for (Listen listen : route.listens()) {
                List<Route> there = found.computeIfAbsent(listen.address(), _ -> new ArrayList<>());
                require(!there.contains(route), "route " + route.name() + " listens twice at " + listen.address());
                there.add(route);
            }
        }
        return found;
    }

    private static void require(boolean holds, String complaint) {
        if (!holds) {
            throw new IllegalArgumentException(complaint);
        }
    }
}
