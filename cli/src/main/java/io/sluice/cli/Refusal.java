// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import java.io.IOException;
import java.io.Serial;

/** Why a command will not do what it was asked; the message says it in full, and the way out. */
final class Refusal extends IOException {
    @Serial
    private static final long serialVersionUID = 1;

    Refusal(String message) {
        super(message);
    }

    Refusal(String message, IOException cause) {
        super(message, cause);
    }
}
