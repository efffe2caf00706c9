// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Locale;

/** Numbers of bytes as people write and read them: {@code 64K} is 65536, {@code 64KB} is 64000. */
final class Size {
    private static final String LETTERS = "KMGTP";
    private static final int BINARY = 1024;
    private static final int DECIMAL = 1000;

    private Size() {}

    /**
     * The bytes that {@code text} names: digits, perhaps with a fraction, and a unit: none or B; K, M, G, T, P, alone
     * or as KiB (powers of 1024); KB and so on (powers of 1000).
     *
     * @param option who asks, for the complaint
     */
    static long parse(String option, String text) {
        int end = 0;
        while (end < text.length() && (Character.isDigit(text.charAt(end)) || text.charAt(end) == '.')) {
            end++;
        }
        try {
            BigDecimal number = new BigDecimal(text.substring(0, end));
            return number.multiply(unit(text.substring(end).toUpperCase(Locale.ROOT)))
                    .setScale(0, RoundingMode.DOWN)
                    .longValueExact();
        } catch (NumberFormatException noNumber) {
            throw new Misuse(option + ": not a size: '" + text + "'; examples: 65536, 64K, 1.5G (K is 1024), 10MB"
                    + " (KB is 1000)");
        } catch (ArithmeticException tooLarge) {
            throw new Misuse(option + ": '" + text + "' is more than can be counted; the most is 8191P");
        }
    }

    private static BigDecimal unit(String suffix) {
        if (suffix.isEmpty() || suffix.equals("B")) {
            return BigDecimal.ONE;
        }
        int power = LETTERS.indexOf(suffix.charAt(0)) + 1;
        int base = switch (suffix.substring(1)) {
            case "", "IB" -> BINARY;
            case "B" -> DECIMAL;
            default -> 0;
        };
        if (power == 0 || base == 0) {
            throw new NumberFormatException(suffix);
        }
        return BigDecimal.valueOf(base).pow(power);
    }

    /** Three digits and a unit: {@code "1.50 GiB"}, {@code "12 B"}. */
    static String text(long bytes) {
        return text((double) bytes);
    }

    /** The same of a number that is an average. */
    static String text(double bytes) {
        if (bytes < BINARY) {
            return Math.round(bytes) + " B";
        }
        double scaled = bytes;
        int power = 0;
        // 999.5 would round to four digits.
        while (scaled >= 999.5 && power < LETTERS.length()) {
            scaled /= BINARY;
            power++;
        }
        int decimals = scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0;
        return BigDecimal.valueOf(scaled).setScale(decimals, RoundingMode.HALF_UP) + " " + LETTERS.charAt(power - 1)
                + "iB";
    }
}
