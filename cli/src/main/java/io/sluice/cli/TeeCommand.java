// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import java.util.List;

/** {@code sluice tee}: standard input to standard output and to files, duplicated by tee(2). */
final class TeeCommand implements Command {
    @Override
    public String name() {
        return "tee";
    }

    @Override
    public String summary() {
        return "standard input to standard output and to each of several places, as tee(1), without copying it";
    }

    @Override
    public int run(List<String> arguments, Host host) {
        TeeOptions options = TeeOptions.parse(arguments);
        if (options.help()) {
            host.out().print(Help.of(name()));
            return ExitCode.OK;
        }
        if (options.ignoreInterrupts()) {
            Interruption.ignoreCtrlC();
        }
        return new Copy(name(), options.copy(), host).run();
    }
}
