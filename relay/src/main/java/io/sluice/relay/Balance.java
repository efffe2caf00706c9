// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

/** How a route chooses among the backends that are up. Weights count in each way. */
public enum Balance {
    /** In turn, the heavier ones more often and spread evenly. */
    ROUND_ROBIN,
    /** The one with the fewest sessions for its weight. */
    LEAST_CONNECTIONS,
    /** The same for the same source address, as long as the backends stay the same; few sources move when one goes. */
    SOURCE_HASH
}
