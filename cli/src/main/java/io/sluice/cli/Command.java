// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import java.util.List;

/** One subcommand: what {@code sluice NAME …} does. */
interface Command {
    /** The word that selects this command. */
    String name();

    /** One line for the list of commands. */
    String summary();

    /**
     * Does the work, given the words after the name; answers one of {@link ExitCode}.
     *
     * @throws Misuse when the words make no sense
     */
    int run(List<String> arguments, Host host);
}
