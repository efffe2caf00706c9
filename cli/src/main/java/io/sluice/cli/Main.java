// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The {@code sluice} command: each subcommand is a class of its own, named here. */
@Command(
        name = "sluice",
        description = "Moves bytes between files, pipes and sockets without copying them.",
        mixinStandardHelpOptions = true,
        version = "sluice 0.1.0")
final class Main implements Runnable {
    private Main() {}

    /** Runs one command and ends the process with its exit code. */
    public static void main(String[] args) {
        System.exit(new CommandLine(new Main()).execute(args));
    }

    @Override
    public void run() {
        CommandLine.usage(this, System.err);
    }
}
