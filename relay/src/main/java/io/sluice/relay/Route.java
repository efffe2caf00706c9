// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * From where to where, and how. Several routes may listen at one address when all of them but one have server names.
 *
 * @param name unique in its configuration
 * @param listens where it takes connections
 * @param serverNames of TLS connections, which are passed through: {@code db.example.com}, {@code *.example.com}; lower
 *     case; empty for any connection that no other route at the same address has taken
 * @param backends at least one
 * @param balance how one is chosen
 * @param tries how many backends are tried for one connection before it is given up
 * @param health how they are watched; null for not at all
 * @param recorded whether its sessions are in the relay's recording, when there is one
 * @param mirrors services that get a copy; each under a name of its own
 */
public record Route(
        String name,
        List<Listen> listens,
        List<String> serverNames,
        List<Backend> backends,
        Balance balance,
        int tries,
        @Nullable Health health,
        boolean recorded,
        List<Mirror> mirrors,
        Timeouts timeouts,
        Limits limits,
        Access access,
        KeepAlive keepAlive,
        PathChoice path) {
    /** Copies the lists and checks what does not depend on other routes. */
    public Route {
        listens = List.copyOf(listens);
        serverNames =
                serverNames.stream().map(each -> each.toLowerCase(Locale.ROOT)).toList();
        backends = List.copyOf(backends);
        require(!listens.isEmpty(), name, "listens nowhere");
        require(!backends.isEmpty(), name, "has no backend");
        require(tries >= 1, name, "tries " + tries + " backends; it must be at least 1");
        Set<String> names = new HashSet<>();
        for (Backend backend : backends) {
            require(names.add(backend.name()), name, "has two backends named " + backend.name());
        }
        mirrors = List.copyOf(mirrors);
        Set<String> mirrorNames = new HashSet<>();
        for (Mirror mirror : mirrors) {
            require(mirrorNames.add(mirror.name()), name, "has two mirrors named " + mirror.name());
        }
    }

    private static void require(boolean holds, String name, String complaint) {
        if (!holds) {
            throw new IllegalArgumentException("route " + name + " " + complaint);
        }
    }

    /** Begins a route. */
    public static Builder named(String name) {
        return new Builder(name);
    }

    /** Puts a route together from what differs from the defaults. */
    public static final class Builder {
        private final String name;
        private final List<Listen> listens = new ArrayList<>();
        private final List<String> serverNames = new ArrayList<>();
        private final List<Backend> backends = new ArrayList<>();
        private final List<Mirror> mirrors = new ArrayList<>();
        private boolean recorded = true;
        private Balance balance = Balance.ROUND_ROBIN;
        private int tries = 3;
        private @Nullable Health health;
        private Timeouts timeouts = Timeouts.DEFAULT;
        private Limits limits = Limits.NONE;
        private Access access = Access.OPEN;
        private KeepAlive keepAlive = KeepAlive.NONE;
        private PathChoice path = PathChoice.AUTO;

        private Builder(String name) {
            this.name = name;
        }

        /** One more place to listen at. */
        public Builder listen(Listen listen) {
            listens.add(listen);
            return this;
        }

        /** One more server name. */
        public Builder serverName(String pattern) {
            serverNames.add(pattern);
            return this;
        }

        /** One more backend. */
        public Builder to(Backend backend) {
            backends.add(backend);
            return this;
        }

        /** How a backend is chosen; in turn unless told. */
        public Builder balance(Balance how) {
            balance = how;
            return this;
        }

        /** How many backends are tried for one connection; 3 unless told. */
        public Builder tries(int count) {
            tries = count;
            return this;
        }

        /** How backends are watched; not at all unless told. */
        public Builder health(Health check) {
            health = check;
            return this;
        }

        /** Whether its sessions are recorded when the relay records. */
        public Builder recorded(boolean yes) {
            recorded = yes;
            return this;
        }

        /** One more service that gets a copy. */
        public Builder mirror(Mirror mirror) {
            mirrors.add(mirror);
            return this;
        }

        public Builder timeouts(Timeouts all) {
            timeouts = all;
            return this;
        }

        public Builder limits(Limits all) {
            limits = all;
            return this;
        }

        public Builder access(Access rules) {
            access = rules;
            return this;
        }

        public Builder keepAlive(KeepAlive settings) {
            keepAlive = settings;
            return this;
        }

        public Builder path(PathChoice choice) {
            path = choice;
            return this;
        }

        /** The route. */
        public Route build() {
            return new Route(
                    name,
                    listens,
                    serverNames,
                    backends,
                    balance,
                    tries,
                    health,
                    recorded,
                    mirrors,
                    timeouts,
                    limits,
                    access,
                    keepAlive,
                    path);
        }
    }
}
