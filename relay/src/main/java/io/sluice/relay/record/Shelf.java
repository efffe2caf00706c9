// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.record;

import java.io.IOException;
import java.util.List;

/** The directory of the recordings, for what a kernel has no calls for. Used by one thread at a time. */
public interface Shelf {
    /** A file of a recording, finished or not. */
    record Entry(String name, long bytes) {}

    /** Sees to it that the directory is there. */
    void prepare() throws IOException;

    /** The path of a file for the kernel. */
    String path(String name);

    /** All recordings, the oldest first. */
    List<Entry> entries() throws IOException;

    /** Deletes a file; one that is not there is no failure. */
    void delete(String name) throws IOException;
}
