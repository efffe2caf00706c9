// SPDX-License-Identifier: Apache-2.0

/**
 * The Linux splice family for the JVM: the system calls under their own names, and a library for moving bytes without
 * copying them. Needs nothing but {@code java.base}; where {@code jdk.jfr} is there, it has events for it.
 */
@SuppressWarnings("module") // our own modules, named in a qualified export, are not there yet when this one compiles
module io.sluice.core {
    requires static jdk.jfr; // events, where the run-time image has it
    requires static transitive org.jspecify;

    exports io.sluice;
    exports io.sluice.kernel;
    exports io.sluice.kernel.linux;
    exports io.sluice.kernel.user;
    exports io.sluice.kernel.wrap;
    exports io.sluice.flow to
            io.sluice.cli,
            io.sluice.conformance,
            io.sluice.netty,
            io.sluice.relay;
}
