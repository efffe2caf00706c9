// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

/** A step that did not do what it says, beyond a wrong answer: a thread that is not asleep, a name nobody gave. */
public final class StepFailure extends RuntimeException {
    private static final long serialVersionUID = 1;

    StepFailure(String message) {
        super(message);
    }
}
