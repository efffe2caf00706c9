// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;

/** One packet for a file that a test writes: when, since 1970, all of its bytes, and how many of them the file gets. */
public final class Frame {
    private final long nanos;
    private final byte[] bytes;
    private final int captured;

    public Frame(long nanos, byte[] bytes) {
        this(nanos, bytes, bytes.length);
    }

    private Frame(long nanos, byte[] bytes, int captured) {
        this.nanos = nanos;
        this.bytes = bytes;
        this.captured = captured;
    }

    public long nanos() {
        return nanos;
    }

    public byte[] bytes() {
        return bytes;
    }

    public int captured() {
        return captured;
    }

    /** The bytes that the file gets. */
    public byte[] known() {
        return Arrays.copyOf(bytes, captured);
    }

    public Frame cutTo(int length) {
        return new Frame(nanos, bytes, Math.min(length, bytes.length));
    }

    /** The same behind another header. */
    public Frame behind(int... header) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (int each : header) {
            all.write(each);
        }
        all.writeBytes(bytes);
        return new Frame(nanos, all.toByteArray());
    }
}
