// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import io.sluice.kernel.Kernel;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * A kernel prepared for one scenario or test, and everything in which kernels differ as seen from one: what cannot be
 * expressed, how a thread is seen asleep and interrupted, what a bad address is, how leftovers are found. Steps and
 * tests never ask which kernel they are on.
 */
public interface Stand extends AutoCloseable {
    /** The kernel under test. */
    Kernel kernel();

    /** Why this kernel cannot express a step with that first word; empty when it can. */
    Optional<String> unable(String verb);

    /** A directory of this stand's own, in the kernel's tree of paths. */
    String directory();

    /** Memory that no call can reach: all answer EFAULT. */
    MemorySegment unmapped(long bytes);

    /** Memory at address 0, which no call can reach either. */
    MemorySegment atNull(long bytes);

    /** Starts a thread that makes calls. */
    Caller start(String name, Runnable calls);

    /** SIGPIPE received since the stand was made. */
    long sigpipes();

    /** SIGXFSZ received since the stand was made. */
    long sigxfszs();

    /** Limits the size of files, as RLIMIT_FSIZE does. */
    void limitFileSize(long bytes);

    /** Descriptors (and pages, where they can be counted) that were not there when the stand was made. */
    List<String> leftovers();

    /** Removes the directory and ends the kernel, if it is this stand's own. */
    @Override
    void close();

    /** A thread that makes calls. */
    interface Caller {
        /** Whether it sleeps in a call right now. */
        boolean asleep();

        /** Ends its sleeping call with EINTR; without effect on a thread that does not sleep. */
        void interrupt();

        /** Waits for its end; answers whether it came in time. */
        boolean join(long timeoutMillis);
    }
}
