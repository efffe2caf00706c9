// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.replay;

import java.util.Arrays;

/** Some bytes of a stream and where they begin, to be looked at; some of them may not be known. */
public final class Excerpt {
    /** Instead of a byte that is in no capture. */
    public static final int UNKNOWN = -1;

    private final long offset;
    private final short[] values;

    /** Begins with all of its bytes unknown. */
    Excerpt(long offset, int length) {
        this.offset = offset;
        this.values = new short[length];
        Arrays.fill(values, (short) UNKNOWN);
    }

    private Excerpt(long offset, short[] values) {
        this.offset = offset;
        this.values = values;
    }

    void set(int index, byte value) {
        values[index] = (short) (value & 0xff);
    }

    Excerpt cutTo(int length) {
        return new Excerpt(offset, Arrays.copyOf(values, length));
    }

    /** The position in the stream of its first byte. */
    public long offset() {
        return offset;
    }

    /** How many bytes it has. */
    public int length() {
        return values.length;
    }

    /** A byte, from 0 to 255, or {@link #UNKNOWN}. */
    public int at(int index) {
        return values[index];
    }
}
