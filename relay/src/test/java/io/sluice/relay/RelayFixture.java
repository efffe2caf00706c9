// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.SocketEnd;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** Clients, a relay, and backends, all on the kernel that the subclass supplies. */
abstract class RelayFixture extends ServerFixture {
    final BlockingQueue<SessionLog> logs = new LinkedBlockingQueue<>();

    // Backends.

    /** Answers what it is told until it is told no more. */
    final Server echo() throws IOException {
        return server(RelayFixture::echo);
    }

    static void echo(SocketEnd connection) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocateDirect(64 << 10);
        while (connection.read(buffer.clear()) >= 0) {
            connection.write(buffer.flip());
        }
        connection.shutdownOutput();
    }

    /** Says a name, and no more. */
    final Server named(String name) throws IOException {
        return server(connection -> say(connection, name));
    }

    // The relay.

    static final Address ANYWHERE = new Address.Tcp("127.0.0.1", 0);

    /** A route from {@link #ANYWHERE}. */
    static Route.Builder route() {
        return Route.named("test").listen(Listen.on(ANYWHERE));
    }

    final Relay relay(Route... routes) throws IOException {
        return keep(Relay.start(kernel, new Config(List.of(routes), 1, 0), logs::add));
    }

    final SocketEnd client(Relay relay) throws IOException {
        return client(relay, ANYWHERE);
    }

    final SocketEnd client(Relay relay, Address address) throws IOException {
        return keep(sluice.connect(relay.addresses().get(address)));
    }

    /** The log of the next session that ends. */
    final SessionLog log() throws InterruptedException {
        SessionLog log = logs.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        assertThat(log).as("a session has ended").isNotNull();
        return log;
    }

    static boolean hasEnded(SocketEnd from) throws IOException {
        return from.read(ByteBuffer.allocateDirect(1)) < 0;
    }
}
