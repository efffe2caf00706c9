// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Which sessions are mirrored or recorded, each of them whole.
 *
 * @param part of so many sessions or sources ...
 * @param whole ... out of so many
 * @param bySource whether a source is in with all of its sessions or with none
 * @param sources only from there; empty for everywhere
 */
public record Sample(int part, int whole, boolean bySource, List<Cidr> sources) {
    /** Every session. */
    public static final Sample ALL = new Sample(1, 1, false, List.of());

    private static final String OF_SOURCES = "source:";

    /** Copies the list and checks the ratio. */
    public Sample {
        if (part < 1 || whole < part) {
            throw new IllegalArgumentException(
                    "a sample is a part of a whole, such as 1/20, and not " + part + "/" + whole);
        }
        sources = List.copyOf(sources);
    }

    /**
     * Reads a sample: {@code 1/20} of the sessions, {@code source:1/20} all sessions of one source in twenty,
     * {@code 10.0.0.0/8} those from there; with commas between, what fulfils all.
     *
     * @throws ConfigException when it is none
     */
    public static Sample parse(String text) throws ConfigException {
        int part = 1;
        int whole = 1;
        boolean bySource = false;
        boolean hasRatio = false;
        List<Cidr> sources = new ArrayList<>();
        for (String each : text.split(",", -1)) {
            String ratio = each.startsWith(OF_SOURCES) ? each.substring(OF_SOURCES.length()) : each;
            if (ratio.matches("[0-9]{1,9}/[0-9]{1,9}")) {
                if (hasRatio) {
                    throw new ConfigException("a sample has one ratio, and not two: '" + text + "'");
                }
                int slash = ratio.indexOf('/');
                part = Integer.parseInt(ratio.substring(0, slash));
                whole = Integer.parseInt(ratio.substring(slash + 1));
                bySource = each.startsWith(OF_SOURCES);
                hasRatio = true;
            } else if (each.contains(".") || each.contains(":")) {
                sources.add(Cidr.parse(each));
            } else {
                throw new ConfigException("not a sample: '" + text
                        + "'; examples: 1/20 (of the sessions), source:1/20 (of the sources), 10.0.0.0/8");
            }
        }
        try {
            return new Sample(part, whole, bySource, sources);
        } catch (IllegalArgumentException e) {
            throw new ConfigException(String.valueOf(e.getMessage()));
        }
    }

    /**
     * Whether a session is in it.
     *
     * @param ordinal the session's number, counted by whoever takes samples
     */
    public boolean takes(SocketAddress source, long ordinal) {
        InetAddress address = source instanceof InetSocketAddress inet ? inet.getAddress() : null;
        if (!sources.isEmpty() && (address == null || sources.stream().noneMatch(block -> block.contains(address)))) {
            return false;
        }
        return Math.floorMod(bySource ? mixed(address == null ? new byte[0] : address.getAddress()) : ordinal, whole)
                < part;
    }

    /** Neighbours in a network are to be spread. */
    private static long mixed(byte[] address) {
        long hash = Arrays.hashCode(address) * 0x9E37_79B9_7F4A_7C15L; // 2^64 over the golden ratio
        return hash >>> 32;
    }
}
