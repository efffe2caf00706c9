// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

/** By what the bytes of a route's sessions go. */
public enum PathChoice {
    /** Small messages are copied and bulk is spliced, decided for each direction by its traffic. */
    AUTO,
    COPY,
    SPLICE
}
