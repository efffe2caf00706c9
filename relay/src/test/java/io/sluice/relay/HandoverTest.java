// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static io.sluice.kernel.Flags.AF_UNIX;
import static io.sluice.kernel.Flags.SOCK_CLOEXEC;
import static io.sluice.kernel.Flags.SOCK_STREAM;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.SocketEnd;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One relay follows another on the same addresses, as when a program is replaced while it runs. */
@NeedsLinux
final class HandoverTest extends RelayFixture {
    @TempDir
    private Path directory;

    @Override
    protected Kernel newKernel() {
        return new LinuxKernel();
    }

    private Path place() {
        return directory.resolve("handover");
    }

    private Address.Unix unix() {
        return new Address.Unix(directory.resolve("in"));
    }

    /** A port that a relay got, for the one that follows it. */
    private static Address.Tcp tcp(Relay relay) {
        return new Address.Tcp(
                "127.0.0.1",
                ((InetSocketAddress) relay.addresses().values().iterator().next()).getPort());
    }

    private Relay start(int loops, Address listen, Server to) throws IOException, ConfigException {
        Route route = Route.named("test")
                .listen(Listen.on(listen))
                .to(Backend.at(to.address()))
                .build();
        return keep(Relay.start(kernel, new Config(List.of(route), loops, 0, place(), null), logs::add));
    }

    private static void awaitHandover(Relay from) throws Exception {
        from.handedOver().get(20, TimeUnit.SECONDS);
    }

    @Test
    void aSuccessorTakesTheConnectionsAndTheSessionsOfTheOldOneGoOn() throws Exception {
        Relay first = start(2, ANYWHERE, echo());
        SocketEnd old = client(first);
        say(old, "before");
        assertThat(hear(old, 6)).isEqualTo("before");

        Relay second = start(3, tcp(first), named("second"));
        awaitHandover(first);

        for (int i = 0; i < 20; i++) {
            assertThat(hear(client(second, tcp(second)), 6)).isEqualTo("second");
        }
        say(old, "after!");
        assertThat(hear(old, 6)).isEqualTo("after!");
        assertThat(first.sessions()).isEqualTo(1);
        old.shutdownOutput();
        assertThat(hasEnded(old)).isTrue();
        assertThat(first.drain(Duration.ofSeconds(20))).isTrue();
        assertThat(hear(client(second, tcp(second)), 6)).isEqualTo("second");
    }

    @Test
    void aSuccessorMayListenToMoreAddressesOfTheSamePort() throws Exception {
        Relay first = start(1, ANYWHERE, named("first"));
        int port = tcp(first).port();
        start(1, new Address.Tcp("*", port), named("second"));
        awaitHandover(first);
        InetSocketAddress at = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        assertThat(hear(keep(sluice.connect(at)), 6)).isEqualTo("second");
    }

    @Test
    void noConnectionIsRefusedOrLostWhileRelaysFollowEachOther() throws Exception {
        Server backend = named("served");
        Relay now = start(2, ANYWHERE, backend);
        Address.Tcp address = tcp(now);
        InetSocketAddress at = new InetSocketAddress(InetAddress.getLoopbackAddress(), address.port());
        List<String> heard = new ArrayList<>();
        Thread clients = Thread.ofPlatform().start(() -> {
            try {
                for (int i = 0; i < 400; i++) {
                    try (SocketEnd client = sluice.connect(at)) {
                        heard.add(hear(client, 6));
                    }
                }
            } catch (IOException e) {
                heard.add(e.toString());
            }
        });
        for (int loops = 1; loops <= 4; loops++) {
            Relay next = start(loops, address, backend);
            awaitHandover(now);
            assertThat(now.drain(Duration.ofSeconds(20))).isTrue();
            now = next;
        }
        assertThat(clients.join(Duration.ofSeconds(30))).isTrue();
        assertThat(heard).hasSize(400).containsOnly("served");
    }

    @Test
    void theNameOfAUnixSocketGoesWithIt() throws Exception {
        Relay first = start(1, unix(), named("first"));
        assertThat(hear(client(first, unix()), 5)).isEqualTo("first");
        Relay second = start(1, unix(), named("second"));
        awaitHandover(first);
        first.close();
        assertThat(hear(client(second, unix()), 6)).isEqualTo("second");
        second.close();
        assertThat(unix().path()).doesNotExist();
        assertThat(place()).doesNotExist();
    }

    @Test
    void aSuccessorThatCannotBeginChangesNothing() throws Exception {
        Relay first = start(1, unix(), named("first"));
        Route good = Route.named("a")
                .listen(Listen.on(unix()))
                .to(Backend.at(unix()))
                .build();
        Route bad = Route.named("b")
                .listen(Listen.on(Address.parse("192.0.2.1:1"))) // not an address of this machine
                .to(Backend.at(unix()))
                .build();
        assertThatThrownBy(() -> Relay.start(kernel, new Config(List.of(good, bad), 1, 0, place(), null), logs::add))
                .hasMessageContaining("192.0.2.1:1");
        assertThat(hear(client(first, unix()), 5)).isEqualTo("first");
        assertThat(first.handedOver()).isNotDone();
        assertThat(unix().path()).exists();
        Relay third = start(1, unix(), named("third"));
        awaitHandover(first);
        assertThat(hear(client(third, unix()), 5)).isEqualTo("third");
    }

    @Test
    void whoeverTakesTheSocketsAndGoesHasChangedNothing() throws Exception {
        Relay first = start(1, unix(), named("first"));
        try (Predecessor asked = Predecessor.find(kernel, place());
                Inheritance inheritance = new Inheritance(kernel)) {
            assertThat(asked).isNotNull();
            asked.bequeath(inheritance);
            assertThat(inheritance.left()).hasSize(2);
        }
        assertThat(hear(client(first, unix()), 5)).isEqualTo("first");
        assertThat(first.handedOver()).isNotDone();
    }

    @Test
    void onlyTheSameUserMayTakeOver() throws Exception {
        start(1, unix(), named("first"));
        assertThat(Files.getPosixFilePermissions(place())).hasToString("[OWNER_READ, OWNER_WRITE]");
    }

    @Test
    void socketsThatTheProcessWasStartedWithAreUsed() throws Exception {
        int fd = (int) kernel.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        kernel.bind(fd, UnixDomainSocketAddress.of(unix().path()));
        kernel.listen(fd, 8);
        SocketEnd early = keep(sluice.connect(UnixDomainSocketAddress.of(unix().path())));
        Route route = Route.named("test")
                .listen(Listen.on(unix()))
                .to(Backend.at(named("given").address()))
                .build();
        Relay relay = keep(Relay.start(kernel, new Config(List.of(route), 2, 0), logs::add, List.of(fd)));
        assertThat(hear(early, 5)).isEqualTo("given");
        relay.close();
        assertThat(unix().path()).as("belongs to whoever passed the socket").exists();
    }

    @Test
    void whatIsNoListeningSocketIsRefusedByItsNumber() throws Exception {
        int fd = (int) kernel.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        Config config = Config.of(Route.named("test")
                .listen(Listen.on(unix()))
                .to(Backend.at(unix()))
                .build());
        assertThatThrownBy(() -> Relay.start(kernel, config, logs::add, List.of(fd)))
                .hasMessage("descriptor " + fd + ", given as a listening socket, does not listen");
        kernel.close(fd);
        assertThatThrownBy(() -> Relay.start(kernel, config, logs::add, List.of(fd)))
                .hasMessageContaining("descriptor " + fd)
                .hasMessageContaining("EBADF");
    }
}
