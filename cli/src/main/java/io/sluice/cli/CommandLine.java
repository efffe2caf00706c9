// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import java.util.List;
import joptsimple.OptionDescriptor;
import joptsimple.OptionException;
import joptsimple.OptionParser;
import joptsimple.OptionSet;

/** The parser of every command's options: by their whole names, and with a way out where one is not known. */
final class CommandLine extends OptionParser {
    CommandLine() {
        super(false); // else -r would be short for --rate
    }

    /**
     * Makes sense of the words after a command's name.
     *
     * @throws Misuse for an option that is not known, lacks its value, or has one and takes none
     */
    OptionSet parse(List<String> words) {
        requireNoValues(words);
        try {
            return parse(words.toArray(String[]::new));
        } catch (OptionException e) {
            String name = e.options().getFirst();
            String known = name.substring(name.lastIndexOf('/') + 1); // all names of one, as in c/config
            if (recognizedOptions().containsKey(known)) {
                throw new Misuse("--" + known + " needs a value");
            }
            boolean isLong =
                    words.stream().anyMatch(word -> word.equals("--" + name) || word.startsWith("--" + name + "="));
            throw new Misuse("there is no option " + (isLong ? "--" : "-") + name
                    + Nearest.to(name, recognizedOptions().keySet(), "--"));
        }
    }

    /** The parser drops the value of an option that takes none. */
    private void requireNoValues(List<String> words) {
        for (String word : words) {
            int end = word.indexOf('=');
            if (word.equals("--")) {
                return;
            }
            if (word.startsWith("--")
                    && end > 0
                    && recognizedOptions().get(word.substring(2, end)) instanceof OptionDescriptor option
                    && !option.acceptsArguments()) {
                throw new Misuse(word.substring(0, end) + " takes no value");
            }
        }
    }
}
