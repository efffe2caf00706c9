// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How a peer that has vanished is found out, on TCP connections to both sides; tcp(7).
 *
 * @param idle until the first probe; null for no probes
 * @param interval between probes
 * @param probes unanswered ones that end the connection
 * @param userTimeout for data that is not acknowledged; null as the system has it
 */
public record KeepAlive(
        @Nullable Duration idle,
        Duration interval,
        int probes,
        @Nullable Duration userTimeout) {
    /** What the system has anyway: no probes. */
    public static final KeepAlive NONE = new KeepAlive(null, Duration.ofSeconds(15), 4, null);
}
