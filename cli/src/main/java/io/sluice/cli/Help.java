// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** What {@code sluice COMMAND --help} prints: the text file of that name beside this class. */
final class Help {
    private Help() {}

    static String of(String command) {
        try (InputStream text = Help.class.getResourceAsStream(command + ".txt")) {
            if (text == null) {
                throw new IllegalStateException("no help was written for " + command);
            }
            return new String(text.readAllBytes(), UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
