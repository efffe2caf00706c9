// SPDX-License-Identifier: Apache-2.0

/** Suites that hold any implementation of Sluice's {@code Kernel} to what the Linux kernel does. */
module io.sluice.conformance {
    requires static org.jspecify;
    requires transitive io.sluice.core;

    exports io.sluice.conformance;
}
