// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import java.util.List;

/** {@code sluice copy}: bytes from one place to one or several others. */
final class CopyCommand implements Command {
    @Override
    public String name() {
        return "copy";
    }

    @Override
    public String summary() {
        return "copies a stream of bytes to one or several places, without copying it where that can be";
    }

    @Override
    public int run(List<String> arguments, Host host) {
        CopyOptions options = CopyOptions.parse(arguments);
        if (options.help()) {
            host.out().print(Help.of(name()));
            return ExitCode.OK;
        }
        return new Copy(name(), options, host).run();
    }
}
