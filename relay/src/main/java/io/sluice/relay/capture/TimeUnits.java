// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

/**
 * What an interface counts time in: the option {@code if_tsresol}, negative powers of 10 or, with the highest bit, of
 * 2, and {@code if_tsoffset}.
 */
record TimeUnits(int resolution, long offsetSeconds) {
    /** What is meant where nothing is said. */
    static final int MICROS = 6;

    private static final int BINARY = 0x80;
    private static final int NANOS = 9;
    private static final long NANOS_PER_SECOND = 1_000_000_000;

    /** The largest power of 10 in a long has so many zeros. */
    private static final int MOST_ZEROS = 18;

    /** Nanoseconds since 1970, for a count that is unsigned; times beyond what can be counted become the last one. */
    long nanos(long units) {
        int exponent = resolution & ~BINARY;
        long seconds;
        long nanos;
        if ((resolution & BINARY) != 0) {
            seconds = exponent > 63 ? 0 : units >>> exponent;
            // The fraction, moved to the top of 64 bits, times a second: what overflows is the nanoseconds.
            long fraction = exponent == 0
                    ? 0
                    : exponent > 64 ? units >>> Math.min(exponent - 64, 63) : units << (64 - exponent);
            nanos = Math.unsignedMultiplyHigh(fraction, NANOS_PER_SECOND);
        } else {
            long perSecond = power(exponent);
            seconds = exponent > MOST_ZEROS ? 0 : Long.divideUnsigned(units, perSecond);
            long rest = exponent > MOST_ZEROS ? units : Long.remainderUnsigned(units, perSecond);
            nanos = exponent <= NANOS
                    ? rest * power(NANOS - exponent)
                    : exponent - NANOS > MOST_ZEROS ? 0 : Long.divideUnsigned(rest, power(exponent - NANOS));
        }
        long most = Long.MAX_VALUE / NANOS_PER_SECOND - 1;
        long shifted = seconds < 0 || seconds > most ? most : seconds;
        shifted = Math.clamp(offsetSeconds, -most, most) + shifted;
        return Math.clamp(shifted, 0, most) * NANOS_PER_SECOND + Math.clamp(nanos, 0, NANOS_PER_SECOND - 1);
    }

    private static long power(int exponent) {
        long power = 1;
        for (int i = 0; i < Math.min(exponent, MOST_ZEROS); i++) {
            power *= 10;
        }
        return power;
    }
}
