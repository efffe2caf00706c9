// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** Code of the caller's that makes bytes; {@link Sluice#source(ByteOrigin)}. */
@FunctionalInterface
public interface ByteOrigin {
    /**
     * Puts the next bytes of the stream at the beginning of {@code room}; may wait for them. Called by one thread, the
     * source's own, ahead of whoever reads the source, as far as the pipe has room.
     *
     * @param room native; valid in this thread until the call returns
     * @return how many bytes there are now, at least one; or -1 at the end of the stream
     * @throws IOException to end the stream by a failure; unchecked exceptions do that as well
     */
    long fill(MemorySegment room) throws IOException;
}
