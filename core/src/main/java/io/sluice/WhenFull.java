// SPDX-License-Identifier: Apache-2.0
package io.sluice;

/** What happens when a mirror or branch cannot keep up and its queue is full. */
public enum WhenFull {
    /** The transfer waits for it: nothing is lost, and the slowest sets the pace. */
    BLOCK,
    /**
     * It is given up: the main sink never waits for it. What it missed is counted, and it is never resumed. A TCP
     * connection is reset, so that its peer sees that something is missing. A Unix socket, a pipe and a file know no
     * reset: there the bytes just end, as if that were all.
     */
    DETACH
}
