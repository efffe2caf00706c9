// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.record;

/** What a recording asks of the event loop that it stands beside. */
public interface Loop {
    /** For people, and in the names of files. */
    String name();

    /** Has the loop run {@code task}; from any thread. */
    void execute(Runnable task);

    /** Has the loop run {@code task} when that time has passed; from the loop's thread. */
    void after(long nanos, Runnable task);
}
