// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel;

/**
 * An offset variable in bytes: the {@code off_t *} of splice(2), sendfile(2) and copy_file_range(2). A call reads it
 * and, when it moves bytes, advances it by the result. Not safe for use by two calls at once.
 */
public final class Offset {
    private long value;

    /** An offset variable that holds {@code value} bytes; negative values are legal here and refused by the call. */
    public Offset(long value) {
        this.value = value;
    }

    /** The offset in bytes. */
    public long value() {
        return value;
    }

    /** Replaces the offset. */
    public void set(long value) {
        this.value = value;
    }

    @Override
    public String toString() {
        return "[" + value + "]";
    }
}
