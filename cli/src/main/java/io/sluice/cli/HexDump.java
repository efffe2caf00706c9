// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import io.sluice.relay.replay.Excerpt;
import java.util.HexFormat;

/** Two excerpts of the same place, as hex and text, in the manner of diff: what is in one of them alone is marked. */
final class HexDump {
    private static final int LINE_BYTES = 16;
    private static final HexFormat HEX = HexFormat.of();

    private HexDump() {}

    /** Lines that begin with {@code -} are recorded, those with {@code +} were received, and others are both. */
    static String of(Excerpt recorded, Excerpt received) {
        StringBuilder text = new StringBuilder();
        for (int from = 0; from < Math.max(recorded.length(), received.length()); from += LINE_BYTES) {
            String then = line(recorded, from);
            String now = line(received, from);
            if (then.equals(now)) {
                text.append("    ").append(then).append('\n');
            } else {
                text.append(then.isEmpty() ? "" : "  - " + then + "\n")
                        .append(now.isEmpty() ? "" : "  + " + now + "\n");
            }
        }
        return text.toString();
    }

    private static String line(Excerpt excerpt, int from) {
        if (from >= excerpt.length()) {
            return "";
        }
        StringBuilder hex = new StringBuilder();
        StringBuilder text = new StringBuilder();
        for (int i = from; i < from + LINE_BYTES; i++) {
            boolean there = i < excerpt.length();
            hex.append(there ? digits(excerpt.at(i)) : "  ").append(i - from == LINE_BYTES / 2 - 1 ? "  " : " ");
            if (there) {
                int value = excerpt.at(i);
                text.append(value == Excerpt.UNKNOWN ? '?' : value >= ' ' && value < 0x7f ? (char) value : '.');
            }
        }
        return HEX.toHexDigits(excerpt.offset() + from, 8) + "  " + hex + " |" + text + "|";
    }

    /** Two hexadecimal digits; question marks for a byte that nobody knows. */
    static String digits(int value) {
        return value == Excerpt.UNKNOWN ? "??" : HEX.toHexDigits((byte) value);
    }
}
