// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import java.util.List;

/**
 * What the launcher runs once to make its AOT cache: one short turn of everything that should start fast. What is not
 * exercised here is loaded the slow way later.
 */
final class Training {
    private Training() {}

    /** Runs every command line worth being quick at. Neither input nor output of the process is touched. */
    public static void main(String[] args) {
        for (List<String> words : List.of(List.of("--version"), List.of("--help"))) {
            int code = Main.execute(words);
            if (code != ExitCode.OK) {
                throw new IllegalStateException("training with " + words + " ended with " + code);
            }
        }
    }
}
