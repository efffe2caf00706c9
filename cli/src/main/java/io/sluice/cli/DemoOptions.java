// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import io.sluice.relay.Address;
import io.sluice.relay.ConfigException;
import java.util.List;
import joptsimple.OptionSet;
import joptsimple.OptionSpec;

/**
 * The command line of {@code sluice demo}, understood.
 *
 * @param bytes what the client sends
 * @param admin where the page is
 * @param stay whether the relay and its page are kept until somebody ends them
 * @param json whether the outcome is for a machine
 * @param userSpace whether the kernel is the one in user space
 */
record DemoOptions(boolean help, long bytes, Address.Tcp admin, boolean stay, boolean json, boolean userSpace) {
    private static final Address.Tcp ANY_PORT = new Address.Tcp("127.0.0.1", 0);

    /** Reads the words after {@code demo}. */
    static DemoOptions parse(List<String> words) {
        CommandLine parser = new CommandLine();
        OptionSpec<String> bytes =
                parser.acceptsAll(List.of("bytes", "b")).withRequiredArg().defaultsTo("1G");
        OptionSpec<String> admin = parser.accepts("admin").withRequiredArg();
        OptionSpec<Void> stay = parser.accepts("stay");
        OptionSpec<Void> json = parser.accepts("json");
        OptionSpec<String> kernel = parser.accepts("kernel").withRequiredArg().defaultsTo("linux");
        OptionSpec<Void> help = parser.acceptsAll(List.of("help", "h")).forHelp();
        OptionSet given = parser.parse(words);
        if (!given.nonOptionArguments().isEmpty()) {
            throw new Misuse(
                    "nothing is to be named, and '" + given.nonOptionArguments().getFirst() + "' was");
        }
        long amount = Size.parse("--bytes", given.valuesOf(bytes).getLast());
        if (amount < 1) {
            throw new Misuse("--bytes: at least 1, or there is nothing to compare");
        }
        return new DemoOptions(
                given.has(help),
                amount,
                given.has(admin) ? admin(given.valuesOf(admin).getLast()) : ANY_PORT,
                given.has(stay),
                given.has(json),
                KernelChoice.parse(given.valuesOf(kernel).getLast(), null).user());
    }

    private static Address.Tcp admin(String text) {
        try {
            if (Address.parse(text) instanceof Address.Tcp tcp) {
                return tcp;
            }
        } catch (ConfigException e) {
            throw new Misuse("--admin: " + e.getMessage());
        }
        throw new Misuse("--admin: host:port or :port, and not '" + text + "'");
    }
}
