// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import java.util.List;

/**
 * One scenario: system calls in order and what each must answer.
 *
 * @param id the first word of its heading, for example {@code E04b}
 * @param title the rest of the heading
 * @param where file and line of its first step, for people
 * @param needs what the kernel must do for the scenario to mean anything
 * @param steps at least one
 */
public record Scenario(String id, String title, String where, List<Need> needs, List<Step> steps) {
    /** Copies the lists. */
    public Scenario {
        needs = List.copyOf(needs);
        steps = List.copyOf(steps);
    }

    @Override
    public String toString() {
        return title.isEmpty() ? id : id + " " + title;
    }
}
