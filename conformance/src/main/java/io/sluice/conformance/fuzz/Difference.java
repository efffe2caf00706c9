// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance.fuzz;

import java.util.List;

/**
 * A program on which the kernels differ.
 *
 * @param seed what it was made from: its number, where all are run
 * @param lines the program up to the difference
 * @param what the call that differs, and both answers
 * @param transcript the program as a scenario, with what Linux answered
 */
public record Difference(long seed, List<String> lines, String what, List<String> transcript) {
    /** Copies the lists. */
    public Difference {
        lines = List.copyOf(lines);
        transcript = List.copyOf(transcript);
    }

    /** The scenario in Markdown, to be given a name and kept. */
    @Override
    public String toString() {
        return "seed " + seed + ": " + what + "\n\n### FUZZ-" + Long.toHexString(seed) + " …\n```scenario\n"
                + String.join("\n", transcript) + "\n```\n";
    }
}
