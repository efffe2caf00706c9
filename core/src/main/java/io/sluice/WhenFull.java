// SPDX-License-Identifier: Apache-2.0
package io.sluice;

/** What happens when a mirror or branch cannot keep up and its queue is full. */
public enum WhenFull {
    /** The transfer waits for it: nothing is lost, and the slowest sets the pace. */
    BLOCK,
    /**
     * It is given up: the main sink never waits for it. What it missed is counted; a socket is reset, never resumed.
     */
    DETACH
}
