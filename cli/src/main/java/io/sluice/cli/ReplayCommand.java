// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import java.util.List;

/** {@code sluice replay}: the connections of a capture again, to another server. */
final class ReplayCommand implements Command {
    @Override
    public String name() {
        return "replay";
    }

    @Override
    public String summary() {
        return "makes the connections of a capture again, and compares the answers";
    }

    @Override
    public int run(List<String> arguments, Host host) {
        ReplayOptions options = ReplayOptions.parse(arguments);
        if (options.help()) {
            host.out().print(Help.of(name()));
            return ExitCode.OK;
        }
        return new ReplayRun(options, host).run();
    }
}
