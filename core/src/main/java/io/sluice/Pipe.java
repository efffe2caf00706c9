// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import java.io.IOException;

/**
 * A pipe: a ring of slots in the kernel, each a reference to a page or part of one; pipe(7). Its capacity counts slots:
 * bytes that come by reference take one slot per page touched, however few they are [C09].
 *
 * @param reader the end that bytes come out of
 * @param writer the end that bytes go into
 */
public record Pipe(PipeReader reader, PipeWriter writer) implements AutoCloseable {

    /** Capacity in bytes: slots times the page size. */
    public int capacityBytes() throws IOException {
        return writer.pipeCapacityBytes();
    }

    /**
     * Asks for a capacity, rounded up to a power of two of pages [C01].
     *
     * @return the capacity in bytes that the pipe has now
     * @throws ErrnoException EBUSY when more slots are occupied [C04], EPERM above the limit of an unprivileged user
     *     [C03]
     */
    public int resize(int bytes) throws IOException {
        return writer.resizePipe(bytes);
    }

    /** Closes both ends. */
    @Override
    public void close() {
        writer.close();
        reader.close();
    }
}
