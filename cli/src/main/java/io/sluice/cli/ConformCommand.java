// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import joptsimple.OptionSet;
import joptsimple.OptionSpec;

/** {@code sluice conform}: whether a kernel answers as scenarios say. */
final class ConformCommand implements Command {
    @Override
    public String name() {
        return "conform";
    }

    @Override
    public String summary() {
        return "runs scenarios, in Markdown files, on the user-space kernel or on Linux";
    }

    @Override
    public int run(List<String> arguments, Host host) {
        CommandLine parser = new CommandLine();
        OptionSpec<String> kernel = parser.accepts("kernel").withRequiredArg().defaultsTo("user");
        OptionSpec<String> profile = parser.accepts("profile").withRequiredArg();
        OptionSpec<Void> json = parser.accepts("json");
        OptionSpec<Void> help = parser.acceptsAll(List.of("help", "h")).forHelp();
        OptionSpec<String> names = parser.nonOptions();
        OptionSet given = parser.parse(arguments);
        if (given.has(help)) {
            host.out().print(Help.of(name()));
            return ExitCode.OK;
        }
        KernelChoice choice = KernelChoice.parse(
                given.valuesOf(kernel).getLast(),
                given.has(profile) ? given.valuesOf(profile).getLast() : null);
        List<Path> files = files(given.valuesOf(names));
        try (Stands stands = Stands.of(choice, host)) {
            return new Conform(host, choice, stands, given.has(json)).run(files);
        } catch (UnsupportedOperationException e) {
            host.err().println("sluice: conform: " + e.getMessage());
            return ExitCode.FAILED;
        }
    }

    private static List<Path> files(List<String> names) {
        if (names.isEmpty()) {
            throw new Misuse("no file is named");
        }
        List<Path> files = new ArrayList<>();
        for (String name : names) {
            try {
                files.add(Path.of(name));
            } catch (InvalidPathException e) {
                throw new Misuse("no file can be called '" + name + "'");
            }
        }
        return files;
    }
}
