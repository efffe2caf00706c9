// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import io.sluice.cli.CopyOptions.WhenOneFails;
import java.util.List;
import joptsimple.OptionSet;
import joptsimple.OptionSpec;

/**
 * The command line of {@code sluice tee}, understood.
 *
 * @param copy what it comes to
 */
record TeeOptions(boolean help, boolean ignoreInterrupts, CopyOptions copy) {

    /** Reads the words after {@code tee}. */
    static TeeOptions parse(List<String> words) {
        CommandLine parser = new CommandLine();
        OptionSpec<Void> append = parser.acceptsAll(List.of("append", "a"));
        OptionSpec<Void> ignoreInterrupts = parser.acceptsAll(List.of("ignore-interrupts", "i"));
        OptionSpec<Void> keepGoing = parser.acceptsAll(List.of("keep-going", "k"));
        OptionSpec<Void> summary = parser.acceptsAll(List.of("summary", "v"));
        OptionSpec<Void> json = parser.accepts("json");
        OptionSpec<String> kernel = parser.accepts("kernel").withRequiredArg();
        OptionSpec<Void> help = parser.acceptsAll(List.of("help", "h")).forHelp();
        OptionSpec<String> files = parser.nonOptions();

        OptionSet given = parser.parse(words);
        boolean userSpace = given.has(kernel)
                && KernelChoice.parse(given.valuesOf(kernel).getLast(), null).user();
        CopyOptions copy = CopyOptions.ofTee(
                given.valuesOf(files).stream().map(TeeOptions::file).toList(),
                given.has(keepGoing) ? WhenOneFails.AS_TEE_WITHOUT_READERS : WhenOneFails.AS_TEE,
                given.has(append),
                given.has(summary),
                given.has(json),
                userSpace);
        return new TeeOptions(given.has(help), given.has(ignoreInterrupts), copy);
    }

    private static Location file(String word) {
        Location location = Location.parse(word);
        if (location instanceof Location.Standard) {
            throw new Misuse("'-': standard output gets the bytes in any case; a file of this name is written ./-");
        }
        return location;
    }
}
