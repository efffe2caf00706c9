// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import java.net.InetAddress;
import java.util.List;

/**
 * Who may connect. A source that {@code deny} names may not; where {@code allow} names any, all others may not either.
 *
 * @param allow empty for everybody
 * @param deny counts before {@code allow}
 */
public record Access(List<Cidr> allow, List<Cidr> deny) {
    /** Everybody. */
    public static final Access OPEN = new Access(List.of(), List.of());

    /** Copies the lists. */
    public Access {
        allow = List.copyOf(allow);
        deny = List.copyOf(deny);
    }

    /** Whether connections from {@code source} are taken. */
    public boolean admits(InetAddress source) {
        return deny.stream().noneMatch(block -> block.contains(source))
                && (allow.isEmpty() || allow.stream().anyMatch(block -> block.contains(source)));
    }
}
