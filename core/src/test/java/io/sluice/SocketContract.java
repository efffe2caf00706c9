// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.FD_CLOEXEC;
import static io.sluice.kernel.Flags.F_GETFD;
import static io.sluice.kernel.Flags.IPPROTO_TCP;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.TCP_NODELAY;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.wrap.ForwardingKernel;
import io.sluice.testing.Pending;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Connecting, listening and the ends of a stream. */
abstract class SocketContract extends SluiceFixture {

    private static final byte[] IPV6_LOOPBACK = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

    private SocketAddress address(String family) throws UnknownHostException {
        return switch (family) {
            case "inet" -> new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), 0);
            case "inet6" -> new InetSocketAddress(InetAddress.getByAddress(IPV6_LOOPBACK), 0);
            default -> UnixDomainSocketAddress.of(directory.resolve("listener"));
        };
    }

    @ParameterizedTest
    @ValueSource(strings = {"inet", "inet6", "unix"})
    void bothSidesOfAConnectionSpeakAndKnowEachOther(String family) throws Exception {
        Listener listener = keep(sluice.listen(address(family)));
        SocketEnd client = keep(sluice.connect(listener.localAddress()));
        SocketEnd server = keep(listener.accept());
        client.write(text("question"));
        assertThat(read(server, 100)).isEqualTo("question");
        server.write(text("answer"));
        assertThat(read(client, 100)).isEqualTo("answer");
        assertThat(client.remoteAddress()).isEqualTo(server.localAddress()).isEqualTo(listener.localAddress());
        assertThat(server.remoteAddress()).isEqualTo(client.localAddress());
        for (SocketEnd end : List.of(client, server)) {
            assertThat(statusFlags(end.endpoint.fd()) & O_NONBLOCK).isNotZero();
            assertThat(kernel.fcntl(end.endpoint.fd(), F_GETFD, 0)).isEqualTo(FD_CLOEXEC);
        }
    }

    @Test
    void aFreePortIsChosenAndTold() throws Exception {
        Listener listener = keep(sluice.listen(address("inet")));
        assertThat(((InetSocketAddress) listener.localAddress()).getPort()).isPositive();
        assertThat(listener.toString()).contains("127.0.0.1");
    }

    @Test
    void smallWritesAreNotHeldBackOnEitherSide() throws Exception {
        for (SocketEnd end : tcp()) {
            int[] value = new int[1];
            kernel.getsockopt(end.endpoint.fd(), IPPROTO_TCP, TCP_NODELAY, value);
            assertThat(value[0]).isEqualTo(1);
        }
    }

    @Test
    void endingOnesOwnSideLeavesTheOtherOpen() throws Exception {
        for (SocketEnd[] pair : List.of(tcp(), unix())) {
            pair[0].write(text("last words"));
            pair[0].shutdownOutput();
            assertThat(read(pair[1], 100)).isEqualTo("last words");
            assertThat(read(pair[1], 100)).isEqualTo("end");
            pair[1].write(text("still here"));
            assertThat(read(pair[0], 100)).isEqualTo("still here");
            assertThatThrownBy(() -> pair[0].write(text("more")))
                    .isInstanceOfSatisfying(
                            ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EPIPE));
        }
    }

    @Test
    void aResetIsSeenAsACutAndNotAsTheEnd() throws Exception {
        SocketEnd[] pair = tcp();
        pair[0].reset();
        assertThat(pair[0].isOpen()).isFalse();
        assertThatThrownBy(() -> pair[1].read(room(1)))
                .isInstanceOfSatisfying(
                        ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ECONNRESET));
    }

    @Test
    void nobodyListening() throws Exception {
        SocketAddress left;
        try (Listener listener = sluice.listen(address("inet"))) {
            left = listener.localAddress();
        }
        assertThatThrownBy(() -> sluice.connect(left)).isInstanceOfSatisfying(ErrnoException.class, e -> {
            assertThat(e.errno()).isEqualTo(Errno.ECONNREFUSED);
            assertThat(e.call()).isEqualTo("connect");
        });
        assertThatThrownBy(() -> sluice.connect(address("unix")))
                .isInstanceOfSatisfying(
                        ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT));
    }

    @Test
    void twoCannotListenOnOneAddress() throws Exception {
        for (String family : List.of("inet", "unix")) {
            try (Listener first = sluice.listen(address(family))) {
                assertThatThrownBy(() -> sluice.listen(first.localAddress()))
                        .isInstanceOfSatisfying(ErrnoException.class, e -> {
                            assertThat(e.errno()).isEqualTo(Errno.EADDRINUSE);
                            assertThat(e.call()).isEqualTo("bind");
                        });
            }
        }
    }

    @Test
    void closingAUnixListenerRemovesItsNameOnceAndNoStrangersName() throws Exception {
        Listener first = sluice.listen(address("unix"));
        first.close();
        assertThat(stand.exists(directory.resolve("listener"))).isFalse();
        Listener second = keep(sluice.listen(address("unix")));
        first.close();
        assertThat(stand.exists(directory.resolve("listener"))).isTrue();
        assertThat(second.isOpen()).isTrue();
    }

    @Test
    void acceptingWithinATimeAnswersNullWhenNobodyComes() throws Exception {
        Listener listener = keep(sluice.listen(address("inet")));
        assertThat(listener.accept(Duration.ofMillis(5))).isNull();
        assertThat(listener.accept(Duration.ZERO)).isNull();
        keep(sluice.connect(listener.localAddress()));
        assertThat(keep(listener.accept(Duration.ofDays(1_000_000)))).isNotNull();
    }

    @Test
    void aUnixListenerWhoseBacklogIsFullIsWaitedForUpToTheDeadline() throws Exception {
        Kernel small = new ForwardingKernel(kernel) {
            @Override
            public long listen(int fd, int backlog) {
                return inner.listen(fd, 0);
            }
        };
        try (Sluice narrow = Sluice.on(small);
                Listener listener = narrow.listen(address("unix"))) {
            List<SocketEnd> queued = new ArrayList<>();
            queued.add(keep(narrow.connect(listener.localAddress())));
            assertThatThrownBy(() -> {
                        while (true) {
                            queued.add(keep(narrow.connect(listener.localAddress(), Duration.ofMillis(30))));
                        }
                    })
                    .isInstanceOf(ErrnoException.class);
            try (Pending<SocketEnd> connecting = Pending.start(() -> keep(narrow.connect(listener.localAddress())))) {
                connecting.mustWait();
                for (int i = 0; i <= queued.size(); i++) {
                    keep(listener.accept());
                }
                assertThat(connecting.value().isOpen()).isTrue();
            }
        }
    }

    /** Every connection is answered late: the kernel below says "in progress" and its peer never does. */
    @Test
    void connectingCanBeGivenADeadlineAndInterrupted() throws Exception {
        Kernel slow = new ForwardingKernel(kernel) {
            @Override
            protected long around(String name, LongSupplier call, @Nullable Object... arguments) {
                return switch (name) {
                    case "connect" -> -Errno.EINPROGRESS;
                    // Never ready: nothing is armed.
                    case "epoll_ctl" -> arguments[2].equals(lastSocket) ? 0 : call.getAsLong();
                    case "socket" -> {
                        lastSocket = (int) call.getAsLong();
                        yield lastSocket;
                    }
                    default -> call.getAsLong();
                };
            }

            private int lastSocket = -1;
        };
        try (Sluice slowly = Sluice.on(slow)) {
            InetSocketAddress target = new InetSocketAddress(InetAddress.getLoopbackAddress(), 9);
            assertThatThrownBy(() -> slowly.connect(target, Duration.ofMillis(20)))
                    .isInstanceOfSatisfying(
                            ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ETIMEDOUT));
            try (Pending<SocketEnd> connecting = Pending.start(Pending.Kind.VIRTUAL, () -> slowly.connect(target))) {
                connecting.mustWait().interrupt();
                assertThat(connecting.failure()).isInstanceOf(TransferInterruptedException.class);
            }
        }
    }

    @Test
    void anAddressThatIsNoneIsRefusedAtOnce() {
        InetSocketAddress unresolved = InetSocketAddress.createUnresolved("nowhere.invalid", 1);
        assertThatThrownBy(() -> sluice.connect(unresolved))
                .isInstanceOf(UnknownHostException.class)
                .hasMessageContaining("nowhere.invalid");
        assertThatThrownBy(() -> sluice.listen(unresolved)).isInstanceOf(UnknownHostException.class);
        SocketAddress odd = new SocketAddress() {};
        assertThatThrownBy(() -> sluice.connect(odd)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> sluice.connect(null)).isInstanceOf(NullPointerException.class);
    }

    @Test
    void twoHundredConnectionsAreAcceptedByOneVirtualThread() throws Exception {
        int count = 200;
        Listener listener = keep(sluice.listen(address("inet")));
        try (Pending<Integer> accepting = Pending.start(Pending.Kind.VIRTUAL, () -> {
            for (int i = 0; i < count; i++) {
                keep(listener.accept());
            }
            return count;
        })) {
            for (int i = 0; i < count; i++) {
                keep(sluice.connect(listener.localAddress()));
            }
            assertThat(accepting.value()).isEqualTo(count);
        }
    }
}
