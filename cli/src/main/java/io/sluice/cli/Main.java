// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import java.io.PrintStream;
import java.util.List;

/** The {@code sluice} command: finds the subcommand by its name and runs it. */
final class Main {
    /** Every subcommand, in the order the help lists them. */
    private static final List<Command> COMMANDS = List.of(
            new CopyCommand(),
            new TeeCommand(),
            new RelayCommand(),
            new ReplayCommand(),
            new DemoCommand(),
            new DoctorCommand(),
            new ConformCommand(),
            new LabCommand(),
            new FuzzCommand());

    private static final String VERSION = "0.1.0";

    private Main() {}

    /** Runs one command and ends the process with its exit code. */
    public static void main(String[] args) {
        int code = execute(List.of(args));
        System.out.flush();
        System.err.flush();
        if (code == ExitCode.INTERRUPTED) {
            System.exit(code); // the process is ending already, and with a code of the JVM's that tells the signal
        }
        // Nothing is left for a shutdown hook to do, and exit would first ask a logger, which takes 30 ms to be found.
        Runtime.getRuntime().halt(code);
    }

    /** Runs one command without ending the process. */
    static int execute(List<String> words) {
        boolean trace = !words.isEmpty() && words.getFirst().equals("--trace");
        return execute(trace ? words.subList(1, words.size()) : words, Host.process(trace));
    }

    /** Runs one command that sees this host. */
    static int execute(List<String> words, Host host) {
        if (words.isEmpty()) {
            printUsage(host.err());
            return ExitCode.USAGE;
        }
        String first = words.getFirst();
        switch (first) {
            case "--version", "-V" -> {
                host.out().println("sluice " + VERSION);
                return ExitCode.OK;
            }
            case "--help", "-h", "help" -> {
                printUsage(host.out());
                return ExitCode.OK;
            }
            default -> {
                return run(first, words.subList(1, words.size()), host);
            }
        }
    }

    private static int run(String name, List<String> arguments, Host host) {
        for (Command command : COMMANDS) {
            if (command.name().equals(name)) {
                try {
                    return command.run(arguments, host);
                } catch (Misuse e) {
                    host.err().println("sluice: " + name + ": " + e.getMessage() + " (see sluice " + name + " --help)");
                    return ExitCode.USAGE;
                }
            }
        }
        String nearest = Nearest.to(name, COMMANDS.stream().map(Command::name).toList(), "");
        host.err()
                .println("sluice: no command is called '" + name + "'" + nearest
                        + " (sluice --help lists what there is)");
        return ExitCode.USAGE;
    }

    private static void printUsage(PrintStream out) {
        out.println("sluice moves bytes between files, pipes and sockets without copying them.");
        out.println();
        out.println("  sluice [--trace] COMMAND [ARGUMENT...]");
        out.println("  sluice --help | --version");
        out.println("  sluice COMMAND --help");
        out.println();
        for (Command command : COMMANDS) {
            out.printf("  %-10s %s%n", command.name(), command.summary());
        }
        out.println();
        out.println("  --trace    prints each system call on standard error, as strace does");
    }
}
