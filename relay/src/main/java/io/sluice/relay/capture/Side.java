// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

/** One of the two who talk. */
public enum Side {
    /** Who opened the connection. */
    CLIENT,

    /** Who was called. */
    SERVER;

    /** Whom this one talks to. */
    public Side other() {
        return this == CLIENT ? SERVER : CLIENT;
    }

    /** As it is written in a sentence. */
    @Override
    public String toString() {
        return this == CLIENT ? "client" : "server";
    }
}
