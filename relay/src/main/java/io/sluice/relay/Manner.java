// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

/** How bytes were moved and, where they were copied, why. */
public enum Manner {
    /** By reference, through a pipe. */
    SPLICED,
    /** Copied: in small pieces that is cheaper. */
    SMALL,
    /** Copied: a PROXY header that was sent, or what had been read to be looked at. */
    FIRST,
    /** Copied: the route says so. */
    FORCED,
    /** Copied: the kernel splices nothing here, or had no pipe to give. */
    UNAVAILABLE
}
