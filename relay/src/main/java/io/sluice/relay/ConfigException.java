// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

/** A configuration that cannot be used; the message says where it is wrong, why, and what would be right. */
public final class ConfigException extends Exception {
    private static final long serialVersionUID = 1L;

    /** Says what is wrong. */
    public ConfigException(String message) {
        super(message);
    }
}
