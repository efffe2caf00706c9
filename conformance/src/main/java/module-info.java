// SPDX-License-Identifier: Apache-2.0

/** Suites that hold any implementation of Sluice's {@code Kernel} to what the Linux kernel does. */
@SuppressWarnings("module") // cli, named in a qualified export, is not there yet when this one compiles
module io.sluice.conformance {
    requires static org.jspecify;
    requires transitive io.sluice.core;

    exports io.sluice.conformance;
    exports io.sluice.conformance.fuzz to
            io.sluice.cli;
}
