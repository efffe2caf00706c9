// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

/** A number for each side. */
final class Counts {
    private long client;
    private long server;

    long of(Side side) {
        return side == Side.CLIENT ? client : server;
    }

    void add(Side side, long count) {
        if (side == Side.CLIENT) {
            client += count;
        } else {
            server += count;
        }
    }
}
