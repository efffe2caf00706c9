// SPDX-License-Identifier: Apache-2.0

/** The {@code sluice} command. */
@SuppressWarnings("requires-automatic") // JOpt Simple and JLine have no module descriptors
module io.sluice.cli {
    requires static org.jspecify;
    requires jdk.unsupported; // to have a signal ignored
    requires jopt.simple;
    requires me.tongfei.progressbar;
    requires io.sluice.conformance;
    requires io.sluice.core;
    requires io.sluice.relay;
    requires org.jline.reader;
    requires org.jline.terminal;
}
