// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance.fuzz;

import io.sluice.conformance.StepFailure;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Makes a failing program shorter: leaves out halves, quarters and at last single lines, as long as what is left still
 * fails in any way.
 */
final class Shrinker {
    private final Function<List<String>, @Nullable Difference> play;

    Shrinker(Function<List<String>, @Nullable Difference> play) {
        this.play = play;
    }

    Difference shrink(Difference found) {
        Difference best = found;
        for (int piece = Math.max(1, best.lines().size() / 2); piece >= 1; piece /= 2) {
            boolean shorter = true;
            while (shorter) {
                shorter = false;
                for (int from = best.lines().size() - piece; from >= 0; from -= piece) {
                    Difference smaller = without(best.lines(), from, from + piece);
                    if (smaller != null) {
                        best = smaller;
                        shorter = true;
                        from = Math.min(from, best.lines().size());
                    }
                }
            }
        }
        return best;
    }

    private @Nullable Difference without(List<String> lines, int from, int to) {
        List<String> shorter = new ArrayList<>(lines.subList(0, from));
        shorter.addAll(lines.subList(to, lines.size()));
        try {
            return play.apply(shorter);
        } catch (StepFailure nameless) {
            return null; // a line that made what a later one needs
        }
    }
}
