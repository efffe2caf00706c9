// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import java.io.IOException;
import java.io.Serial;

/** A file that is no capture, or none that can be read here; the message names the file and the reason. */
public final class CaptureException extends IOException {
    @Serial
    private static final long serialVersionUID = 1;

    CaptureException(String message) {
        super(message);
    }
}
