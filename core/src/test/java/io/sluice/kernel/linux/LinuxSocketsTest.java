// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.linux;

import static io.sluice.kernel.Errno.EADDRINUSE;
import static io.sluice.kernel.Errno.EAFNOSUPPORT;
import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.ECONNREFUSED;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.ENOENT;
import static io.sluice.kernel.Errno.ENOPROTOOPT;
import static io.sluice.kernel.Errno.ENOTCONN;
import static io.sluice.kernel.Errno.ENOTSOCK;
import static io.sluice.kernel.Errno.EPIPE;
import static io.sluice.kernel.Flags.*;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.Serial;
import java.lang.foreign.MemorySegment;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sockets against the kernel of this machine. */
final class LinuxSocketsTest extends OnLinux {
    @TempDir
    private Path directory;

    private int socket(int domain) {
        return opened(kernel.socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0));
    }

    private SocketAddress nameOf(int fd) {
        SocketAddress[] out = new SocketAddress[1];
        assertThat(kernel.getsockname(fd, out)).isZero();
        return out[0];
    }

    private SocketAddress peerOf(int fd) {
        SocketAddress[] out = new SocketAddress[1];
        assertThat(kernel.getpeername(fd, out)).isZero();
        return out[0];
    }

    /** Connects, checks both names at both ends, sends each way. Answers the client. */
    private int converse(int domain, SocketAddress at) {
        int listener = socket(domain);
        assertThat(kernel.bind(listener, at)).isZero();
        assertThat(kernel.listen(listener, 8)).isZero();
        int client = socket(domain);
        assertThat(kernel.connect(client, nameOf(listener))).isZero();
        int server = opened(kernel.accept4(listener, SOCK_CLOEXEC | SOCK_NONBLOCK));
        assertThat(kernel.fcntl(server, F_GETFD, 0)).isEqualTo(FD_CLOEXEC);
        assertThat(kernel.fcntl(server, F_GETFL, 0) & O_NONBLOCK).isEqualTo(O_NONBLOCK);
        assertThat(peerOf(client)).isEqualTo(nameOf(listener)).isEqualTo(nameOf(server));
        assertThat(peerOf(server)).isEqualTo(nameOf(client));

        MemorySegment room = arena.allocate(10);
        assertThat(kernel.recv(server, room, 0)).isEqualTo(-EAGAIN);
        assertThat(kernel.send(client, text("ping"), MSG_NOSIGNAL)).isEqualTo(4);
        assertThat(kernel.recv(server, room, MSG_PEEK | MSG_DONTWAIT)).isEqualTo(4);
        assertThat(kernel.recv(server, room, MSG_DONTWAIT)).isEqualTo(4);
        assertThat(string(room.asSlice(0, 4))).isEqualTo("ping");
        assertThat(kernel.shutdown(server, SHUT_WR)).isZero();
        assertThat(kernel.recv(client, room, 0)).isZero();
        return client;
    }

    @Test
    void ipv4() throws UnknownHostException {
        InetAddress loopback = InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
        int client = converse(AF_INET, new InetSocketAddress(loopback, 0));
        assertThat(((InetSocketAddress) peerOf(client)).getAddress()).isEqualTo(loopback);
        assertThat(((InetSocketAddress) peerOf(client)).getPort()).isPositive();
    }

    @Test
    void ipv6() throws UnknownHostException {
        InetAddress loopback = InetAddress.ofLiteral("::1");
        long probe = kernel.socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assumeTrue(probe >= 0, "this machine has no IPv6");
        assumeTrue(kernel.bind(opened(probe), new InetSocketAddress(loopback, 0)) == 0, "IPv6 has no loopback here");
        int client = converse(AF_INET6, new InetSocketAddress(loopback, 0));
        assertThat(((InetSocketAddress) peerOf(client)).getAddress()).isEqualTo(loopback);
    }

    @Test
    void anIpv6AddressTakesItsScopeAndPortAlong() throws UnknownHostException {
        byte[] bytes = InetAddress.ofLiteral("fe80::102:304").getAddress();
        ByteBuffer memory = ByteBuffer.allocateDirect(SocketAddresses.MAX_BYTES).order(ByteOrder.nativeOrder());
        var scoped = new InetSocketAddress(Inet6Address.getByAddress(null, bytes, 7), 65_000);
        assertThat(SocketAddresses.write(scoped, memory)).isEqualTo(28);
        assertThat(SocketAddresses.read(memory, 28)).isEqualTo(scoped);
        assertThat(((Inet6Address) ((InetSocketAddress) SocketAddresses.read(memory, 28)).getAddress()).getScopeId())
                .isEqualTo(7);
    }

    @Test
    void anIpv4PeerOfAnIpv6SocketIsItself() throws UnknownHostException {
        long probe = kernel.socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assumeTrue(probe >= 0, "this machine has no IPv6");
        int listener = opened(probe);
        ok(kernel.setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, 0));
        assumeTrue(kernel.bind(listener, new InetSocketAddress(InetAddress.ofLiteral("::"), 0)) == 0, "no IPv6 here");
        ok(kernel.listen(listener, 1));
        int port = ((InetSocketAddress) nameOf(listener)).getPort();
        int client = socket(AF_INET);
        ok(kernel.connect(client, new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port)));
        int server = opened(kernel.accept4(listener, SOCK_CLOEXEC));
        assertThat(peerOf(server)).isEqualTo(nameOf(client));
    }

    @Test
    void unix() {
        Path path = directory.resolve("socket");
        int client = converse(AF_UNIX, UnixDomainSocketAddress.of(path));
        assertThat(peerOf(client)).isEqualTo(UnixDomainSocketAddress.of(path));
        assertThat(nameOf(client)).isEqualTo(UnixDomainSocketAddress.of(""));
        assertThat(kernel.bind(socket(AF_UNIX), UnixDomainSocketAddress.of(path)))
                .isEqualTo(-EADDRINUSE);
        assertThat(kernel.connect(socket(AF_UNIX), UnixDomainSocketAddress.of(path + "-none")))
                .isEqualTo(-ENOENT);
    }

    @Test
    void aUnixNameOfTheLongestLengthIsKeptWhole() {
        // Relative, because the directory's own name may be long.
        Path longest = Path.of("target/" + "s".repeat(107 - "target/".length()));
        int socket = socket(AF_UNIX);
        try {
            assertThat(kernel.bind(socket, UnixDomainSocketAddress.of(longest))).isZero();
            assertThat(nameOf(socket)).isEqualTo(UnixDomainSocketAddress.of(longest));
        } finally {
            kernel.unlink(longest.toString());
        }
        assertThat(kernel.bind(socket(AF_UNIX), UnixDomainSocketAddress.of("x".repeat(108))))
                .isEqualTo(-EINVAL);
    }

    @Test
    void aNameThatJavaCannotExpressIsUnnamed() {
        int abstractName = socket(AF_UNIX);
        ok(kernel.bind(abstractName, UnixDomainSocketAddress.of(""))); // the kernel chooses one
        assertThat(nameOf(abstractName)).isEqualTo(UnixDomainSocketAddress.of(""));
        int netlink = opened(kernel.socket(16, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        assertThat(nameOf(netlink)).isEqualTo(UnixDomainSocketAddress.of(""));
    }

    @Test
    void addressesThatAreNoneAreRefusedBeforeTheCall() {
        assertThat(kernel.connect(-1, InetSocketAddress.createUnresolved("nowhere.invalid", 80)))
                .isEqualTo(-EINVAL);
        SocketAddress other = new SocketAddress() {
            @Serial
            private static final long serialVersionUID = 1;
        };
        assertThat(kernel.bind(-1, other)).isEqualTo(-EAFNOSUPPORT);
    }

    @Test
    void aConnectionThatNobodyAcceptsIsRefused() throws UnknownHostException {
        int bound = socket(AF_INET); // takes a port and does not listen
        ok(kernel.bind(bound, new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0)));
        assertThat(kernel.connect(socket(AF_INET), nameOf(bound))).isEqualTo(-ECONNREFUSED);
        assertThat(kernel.getpeername(bound, new SocketAddress[1])).isEqualTo(-ENOTCONN);
        assertThat(kernel.accept4(bound, 0)).isEqualTo(-EINVAL);
        assertThat(kernel.getsockname(pipe(0)[0], new SocketAddress[1])).isEqualTo(-ENOTSOCK);
    }

    @Test
    void optionsAreSetAndReadBack() {
        int socket = socket(AF_INET);
        int[] one = new int[1];
        assertThat(kernel.setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, 1)).isZero();
        assertThat(kernel.getsockopt(socket, IPPROTO_TCP, TCP_NODELAY, one)).isEqualTo(1);
        assertThat(one).containsExactly(1);
        assertThat(kernel.getsockopt(socket, SOL_SOCKET, SO_TYPE, one)).isEqualTo(1);
        assertThat(one).containsExactly(SOCK_STREAM);
        assertThat(kernel.getsockopt(socket, SOL_SOCKET, SO_DOMAIN, one)).isEqualTo(1);
        assertThat(one).containsExactly(AF_INET);
        assertThat(kernel.getsockopt(socket, SOL_SOCKET, SO_PROTOCOL, one)).isEqualTo(1);
        assertThat(one).containsExactly(IPPROTO_TCP);
        assertThat(kernel.setsockopt(socket, SOL_SOCKET, SO_RCVBUF, 100_000)).isZero();
        assertThat(kernel.getsockopt(socket, SOL_SOCKET, SO_RCVBUF, one)).isEqualTo(1);
        assertThat(one).containsExactly(200_000); // Linux doubles it: socket(7)
        assertThat(kernel.setsockopt(socket, IPPROTO_TCP, 9999, 1)).isEqualTo(-ENOPROTOOPT);
        assertThat(kernel.setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE)).isEqualTo(-EINVAL);
    }

    @Test
    void lingerHasTwoValues() {
        int socket = socket(AF_INET);
        assertThat(kernel.setsockopt(socket, SOL_SOCKET, SO_LINGER, 1, 17)).isZero();
        int[] two = new int[2];
        assertThat(kernel.getsockopt(socket, SOL_SOCKET, SO_LINGER, two)).isEqualTo(2);
        assertThat(two).containsExactly(1, 17);
    }

    @Test
    void anOptionNeverFillsMoreThanItIsGiven() {
        int socket = socket(AF_INET);
        int[] big = new int[100_000]; // more than the call's own memory has room for
        int info = 11; // TCP_INFO, some 60 integers
        assertThat(kernel.getsockopt(socket, IPPROTO_TCP, info, big)).isBetween(26L, 1000L);
        int[] three = {-1, -1, -1};
        assertThat(kernel.getsockopt(socket, IPPROTO_TCP, info, three)).isEqualTo(3);
        assertThat(three[0]).isEqualTo(7); // TCP_CLOSE, and the next two of its bytes are 0
    }

    @Test
    void aSocketPairIsConnected() {
        int[] pair = new int[2];
        assertThat(kernel.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
                .isZero();
        opened(pair[0]);
        assertThat(kernel.send(pair[0], text("over"), 0)).isEqualTo(4);
        assertThat(kernel.fionread(pair[1])).isEqualTo(4);
        assertThat(readText(pair[1])).isEqualTo("over");
        ok(kernel.close(pair[1]));
        assertThat(kernel.send(pair[0], text("over"), MSG_NOSIGNAL)).isEqualTo(-EPIPE);
        assertThat(kernel.socketpair(AF_INET, SOCK_STREAM, 0, pair)).isNegative();
        assertThat(kernel.socket(-1, SOCK_STREAM, 0)).isEqualTo(-EAFNOSUPPORT);
    }
}
