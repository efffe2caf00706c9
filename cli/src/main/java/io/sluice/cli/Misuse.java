// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import java.io.Serial;

/** A command line that makes no sense; the message says what is wrong with it and how it is done right. */
final class Misuse extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1;

    Misuse(String complaint) {
        super(complaint);
    }
}
