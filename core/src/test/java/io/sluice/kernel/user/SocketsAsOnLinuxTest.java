// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Flags.*;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Snapshot;
import io.sluice.kernel.linux.LinuxKernel;
import io.sluice.testing.NeedsLinux;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** The same calls on sockets of this machine and on sockets in memory: every answer must be the same. */
@EnabledOnOs(value = OS.LINUX, disabledReason = "there is no Linux kernel to compare with")
@NeedsLinux
class SocketsAsOnLinuxTest {
    private static final int[] UNIX_TYPES = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};

    private static void same(Consumer<Transcript> program) {
        List<String> linux;
        try (LinuxKernel kernel = new LinuxKernel();
                Transcript transcript = new Transcript(kernel)) {
            program.accept(transcript);
            linux = transcript.lines;
        }
        try (UserKernel kernel = UserKernel.builder().checking(true).build();
                Transcript transcript = new Transcript(kernel)) {
            program.accept(transcript);
            assertThat(transcript.lines).isEqualTo(linux);
            transcript.closeAll();
            assertThat(kernel.feature(Snapshot.class).orElseThrow().pagesInUse())
                    .as("pages left")
                    .isZero();
        }
    }

    @Test
    void aUnixPeerCloses() {
        for (int type : UNIX_TYPES) {
            same(t -> {
                int[] s = t.pair(type);
                t.close(s[1]);
                t.poll(s[0]);
                t.recv(s[0]);
                t.send(s[0], "x");
                t.send(s[0], "x");
                t.poll(s[0]);
                t.option(s[0], SOL_SOCKET, SO_ERROR);
            });
        }
    }

    @Test
    void aUnixPeerClosesWithBytesUnread() {
        for (int type : UNIX_TYPES) {
            same(t -> {
                int[] s = t.pair(type);
                t.send(s[0], "lost");
                t.send(s[1], "last");
                t.close(s[1]);
                t.poll(s[0]);
                t.recv(s[0]);
                t.recv(s[0]);
                t.recv(s[0]);
                t.poll(s[0]);
                t.send(s[0], "x");
            });
        }
    }

    @Test
    void anErrorOfAUnixSocketWaitsUntilASendTakesIt() {
        for (int type : UNIX_TYPES) {
            same(t -> {
                int[] s = t.pair(type);
                t.send(s[0], "lost");
                t.close(s[1]);
                t.send(s[0], "x");
                t.recv(s[0]);
                t.send(s[0], "x");
                t.recv(s[0]);
            });
        }
    }

    @Test
    void unixDirectionsEndOneByOne() {
        for (int type : UNIX_TYPES) {
            for (int how : new int[] {SHUT_RD, SHUT_WR, SHUT_RDWR}) {
                same(t -> {
                    int[] s = t.pair(type);
                    t.send(s[0], "queued");
                    t.shutdown(s[1], how);
                    t.poll(s);
                    t.send(s[0], "x");
                    t.send(s[1], "x");
                    t.recv(s[0]);
                    t.recv(s[1]);
                    t.recv(s[1]);
                    t.shutdown(s[1], SHUT_RDWR);
                    t.poll(s);
                    t.send(s[0], "x");
                    t.recv(s[1]);
                });
            }
        }
    }

    @Test
    void anUnconnectedSocketAnswersByItsKind() {
        for (int type : UNIX_TYPES) {
            same(t -> unconnected(t, t.socket(AF_UNIX, type)));
        }
        same(t -> unconnected(t, t.socket(AF_INET, SOCK_STREAM)));
        same(t -> unconnected(t, t.socket(AF_INET6, SOCK_STREAM)));
    }

    private static void unconnected(Transcript t, int fd) {
        t.poll(fd);
        t.recv(fd);
        t.recv(fd, 0, 0);
        t.send(fd, "x");
        t.send(fd, "");
        t.accept(fd);
        t.result("peer", t.kernel.getpeername(fd, new java.net.SocketAddress[1]));
        t.shutdown(fd, SHUT_RDWR);
        t.poll(fd);
        t.recv(fd);
        t.send(fd, "x");
        t.result("listen", t.kernel.listen(fd, 1));
    }

    @Test
    void asMuchIsQueuedAsOnLinux() {
        for (int type : UNIX_TYPES) {
            for (int size : new int[] {1, 192, 193, 700, 1472, 3776, 3777, 4096, 7872, 7873, 16384, 36544, 65536}) {
                same(t -> {
                    int[] s = t.pair(type);
                    t.fill(s[0], size);
                    t.poll(s);
                });
            }
        }
    }

    @Test
    void aSmallSendBufferHoldsLess() {
        for (int type : UNIX_TYPES) {
            same(t -> {
                int[] s = t.pair(type);
                t.set(s[0], SOL_SOCKET, SO_SNDBUF, 5000);
                t.fill(s[0], 1000);
                t.fill(s[0], 100_000);
                t.poll(s);
            });
        }
    }

    @Test
    void messagesKeepTheirBoundaries() {
        for (int type : new int[] {SOCK_SEQPACKET, SOCK_DGRAM}) {
            same(t -> {
                int[] s = t.pair(type);
                t.send(s[0], "");
                t.poll(s[1]);
                t.recv(s[1]);
                t.send(s[0], "abcdef");
                t.send(s[0], "gh");
                t.result("fionread", t.kernel.fionread(s[1]));
                t.recv(s[1], 2, MSG_PEEK | MSG_TRUNC);
                t.recv(s[1], 2, MSG_TRUNC);
                t.recv(s[1], 9, MSG_WAITALL);
                t.recv(s[1]);
            });
        }
    }

    @Test
    void peekingTakesNothing() {
        same(t -> peek(t, t.pair(SOCK_STREAM)));
        same(t -> peek(t, t.tcp()));
    }

    private static void peek(Transcript t, int[] s) {
        t.send(s[0], "abc");
        t.send(s[0], "def");
        t.recv(s[1], 2, MSG_PEEK);
        t.recv(s[1], 5, MSG_PEEK);
        t.recv(s[1], 9, MSG_PEEK);
        t.recv(s[1], 4, 0);
        t.recv(s[1], 4, MSG_PEEK | MSG_WAITALL);
        t.recv(s[1], 9, 0);
        t.recv(s[1], 9, MSG_PEEK);
    }

    @Test
    void aTcpPeerCloses() {
        same(t -> {
            int[] s = t.tcp();
            t.close(s[1]);
            t.poll(s[0]);
            t.send(s[0], "lost");
            t.poll(s[0]);
            t.send(s[0], "x");
            t.recv(s[0]);
            t.recv(s[0]);
            t.result("peer", t.kernel.getpeername(s[0], new java.net.SocketAddress[1]));
            t.shutdown(s[0], SHUT_WR);
        });
    }

    @Test
    void aTcpPeerClosesWithBytesUnread() {
        same(t -> {
            int[] s = t.tcp();
            t.send(s[0], "lost");
            t.send(s[1], "last");
            t.close(s[1]);
            t.poll(s[0]);
            t.recv(s[0]);
            t.recv(s[0]);
            t.recv(s[0]);
            t.poll(s[0]);
            t.send(s[0], "x");
        });
    }

    @Test
    void aTcpSocketThatLingersForNoTimeResets() {
        same(t -> {
            int[] s = t.tcp();
            t.set(s[1], SOL_SOCKET, SO_LINGER, 1, 0);
            t.send(s[1], "last");
            t.close(s[1]);
            t.poll(s[0]);
            t.option(s[0], SOL_SOCKET, SO_ERROR);
            t.recv(s[0]);
            t.recv(s[0]);
            t.poll(s[0]);
        });
    }

    @Test
    void aTcpResetAfterTheEndIsToldToWhoSendsOrAsks() {
        for (String last : new String[] {"", "last"}) {
            for (boolean asks : new boolean[] {false, true}) {
                same(t -> {
                    int[] s = t.tcp();
                    t.set(s[1], SOL_SOCKET, SO_LINGER, 1, 0);
                    if (!last.isEmpty()) {
                        t.send(s[1], last);
                    }
                    t.shutdown(s[1], SHUT_WR);
                    t.close(s[1]);
                    t.poll(s[0]);
                    t.recv(s[0], 9, MSG_PEEK);
                    t.recv(s[0]);
                    t.recv(s[0]);
                    t.poll(s[0]);
                    if (asks) {
                        t.option(s[0], SOL_SOCKET, SO_ERROR);
                    }
                    t.send(s[0], "x");
                    t.recv(s[0]);
                    t.poll(s[0]);
                });
            }
        }
    }

    @Test
    void tcpDirectionsEndOneByOne() {
        for (int how : new int[] {SHUT_RD, SHUT_WR, SHUT_RDWR}) {
            same(t -> {
                int[] s = t.tcp();
                t.send(s[0], "queued");
                t.shutdown(s[1], how);
                t.poll(s);
                t.recv(s[1]);
                t.recv(s[1]);
                t.recv(s[0]);
                t.send(s[1], "x");
                t.send(s[0], "more");
                t.poll(s);
                t.recv(s[1]);
                t.send(s[0], "more");
            });
        }
    }

    @Test
    void bothTcpSidesEndTheirSending() {
        same(t -> {
            int[] s = t.tcp();
            t.shutdown(s[1], SHUT_WR);
            t.shutdown(s[0], SHUT_WR);
            t.poll(s);
            t.result("peer", t.kernel.getpeername(s[0], new java.net.SocketAddress[1]));
            t.shutdown(s[0], SHUT_RDWR);
            t.send(s[0], "x");
            t.recv(s[0]);
        });
    }

    @Test
    void aTcpConnectThatDoesNotWaitIsAskedAbout() {
        same(t -> {
            int listener = t.listener();
            t.poll(listener);
            int client = t.socket(AF_INET, SOCK_STREAM);
            int edges = t.edges(client, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
            t.next(edges);
            t.connect(client, t.name(listener));
            t.poll(client, listener);
            t.next(edges);
            t.connect(client, t.name(listener));
            t.connect(client, t.name(listener));
            t.option(client, SOL_SOCKET, SO_ERROR);
            int server = t.accept(listener);
            t.accept(listener);
            t.poll(listener, server);
            t.result("bound again", t.kernel.bind(client, Transcript.loopback(0)));
            t.result("listen", t.kernel.listen(client, 1));
            t.recv(listener);
            t.send(listener, "x");
            t.connect(listener, Transcript.loopback(1));
            t.option(listener, SOL_SOCKET, SO_ACCEPTCONN);
        });
    }

    @Test
    void aTcpConnectToNobodyIsRefused() {
        same(t -> {
            int unused = t.socket(AF_INET, SOCK_STREAM);
            t.kernel.bind(unused, Transcript.loopback(0));
            int client = t.socket(AF_INET, SOCK_STREAM);
            t.connect(client, t.name(unused));
            t.poll(client);
            t.connect(client, t.name(unused));
            t.connect(client, t.name(unused));
            t.option(client, SOL_SOCKET, SO_ERROR);
            t.poll(client);
            t.connect(client, t.name(unused));
            int waiting = t.socket(AF_INET, SOCK_STREAM);
            t.kernel.fcntl(waiting, F_SETFL, 0);
            t.connect(waiting, t.name(unused));
            t.poll(waiting);
            t.kernel.fcntl(waiting, F_SETFL, O_NONBLOCK);
            t.recv(waiting);
        });
    }

    @Test
    void aFullTcpBacklogKeepsClientsWaiting() {
        same(t -> {
            int listener = t.listener();
            int[] clients = new int[3];
            for (int i = 0; i < 3; i++) {
                clients[i] = t.socket(AF_INET, SOCK_STREAM);
                t.connect(clients[i], t.name(listener));
            }
            t.poll(clients);
            t.connect(clients[2], t.name(listener));
            t.recv(clients[2]);
            t.send(clients[2], "x");
            t.result("peer", t.kernel.getpeername(clients[2], new java.net.SocketAddress[1]));
            t.close(listener);
            t.poll(clients[0]);
            t.recv(clients[0]);
            t.recv(clients[0]);
        });
    }

    @Test
    void aUnixListenerServesItsBacklog() throws Exception {
        Path directory = Files.createTempDirectory("s");
        try {
            String name = directory.getFileName().toString();
            same(t -> {
                boolean linux = t.kernel instanceof LinuxKernel;
                var path = UnixDomainSocketAddress.of(linux ? directory.resolve("l") : Path.of("/tmp/" + name));
                int client = t.socket(AF_UNIX, SOCK_STREAM);
                t.connect(client, path);
                int listener = t.socket(AF_UNIX, SOCK_STREAM);
                t.result("listen", t.kernel.listen(listener, 1));
                t.result("bind", t.kernel.bind(listener, path));
                t.result("bind", t.kernel.bind(listener, path));
                t.result("bind", t.kernel.bind(client, path));
                t.connect(client, path);
                t.result("listen", t.kernel.listen(listener, 1));
                t.poll(listener);
                int edges = t.edges(client, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
                t.next(edges);
                t.connect(client, path);
                t.next(edges);
                t.poll(listener, client);
                t.send(client, "early");
                t.connect(client, path);
                t.connect(t.socket(AF_UNIX, SOCK_DGRAM), path);
                int second = t.socket(AF_UNIX, SOCK_STREAM);
                t.connect(second, path);
                int third = t.socket(AF_UNIX, SOCK_STREAM);
                t.connect(third, path);
                t.poll(second, third);
                t.recv(listener);
                t.send(listener, "x");
                t.result("peer", t.kernel.getpeername(listener, new java.net.SocketAddress[1]));
                int server = t.accept(listener);
                t.recv(server);
                t.lines.add("named " + t.name(server).equals(path));
                t.close(listener);
                t.poll(second, server);
                t.recv(second);
                t.recv(second);
                t.connect(third, path);
                t.result("unlink", t.kernel.unlink(path.getPath().toString()));
                t.connect(third, path);
            });
        } finally {
            Files.deleteIfExists(directory.resolve("l"));
            Files.delete(directory);
        }
    }

    @Test
    void portsAreHeldByTheirSockets() {
        same(t -> {
            int listener = t.socket(AF_INET, SOCK_STREAM);
            t.result("bind", t.kernel.bind(listener, new InetSocketAddress(InetAddress.ofLiteral("0.0.0.0"), 0)));
            t.result("listen", t.kernel.listen(listener, 1));
            int port = ((InetSocketAddress) t.name(listener)).getPort();
            int other = t.socket(AF_INET, SOCK_STREAM);
            t.result("taken", t.kernel.bind(other, Transcript.loopback(port)));
            t.set(other, SOL_SOCKET, SO_REUSEADDR, 1);
            t.result("taken", t.kernel.bind(other, Transcript.loopback(port)));
            t.set(listener, SOL_SOCKET, SO_REUSEADDR, 1);
            t.result("listens", t.kernel.bind(other, Transcript.loopback(port)));
            t.result("far", t.kernel.bind(other, new InetSocketAddress(InetAddress.ofLiteral("8.8.8.8"), 0)));
            t.result("six", t.kernel.bind(other, new InetSocketAddress(InetAddress.ofLiteral("::1"), 0)));
            t.result("unix", t.kernel.bind(other, UnixDomainSocketAddress.of("/tmp/a")));
            t.result("unix", t.kernel.bind(other, UnixDomainSocketAddress.of("/tmp/aaaaaaaaaaaaaaa")));
            t.result("inet", t.kernel.bind(t.socket(AF_UNIX, SOCK_STREAM), Transcript.loopback(0)));
            int client = t.socket(AF_INET, SOCK_STREAM);
            t.connect(client, Transcript.loopback(port));
            int server = t.accept(listener);
            t.lines.add("" + ((InetSocketAddress) t.name(server)).getAddress());
            t.lines.add("" + ((InetSocketAddress) t.name(client)).getAddress());
        });
    }

    @Test
    void optionsAreReadAndSetAsOnLinux() {
        same(t -> {
            for (int fd : new int[] {
                t.socket(AF_UNIX, SOCK_STREAM), t.socket(AF_INET, SOCK_STREAM), t.socket(AF_INET6, SOCK_STREAM)
            }) {
                for (int name : new int[] {
                    SO_REUSEADDR,
                    SO_TYPE,
                    SO_ERROR,
                    SO_SNDBUF,
                    SO_RCVBUF,
                    SO_KEEPALIVE,
                    SO_LINGER,
                    SO_REUSEPORT,
                    SO_ACCEPTCONN,
                    SO_PROTOCOL,
                    SO_DOMAIN,
                    999
                }) {
                    t.option(fd, SOL_SOCKET, name);
                    t.set(fd, SOL_SOCKET, name, 3, 5);
                    t.option(fd, SOL_SOCKET, name);
                }
                for (int name : new int[] {
                    TCP_NODELAY,
                    TCP_CORK,
                    TCP_KEEPIDLE,
                    TCP_KEEPINTVL,
                    TCP_KEEPCNT,
                    TCP_DEFER_ACCEPT,
                    TCP_QUICKACK,
                    TCP_USER_TIMEOUT,
                    TCP_FASTOPEN,
                    77
                }) {
                    t.option(fd, IPPROTO_TCP, name);
                    t.set(fd, IPPROTO_TCP, name, 10);
                    t.option(fd, IPPROTO_TCP, name);
                    t.set(fd, IPPROTO_TCP, name, -1);
                }
                t.option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
                t.set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
            }
        });
    }

    @Test
    void whatCannotBeMadeIsRefusedAlike() {
        same(t -> {
            int[][] wanted = {
                {AF_INET, SOCK_SEQPACKET, 0}, {AF_INET, SOCK_STREAM, 17}, {AF_UNIX, SOCK_STREAM, 6}, {AF_UNIX, 7, 0},
                {99, SOCK_STREAM, 0}, {AF_INET, SOCK_DGRAM, 6}, {AF_UNIX, 77, 0}, {AF_UNIX, 11, 0}
            };
            for (int[] w : wanted) {
                t.result("socket", t.kernel.socket(w[0], w[1], w[2]));
                t.result("socketpair", t.kernel.socketpair(w[0], w[1], w[2], new int[2]));
            }
            t.result("socketpair", t.kernel.socketpair(AF_INET, SOCK_STREAM, 0, new int[2]));
        });
    }

    @Test
    void edgesComeAsOnLinux() {
        same(t -> edges(t, t.pair(SOCK_STREAM), 4096));
        same(t -> edges(t, t.pair(SOCK_SEQPACKET), 4096));
        same(t -> edges(t, t.pair(SOCK_DGRAM), 4096));
        same(t -> edges(t, t.tcp(), 0));
    }

    private static void edges(Transcript t, int[] s, int fill) {
        int all = EPOLLIN | EPOLLOUT | EPOLLRDHUP;
        int[] epolls = {t.edges(s[0], all), t.edges(s[1], all), t.edges(s[0], EPOLLOUT), t.edges(s[1], EPOLLIN)};
        t.next(epolls);
        t.send(s[0], "hello");
        t.next(epolls);
        t.send(s[0], "hello");
        t.next(epolls);
        t.recv(s[1], 2, 0);
        t.next(epolls);
        t.recv(s[1], 3, 0);
        t.next(epolls);
        t.recv(s[1], 9, 0);
        t.next(epolls);
        for (int i = 0; i < 60 && fill > 0; i++) {
            t.recv(s[1], fill, MSG_DONTWAIT);
            if (i == 0) {
                t.fill(s[0], fill);
            }
            t.next(epolls);
        }
        t.send(s[1], "back");
        t.next(epolls);
        t.shutdown(s[0], SHUT_WR);
        t.next(epolls);
        t.close(s[1]);
        t.next(epolls[0], epolls[2]);
    }
}
