// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import java.util.Collection;
import java.util.Comparator;
import org.jline.utils.Levenshtein;

/** What may have been meant by a word that nobody knows. */
final class Nearest {
    /** {@code cp} lacks two letters of {@code copy}. */
    private static final int MOST = 2;

    private Nearest() {}

    /**
     * The end of a complaint: a question, or nothing where nothing is near.
     *
     * @param prefix is put before what is suggested
     */
    static String to(String word, Collection<String> known, String prefix) {
        return known.stream()
                .filter(each -> each.length() > 1 && distance(word, each) <= MOST)
                .min(Comparator.comparingInt(each -> distance(word, each)))
                .map(each -> "; did you mean " + prefix + each + "?")
                .orElse("");
    }

    /** A letter that is another one counts as two: it is left out and added. */
    private static int distance(String word, String known) {
        return Levenshtein.distance(word, known, 1, 1, 2, 1);
    }
}
