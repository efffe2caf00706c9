// SPDX-License-Identifier: Apache-2.0

/** An L4 relay on splice: routes from listeners to backends, over any {@link io.sluice.kernel.Kernel}. */
module io.sluice.relay {
    requires static org.jspecify;
    requires transitive io.sluice.core;
    requires org.snakeyaml.engine;

    exports io.sluice.relay;
}
