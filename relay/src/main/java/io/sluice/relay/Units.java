// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Times and amounts as people write them. */
public final class Units {
    private static final Pattern NUMBER_AND_UNIT = Pattern.compile("([0-9]+(?:\\.[0-9]+)?)([A-Za-z]*)");

    private static final Map<String, Long> NANOS = Map.of(
            "ms",
            1_000_000L,
            "s",
            1_000_000_000L,
            "m",
            60_000_000_000L,
            "h",
            3_600_000_000_000L,
            "d",
            86_400_000_000_000L);

    private static final String POWERS = "KMGT";

    private Units() {}

    /**
     * A time with its unit: {@code 250ms}, {@code 5s}, {@code 1.5m}, {@code 2h}, {@code 1d}.
     *
     * @throws ConfigException when it is none, or longer than 292 years
     */
    public static Duration time(String text) throws ConfigException {
        Matcher parts = NUMBER_AND_UNIT.matcher(text);
        Long unit = parts.matches() ? NANOS.get(parts.group(2)) : null;
        if (unit == null) {
            throw new ConfigException("not a time: '" + text + "'; examples: 250ms, 5s, 1.5m, 2h, 1d");
        }
        return Duration.ofNanos(count(text, new BigDecimal(parts.group(1)), BigDecimal.valueOf(unit)));
    }

    /**
     * A number of bytes: {@code 65536}, {@code 64K} or {@code 64KiB} (1024), {@code 10MB} (1000).
     *
     * @throws ConfigException when it is none
     */
    public static long bytes(String text) throws ConfigException {
        Matcher parts = NUMBER_AND_UNIT.matcher(text);
        if (parts.matches()) {
            String unit = parts.group(2).toUpperCase(Locale.ROOT);
            int power = unit.isEmpty() || unit.equals("B") ? 0 : POWERS.indexOf(unit.charAt(0)) + 1;
            boolean plain = unit.isEmpty() || unit.equals("B");
            boolean binary = plain || unit.length() == 1 || unit.endsWith("IB");
            boolean known = plain || (power > 0 && unit.substring(1).matches("|B|IB"));
            if (known) {
                return count(
                        text,
                        new BigDecimal(parts.group(1)),
                        BigDecimal.valueOf(binary ? 1024 : 1000).pow(power));
            }
        }
        throw new ConfigException("not a number of bytes: '" + text + "'; examples: 65536, 64K (1024), 10MB (1000)");
    }

    private static long count(String text, BigDecimal number, BigDecimal unit) throws ConfigException {
        try {
            return number.multiply(unit).setScale(0, RoundingMode.DOWN).longValueExact();
        } catch (ArithmeticException e) {
            throw new ConfigException("'" + text + "' is more than can be counted");
        }
    }
}
