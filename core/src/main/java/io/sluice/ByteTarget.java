// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** Code of the caller's that looks at bytes, such as a digest; {@link Sluice#sink(ByteTarget)}. */
@FunctionalInterface
public interface ByteTarget {
    /**
     * Takes the next bytes of the stream, all of them. Called by one thread, the sink's own; while it runs no more
     * bytes are taken from the pipe, so code that is slow holds the transfer back.
     *
     * @param bytes at least a byte, native and read-only; valid in this thread until the call returns
     * @throws IOException to end the stream; unchecked exceptions do that as well
     */
    void accept(MemorySegment bytes) throws IOException;
}
