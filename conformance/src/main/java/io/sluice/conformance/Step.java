// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import org.jspecify.annotations.Nullable;

/**
 * One line of a scenario.
 *
 * @param where file and line
 * @param text the line without its comment
 * @param verb its first word
 * @param operation what the line does
 * @param expected what it must answer; null: anything but an error
 */
public record Step(
        String where,
        String text,
        String verb,
        Operation operation,
        @Nullable Expected expected) {

    /** What a step does on a stage. Answers what the call answered, and throws nothing for an outcome of the call. */
    @FunctionalInterface
    public interface Operation {
        Answer on(Stage stage);
    }
}
