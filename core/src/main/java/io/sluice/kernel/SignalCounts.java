// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel;

/** A feature of kernels that count signals instead of sending them. */
public interface SignalCounts {
    /** SIGPIPE that a process would have been sent: writes to a pipe or socket that nobody reads [B06], [O10]. */
    long sigpipes();

    /** SIGXFSZ that a process would have been sent: writes past the limit of a file's size [F08]. */
    long sigxfszs();

    /** Sets the limit of a file's size in bytes, as setrlimit(RLIMIT_FSIZE) does. */
    void limitFileSize(long bytes);
}
