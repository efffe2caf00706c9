// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.kernel.TransferPath;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One session, told when it is over.
 *
 * @param accepted when its connection was taken
 * @param client who it came from, by a PROXY header's word where there was one that is trusted
 * @param listener the address that it came to
 * @param route which took it; null when none did
 * @param serverName which it asked for, of TLS that was looked at; null otherwise
 * @param backend which served it; null when none did
 * @param hello until it was known who wants what
 * @param queued in the queue of a full route
 * @param connecting until a backend had taken it, failed ones included
 * @param total from beginning to end
 * @param tries backends that were tried
 * @param bytesUp that reached the backend
 * @param bytesDown that reached the client
 * @param bytesByPath both together, by the paths they took
 * @param termination how it ended
 * @param sessions of its route when it ended, this one included
 * @param backendSessions of its backend
 * @param mirrors what they have got of it by now
 * @param detail what went wrong, for people; empty when nothing did
 */
public record SessionLog(
        Instant accepted,
        String client,
        String listener,
        @Nullable String route,
        @Nullable String serverName,
        @Nullable String backend,
        Duration hello,
        Duration queued,
        Duration connecting,
        Duration total,
        int tries,
        long bytesUp,
        long bytesDown,
        Map<TransferPath, Long> bytesByPath,
        Termination termination,
        int sessions,
        int backendSessions,
        List<Mirrored> mirrors,
        String detail) {
    /** Copies the map and the list. */
    public SessionLog {
        bytesByPath = Map.copyOf(bytesByPath);
        mirrors = List.copyOf(mirrors);
    }

    /**
     * What a mirror has got of a session when that is over. What it has not got by then may still come.
     *
     * @param bytes that its socket has taken
     * @param waitingBytes that are on their way
     * @param missedBytes that it will not get
     * @param loss why it was given up; null when it was not
     */
    public record Mirrored(String name, long bytes, long waitingBytes, long missedBytes, Mirror.@Nullable Loss loss) {}
}
