// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.replay;

import io.sluice.relay.replay.Outcome.Fate;
import java.time.Duration;
import java.util.Map;

/**
 * What a replay has done so far.
 *
 * @param connections how many went in each way
 * @param sentBytes what all servers were told
 * @param receivedBytes what they answered
 * @param elapsed since the replay began
 * @param late by how much the latest connection began after its time, for want of room or of speed
 */
public record Summary(
        Map<Fate, Long> connections, long sentBytes, long receivedBytes, Duration elapsed, Duration late) {
    /** How many went that way. */
    public long count(Fate fate) {
        return connections.getOrDefault(fate, 0L);
    }
}
