// SPDX-License-Identifier: Apache-2.0

/** An L4 relay on splice: routes from listeners to backends, over any {@link io.sluice.kernel.Kernel}. */
@SuppressWarnings("requires-automatic") // Prometheus' client has no module descriptors
module io.sluice.relay {
    requires static org.jspecify;
    requires transitive io.sluice.core;
    requires com.fasterxml.jackson.jr.ob;
    requires io.prometheus.writer.text;
    requires io.prometheus.metrics.model;
    requires java.management;
    requires jdk.httpserver;
    requires org.snakeyaml.engine;

    exports io.sluice.relay;
    exports io.sluice.relay.admin;
    exports io.sluice.relay.capture;
    exports io.sluice.relay.record;
    exports io.sluice.relay.replay;
}
