// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import java.nio.ByteBuffer;
import java.util.Locale;
import java.util.zip.CRC32C;

/**
 * How many bytes, and which. By CRC-32C, which costs a tenth of a nanosecond for each: a cryptographic digest would be
 * what is measured.
 */
record Testimony(long bytes, int crc) {
    /** Looks at a stream. Belongs to one thread. */
    static final class Taker {
        private final CRC32C crc = new CRC32C();
        private long bytes;

        /** What remains in {@code piece} comes next. */
        void add(ByteBuffer piece) {
            bytes += piece.remaining();
            crc.update(piece);
        }

        Testimony take() {
            return new Testimony(bytes, (int) crc.getValue());
        }
    }

    /** As it is shown. */
    String digest() {
        return String.format(Locale.ROOT, "%08x", crc);
    }

    /** In columns. */
    String shown() {
        return String.format(Locale.ROOT, "%,17d bytes  CRC-32C %s", bytes, digest());
    }

    @Override
    public String toString() {
        return bytes + " bytes, CRC-32C " + digest();
    }
}
