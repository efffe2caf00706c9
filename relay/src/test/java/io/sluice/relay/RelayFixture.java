// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.Listener;
import io.sluice.Sluice;
import io.sluice.SocketEnd;
import io.sluice.kernel.Kernel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Clients, a relay, and backends, all on the kernel that the subclass supplies. */
abstract class RelayFixture {
    private static final long PATIENCE_SECONDS = 20;

    Kernel kernel;
    Sluice sluice;
    final BlockingQueue<SessionLog> logs = new LinkedBlockingQueue<>();

    private final List<AutoCloseable> opened = new ArrayList<>();

    abstract Kernel newKernel();

    @BeforeEach
    final void open() {
        kernel = newKernel();
        sluice = Sluice.on(kernel);
    }

    @AfterEach
    final void close() throws Exception {
        for (AutoCloseable each : List.copyOf(opened).reversed()) {
            each.close();
        }
        sluice.close();
        kernel.close();
    }

    final <T extends AutoCloseable> T keep(T each) {
        opened.add(each);
        return each;
    }

    // Backends.

    /** What a backend does with a connection; the connection is closed when it returns. */
    interface Service {
        void serve(SocketEnd connection) throws IOException;
    }

    /** A server that has a thread for each connection. */
    final class Server implements AutoCloseable {
        final BlockingQueue<SocketEnd> connections = new LinkedBlockingQueue<>();
        final Listener listener;
        private final List<Thread> threads = new ArrayList<>();
        private final Thread acceptor;

        Server(SocketAddress at, Service service) throws IOException {
            this.listener = sluice.listen(at);
            this.acceptor = Thread.ofPlatform().name("server").start(() -> accept(service));
        }

        private void accept(Service service) {
            while (true) {
                SocketEnd connection;
                try {
                    connection = listener.accept();
                } catch (ClosedChannelException closed) {
                    return;
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
                connections.add(connection);
                threads.add(Thread.ofPlatform().name("service").start(() -> {
                    try (connection) {
                        service.serve(connection);
                    } catch (IOException gone) {
                        // The test looks at what the client gets of it.
                        return;
                    }
                }));
            }
        }

        Address address() throws ConfigException {
            return Address.parse(
                    listener.localAddress() instanceof UnixDomainSocketAddress unix
                            ? "unix:" + unix.getPath()
                            : "127.0.0.1:" + ((InetSocketAddress) listener.localAddress()).getPort());
        }

        @Override
        public void close() {
            listener.close();
            join(acceptor);
            connections.forEach(SocketEnd::close);
            threads.forEach(RelayFixture::join);
        }
    }

    private static void join(Thread thread) {
        try {
            assertThat(thread.join(Duration.ofSeconds(PATIENCE_SECONDS)))
                    .as("the thread has ended")
                    .isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    final Server server(Service service) throws IOException {
        return keep(new Server(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), service));
    }

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
        SessionLog log = logs.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
        assertThat(log).as("a session has ended").isNotNull();
        return log;
    }

    // Words.

    static void say(SocketEnd to, String words) throws IOException {
        say(to, words.getBytes(StandardCharsets.ISO_8859_1));
    }

    static void say(SocketEnd to, byte[] bytes) throws IOException {
        to.write(ByteBuffer.allocateDirect(bytes.length).put(bytes).flip());
    }

    /** So many bytes, or those before the end. */
    static String hear(SocketEnd from, int bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocateDirect(bytes);
        int got = 0;
        while (buffer.hasRemaining() && got >= 0) {
            got = from.read(buffer);
        }
        byte[] heard = new byte[buffer.flip().remaining()];
        buffer.get(heard);
        return new String(heard, StandardCharsets.ISO_8859_1);
    }

    static boolean hasEnded(SocketEnd from) throws IOException {
        return from.read(ByteBuffer.allocateDirect(1)) < 0;
    }
}
