// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A block of addresses: 10.0.0.0/8, 2001:db8::/32, or a single address. */
public final class Cidr {
    private final byte[] network;
    private final int prefixBits;

    private Cidr(byte[] network, int prefixBits) {
        this.network = network;
        this.prefixBits = prefixBits;
    }

    /**
     * Reads an address, with the length of its prefix or without.
     *
     * @throws ConfigException when it is none, or bits are set behind the prefix, which is a mistake more often than
     *     not
     */
    public static Cidr parse(String text) throws ConfigException {
        int slash = text.indexOf('/');
        byte @Nullable [] address = literal(slash < 0 ? text : text.substring(0, slash));
        if (address == null) {
            throw new ConfigException(
                    "not a block of addresses: '" + text + "'; write 10.0.0.0/8, 2001:db8::/32 or an address");
        }
        int bits = slash < 0 ? address.length * 8 : prefix(text.substring(slash + 1));
        if (bits < 0 || bits > address.length * 8) {
            throw new ConfigException(
                    "the prefix of '" + text + "' has to be from 0 to " + address.length * 8 + " bits");
        }
        Cidr block = new Cidr(address, bits);
        byte[] masked = block.masked(address);
        if (!Arrays.equals(masked, address)) {
            throw new ConfigException(
                    "'" + text + "' has bits behind its prefix; the block is " + new Cidr(masked, bits));
        }
        return block;
    }

    /** Of the forms that the JDK knows only those that people write. */
    private static byte @Nullable [] literal(String text) {
        boolean six = text.indexOf(':') >= 0;
        boolean four = text.matches("[0-9]{1,3}(\\.[0-9]{1,3}){3}");
        if (text.isEmpty() || !(six || four) || text.indexOf('%') >= 0) {
            return null;
        }
        try {
            // An IPv4 address written as IPv6 becomes IPv4 here, as one that a connection comes from does.
            return InetAddress.ofLiteral(text).getAddress();
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private static int prefix(String digits) {
        return digits.matches("[0-9]{1,3}") ? Integer.parseInt(digits) : -1;
    }

    private byte[] masked(byte[] address) {
        byte[] masked = address.clone();
        for (int bit = prefixBits; bit < address.length * 8; bit++) {
            masked[bit / 8] &= (byte) ~(0x80 >> (bit % 8));
        }
        return masked;
    }

    /** Whether {@code address} lies in it; one of the other version never does. */
    public boolean contains(InetAddress address) {
        byte[] bytes = address.getAddress();
        return bytes.length == network.length && Arrays.equals(masked(bytes), network);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Cidr cidr && cidr.prefixBits == prefixBits && Arrays.equals(cidr.network, network);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(network) * 31 + prefixBits;
    }

    @Override
    public String toString() {
        try {
            return InetAddress.getByAddress(network).getHostAddress() + "/" + prefixBits;
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e); // only for a length that is neither 4 nor 16
        }
    }
}
