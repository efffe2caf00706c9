// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import io.sluice.kernel.Kernel;
import java.util.List;
import joptsimple.OptionSet;
import joptsimple.OptionSpec;

/** {@code sluice doctor}: what works on this machine, and which way bytes would go between any two ends. */
final class DoctorCommand implements Command {
    @Override
    public String name() {
        return "doctor";
    }

    @Override
    public String summary() {
        return "tells what this system can do, and which path bytes would take between any two kinds of end";
    }

    @Override
    public int run(List<String> arguments, Host host) {
        CommandLine parser = new CommandLine();
        OptionSpec<Void> all = parser.accepts("all");
        OptionSpec<Void> json = parser.accepts("json");
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
        try (Kernel kernel = host.linux()) {
            Diagnosis diagnosis = Diagnosis.of(kernel.capabilities());
            host.out().println(given.has(json) ? diagnosis.json() : diagnosis.text(given.has(all)));
            return ExitCode.OK;
        } catch (UnsupportedOperationException e) {
            host.err().println("sluice: doctor: " + e.getMessage());
            return ExitCode.FAILED;
        }
    }
}
