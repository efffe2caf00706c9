// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

/** How {@code sluice} ends; a subcommand may add codes of its own. The launcher's are in {@code ./sluice}. */
final class ExitCode {
    /** All was done. */
    static final int OK = 0;

    /** The work failed; standard error says why. */
    static final int FAILED = 1;

    /** The command line makes no sense; nothing was done. */
    static final int USAGE = 2;

    /** Ended by Ctrl-C: 128 and SIGINT. */
    static final int INTERRUPTED = 130;

    /** Whoever read the bytes is gone: 128 and SIGPIPE, as shells report of tools that this signal ends. */
    static final int READER_GONE = 141;

    private ExitCode() {}
}
