// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import java.io.Console;
import java.io.IOException;
import java.util.List;
import joptsimple.OptionSet;
import joptsimple.OptionSpec;

/** {@code sluice lab}: a kernel to try things out on. */
final class LabCommand implements Command {
    @Override
    public String name() {
        return "lab";
    }

    @Override
    public String summary() {
        return "takes system calls line by line, and draws the pipes after each";
    }

    @Override
    public int run(List<String> arguments, Host host) {
        CommandLine parser = new CommandLine();
        OptionSpec<String> kernel = parser.accepts("kernel").withRequiredArg().defaultsTo("user");
        OptionSpec<String> profile = parser.accepts("profile").withRequiredArg();
        OptionSpec<Void> help = parser.acceptsAll(List.of("help", "h")).forHelp();
        OptionSet given = parser.parse(arguments);
        if (given.has(help)) {
            host.out().print(Help.of(name()));
            return ExitCode.OK;
        }
        if (!given.nonOptionArguments().isEmpty()) {
            throw new Misuse(
                    "nothing is to be named, and '" + given.nonOptionArguments().getFirst() + "' was");
        }
        KernelChoice choice = KernelChoice.parse(
                given.valuesOf(kernel).getLast(),
                given.has(profile) ? given.valuesOf(profile).getLast() : null);
        boolean typed = isTerminal();
        try (Stands stands = Stands.of(choice, host);
                LabLines lines = typed ? LabLines.edited() : LabLines.plain(System.in, host.out())) {
            int faults = new Lab(stands, host.out()).run(lines);
            if (typed || faults == 0) {
                return ExitCode.OK; // who types has seen what went wrong
            }
            host.err().println("sluice: lab: steps that went wrong: " + faults);
            return ExitCode.FAILED;
        } catch (IOException | UnsupportedOperationException e) {
            host.err().println("sluice: lab: " + e.getMessage());
            return ExitCode.FAILED;
        }
    }

    @SuppressWarnings("SystemConsoleNull") // its contract still allows null
    private static boolean isTerminal() {
        Console console = System.console();
        return console != null && console.isTerminal();
    }
}
