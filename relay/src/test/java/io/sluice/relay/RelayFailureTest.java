// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.SocketEnd;
import io.sluice.kernel.EpollEvents;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Snapshot;
import io.sluice.kernel.user.UserKernel;
import io.sluice.kernel.wrap.ForwardingKernel;
import java.io.IOException;
import java.net.SocketAddress;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** A mistake that ends an event loop ends the relay: nobody is left with a connection that nobody serves. */
class RelayFailureTest extends RelayFixture {
    private static final long PATIENCE_SECONDS = 20;

    /** Its loops find their epoll gone when they are told to. */
    private static final class Broken extends ForwardingKernel {
        volatile boolean broken;

        Broken(Kernel inner) {
            super(inner);
        }

        @Override
        public long epollWait(int epfd, EpollEvents events, int timeoutMillis) {
            return broken ? -Errno.EBADF : super.epollWait(epfd, events, timeoutMillis);
        }
    }

    @Override
    protected Kernel newKernel() {
        return UserKernel.builder().build();
    }

    @Test
    void aLoopThatFailsEndsItsSessionsAndTheListeners() throws Exception {
        Server server = echo();
        try (SocketEnd direct = sluice.connect(server.listener.localAddress())) {
            say(direct, "ping");
            assertThat(hear(direct, 4)).isEqualTo("ping"); // and the test has all that it needs itself
        }
        List<Integer> before = kernel.feature(Snapshot.class).orElseThrow().descriptors();
        Broken broken = new Broken(kernel);
        Relay relay = Relay.start(
                broken,
                new Config(List.of(route().to(Backend.at(server.address())).build()), 2, 0),
                logs::add);
        SocketAddress at = relay.addresses().get(ANYWHERE);
        try (SocketEnd one = sluice.connect(at);
                SocketEnd other = sluice.connect(at)) {
            say(one, "ping");
            say(other, "ping");
            assertThat(hear(one, 4)).isEqualTo("ping");
            assertThat(hear(other, 4)).isEqualTo("ping");

            broken.broken = true;
            for (SocketEnd session : List.of(one, other)) {
                assertThatThrownBy(() -> {
                            say(session, "x"); // wakes its loop, unless that has not slept since
                            hear(session, 1);
                        })
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("ECONNRESET");
            }
            assertThatThrownBy(() -> relay.handedOver().get(PATIENCE_SECONDS, TimeUnit.SECONDS))
                    .isInstanceOf(ExecutionException.class)
                    .hasRootCauseMessage("epoll_wait: EBADF");
            awaitClosed(at);
        }
        relay.close();
        server.close();
        assertThat(kernel.feature(Snapshot.class).orElseThrow().descriptors()).isSubsetOf(before);
    }

    private void awaitClosed(SocketAddress at) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (isListening(at)) {
            assertThat(System.nanoTime() - deadline).as("it still listens").isNegative();
            TimeUnit.MILLISECONDS.sleep(5);
        }
    }

    private boolean isListening(SocketAddress at) {
        try (SocketEnd _ = sluice.connect(at)) {
            return true;
        } catch (IOException refused) {
            return false;
        }
    }
}
