// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Offset;
import org.jspecify.annotations.Nullable;

/**
 * What a step answered.
 *
 * @param value the call's result, or a negated errno
 * @param data the bytes that were read; null when the step reads none
 * @param in the input offset variable after the call; null when none was passed
 * @param out the output offset variable after the call; null when none was passed
 * @param events whether the value is a set of poll events
 */
public record Answer(
        long value,
        @Nullable Data data,
        @Nullable Long in,
        @Nullable Long out,
        boolean events) {

    /** A result and nothing else. */
    public static Answer of(long value) {
        return new Answer(value, null, null, null, false);
    }

    /** For calls that answer a descriptor: its number says nothing, so success is 0. */
    static Answer ofDescriptor(long descriptor) {
        return of(Math.min(descriptor, 0));
    }

    static Answer ofData(long value, Data data) {
        return new Answer(value, data, null, null, false);
    }

    static Answer ofOffsets(long value, @Nullable Offset in, @Nullable Offset out) {
        return new Answer(value, null, in == null ? null : in.value(), out == null ? null : out.value(), false);
    }

    /** Poll events, or a negated errno. */
    public static Answer ofEvents(long value) {
        return new Answer(value, null, null, null, true);
    }

    /** Whether the value is a negated errno. */
    public boolean failed() {
        return value < 0;
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(
                failed() ? "!" + Errno.name((int) value) : events ? Events.names((int) value) : Long.toString(value));
        if (data != null && !failed()) {
            text.append(' ').append(data);
        }
        if (in != null) {
            text.append(" in=").append(in);
        }
        if (out != null) {
            text.append(" out=").append(out);
        }
        return text.toString();
    }
}
