// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

/** A text that is not in the scenario language. The message begins with file and line. */
public final class SyntaxException extends RuntimeException {
    private static final long serialVersionUID = 1;

    SyntaxException(String where, String message) {
        super(where + ": " + message);
    }
}
