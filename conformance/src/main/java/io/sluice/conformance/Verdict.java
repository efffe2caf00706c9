// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import java.util.List;

/** How a scenario ended. */
public sealed interface Verdict {

    /**
     * Every step that the kernel can express answered as expected.
     *
     * @param skipped steps that it cannot express: not passed, only left out
     */
    record Passed(List<SkippedStep> skipped) implements Verdict {
        /** Copies the list. */
        public Passed {
            skipped = List.copyOf(skipped);
        }

        @Override
        public String toString() {
            return skipped.isEmpty() ? "passed" : "passed, but skipped " + skipped;
        }
    }

    /**
     * A step answered something else, or something was left behind.
     *
     * @param step file, line and text of the step
     * @param expected what stands after its arrow
     * @param got what it did instead
     * @param state the pipes as they were then
     */
    record Failed(String step, String expected, String got, String state) implements Verdict {
        @Override
        public String toString() {
            return "failed at " + step + "\n  expected: " + expected + "\n  got:      " + got + "\n  state:    "
                    + state.replace("\n", "\n            ");
        }
    }

    /** The scenario says nothing about this kernel. */
    record Skipped(String reason) implements Verdict {
        @Override
        public String toString() {
            return "skipped: " + reason;
        }
    }

    /** One step that was left out. */
    record SkippedStep(String step, String reason) {
        @Override
        public String toString() {
            return step + " (" + reason + ")";
        }
    }
}
