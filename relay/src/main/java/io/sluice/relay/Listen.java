// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where a route takes connections.
 *
 * @param address TCP, with SO_REUSEPORT and one socket per event loop, or Unix
 * @param mode permissions of a Unix socket, such as 0660; null as the umask has it
 * @param owner user of a Unix socket, by name; null for the one that runs the relay
 * @param group its group
 * @param proxyFrom the sources that begin with a PROXY header, v1 or v2, and whose word is taken for it; nobody else's
 *     first bytes are looked at
 */
public record Listen(
        Address address,
        @Nullable Integer mode,
        @Nullable String owner,
        @Nullable String group,
        List<Cidr> proxyFrom) {
    /** Copies the list. */
    public Listen {
        proxyFrom = List.copyOf(proxyFrom);
    }

    /** What {@code listens} ask for the permissions of one address, each wish once and in words. */
    static List<String> permissions(List<Listen> listens) {
        return listens.stream().map(Listen::permissions).distinct().sorted().toList();
    }

    private String permissions() {
        return (mode == null ? "the umask's" : Integer.toOctalString(mode))
                + (owner == null ? "" : " " + owner)
                + (group == null ? "" : " :" + group);
    }

    /** Without more. */
    public static Listen on(Address address) {
        return new Listen(address, null, null, null, List.of());
    }
}
