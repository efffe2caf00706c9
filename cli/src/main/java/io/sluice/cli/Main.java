// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import java.io.PrintStream;
import java.util.List;
import joptsimple.OptionException;

/** The {@code sluice} command: finds the subcommand by its name and runs it. */
final class Main {
    /** Every subcommand, in the order the help lists them. */
    private static final List<Command> COMMANDS = List.of();

    private static final String VERSION = "0.1.0";

    private Main() {}

    /** Runs one command and ends the process with its exit code. */
    public static void main(String[] args) {
        System.exit(execute(List.of(args)));
    }

    /** Runs one command without ending the process. */
    static int execute(List<String> words) {
        if (words.isEmpty()) {
            printUsage(System.err);
            return ExitCode.USAGE;
        }
        String first = words.getFirst();
        switch (first) {
            case "--version", "-V" -> {
                System.out.println("sluice " + VERSION);
                return ExitCode.OK;
            }
            case "--help", "-h", "help" -> {
                printUsage(System.out);
                return ExitCode.OK;
            }
            default -> {
                return run(first, words.subList(1, words.size()));
            }
        }
    }

    private static int run(String name, List<String> arguments) {
        for (Command command : COMMANDS) {
            if (command.name().equals(name)) {
                try {
                    return command.run(arguments);
                } catch (OptionException e) {
                    return misuse(name + ": " + e.getMessage());
                }
            }
        }
        return misuse("no command is called '" + name + "'");
    }

    private static int misuse(String complaint) {
        System.err.println("sluice: " + complaint + " (sluice --help lists what there is)");
        return ExitCode.USAGE;
    }

    private static void printUsage(PrintStream out) {
        out.println("sluice moves bytes between files, pipes and sockets without copying them.");
        out.println();
        out.println("  sluice COMMAND [ARGUMENT...]");
        out.println("  sluice --help | --version");
        for (Command command : COMMANDS) {
            out.printf("  %-10s %s%n", command.name(), command.summary());
        }
    }
}
