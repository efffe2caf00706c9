// SPDX-License-Identifier: Apache-2.0

/** Splice for Netty's epoll channels, the successor of its {@code spliceTo}. */
module io.sluice.netty {
    requires static org.jspecify;
    requires transitive io.sluice.core;
    requires io.netty.buffer;
    requires transitive io.netty.common;
    requires transitive io.netty.transport;
    requires io.netty.transport.classes.epoll;
    requires transitive io.netty.transport.unix.common;

    exports io.sluice.netty;
}
