// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;

/** An address and a port, small; an IPv4 address is kept as IPv6 maps it. */
record Endpoint(long high, long low, int port) {
    static final Endpoint NOBODY = new Endpoint(0, 0, 0);

    private static final long MAPPED = 0xffff_0000_0000L;

    static Endpoint ipv4(int address) {
        return new Endpoint(0, MAPPED | (address & 0xffff_ffffL), 0);
    }

    static Endpoint ipv6(long high, long low) {
        return new Endpoint(high, low, 0);
    }

    Endpoint withPort(int number) {
        return new Endpoint(high, low, number);
    }

    InetSocketAddress address() {
        byte[] bytes = ByteBuffer.allocate(16).putLong(high).putLong(low).array();
        try {
            return new InetSocketAddress(InetAddress.getByAddress(bytes), port); // of a mapped one it makes an IPv4 one
        } catch (UnknownHostException e) {
            throw new IllegalStateException("16 bytes are an address", e);
        }
    }

    /** The two of a connection, in an order that does not depend on who speaks. */
    record Pair(Endpoint one, Endpoint other) {
        static Pair of(Endpoint a, Endpoint b) {
            return precedes(a, b) ? new Pair(a, b) : new Pair(b, a);
        }

        private static boolean precedes(Endpoint a, Endpoint b) {
            int order = Long.compareUnsigned(a.high, b.high);
            order = order == 0 ? Long.compareUnsigned(a.low, b.low) : order;
            return order == 0 ? a.port <= b.port : order < 0;
        }
    }
}
