// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

/**
 * One server of a route.
 *
 * @param name what logs, metrics and the admin page call it; unique in its route
 * @param address where it is; a name is looked up again and again
 * @param weight its share of the sessions, 1 to 256; 0 for none but those that no other can take
 * @param backup whether it is used only when no other is up
 * @param proxy the header that it is sent before the first byte of a session
 */
public record Backend(String name, Address address, int weight, boolean backup, ProxyProtocol proxy) {
    /** The greatest weight: enough for shares of less than a percent, and round robin stays cheap. */
    public static final int MAX_WEIGHT = 256;

    /** Checks the weight. */
    public Backend {
        if (weight < 0 || weight > MAX_WEIGHT) {
            throw new IllegalArgumentException(
                    "backend " + name + " has weight " + weight + "; a weight is from 0 to " + MAX_WEIGHT);
        }
    }

    /** A backend of weight 1, named as its address. */
    public static Backend at(Address address) {
        return new Backend(address.toString(), address, 1, false, ProxyProtocol.NONE);
    }
}
