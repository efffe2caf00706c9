// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Flags.*;

import io.sluice.kernel.EpollEvents;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** What a kernel answers to a series of calls on sockets, as lines that two kernels can be compared by. */
final class Transcript implements AutoCloseable {
    private static final int POLLWRBAND = 0x200;
    private static final int EVERY_EVENT =
            POLLIN | POLLOUT | POLLRDHUP | POLLRDNORM | POLLWRNORM | POLLWRBAND | POLLPRI;

    final Kernel kernel;
    final Arena arena = Arena.ofShared();
    final List<String> lines = new ArrayList<>();
    private final List<Integer> open = new ArrayList<>();

    Transcript(Kernel kernel) {
        this.kernel = kernel;
    }

    private long note(String call, long result) {
        lines.add(call + " -> " + (result < 0 ? Errno.name((int) -result) : Long.toString(result)));
        return result;
    }

    int socket(int domain, int type) {
        int fd = (int) kernel.socket(domain, type | SOCK_NONBLOCK, 0);
        if (fd < 0) {
            throw new IllegalStateException("socket: " + Errno.name(-fd));
        }
        open.add(fd);
        return fd;
    }

    int[] pair(int type) {
        int[] fds = new int[2];
        note("socketpair", kernel.socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, fds));
        open.add(fds[0]);
        open.add(fds[1]);
        return fds;
    }

    /** A connected pair over the loopback interface. */
    int[] tcp() {
        int listener = listener();
        int client = (int) kernel.socket(AF_INET, SOCK_STREAM, 0);
        open.add(client);
        note("connect", kernel.connect(client, name(listener)));
        kernel.fcntl(client, F_SETFL, O_NONBLOCK);
        int server = accept(listener);
        close(listener);
        return new int[] {client, server};
    }

    int listener() {
        int listener = socket(AF_INET, SOCK_STREAM);
        note("bind", kernel.bind(listener, loopback(0)));
        note("listen", kernel.listen(listener, 1));
        return listener;
    }

    static InetSocketAddress loopback(int port) {
        return new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port);
    }

    SocketAddress name(int fd) {
        SocketAddress[] out = new SocketAddress[1];
        kernel.getsockname(fd, out);
        return out[0];
    }

    int accept(int fd) {
        int accepted = (int) kernel.accept4(fd, SOCK_NONBLOCK);
        lines.add("accept -> " + (accepted < 0 ? Errno.name(-accepted) : "a socket"));
        if (accepted >= 0) {
            open.add(accepted);
        }
        return accepted;
    }

    long connect(int fd, SocketAddress address) {
        return note("connect", kernel.connect(fd, address));
    }

    long send(int fd, String text) {
        return note("send " + text, kernel.send(fd, text(text), MSG_NOSIGNAL));
    }

    /** How many sends of {@code size} bytes are taken whole, and what the last one answers. */
    void fill(int fd, int size) {
        MemorySegment bytes = arena.allocate(size);
        long last;
        int whole = 0;
        while ((last = kernel.send(fd, bytes, MSG_NOSIGNAL)) == size) {
            whole++;
        }
        lines.add(whole + " sends of " + size);
        note("then", last);
    }

    void recv(int fd, int count, int flags) {
        MemorySegment room = arena.allocate(Math.max(1, count)).asSlice(0, count);
        long result = note("recv " + count + " flags " + flags, kernel.recv(fd, room, flags));
        if (result > 0 && result <= count) {
            lines.add(new String(room.asSlice(0, result).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8));
        }
    }

    void recv(int fd) {
        recv(fd, 100, 0);
    }

    void poll(int... fds) {
        for (int fd : fds) {
            lines.add("poll " + Long.toHexString(kernel.poll(fd, EVERY_EVENT, 0)));
        }
    }

    void shutdown(int fd, int how) {
        note("shutdown " + how, kernel.shutdown(fd, how));
    }

    void close(int fd) {
        note("close", kernel.close(fd));
        open.removeIf(other -> other == fd);
    }

    void option(int fd, int level, int name) {
        int[] value = new int[4];
        long count = note("getsockopt " + level + " " + name, kernel.getsockopt(fd, level, name, value));
        for (int i = 0; i < count; i++) {
            lines.add("value " + value[i]);
        }
    }

    void set(int fd, int level, int name, int... value) {
        note("setsockopt " + level + " " + name + " " + List.of(value[0]), kernel.setsockopt(fd, level, name, value));
    }

    void result(String call, long result) {
        note(call, result);
    }

    /** An edge-triggered interest in input, output and half-close. */
    int edges(int fd, int events) {
        int epoll = (int) kernel.epollCreate1(0);
        open.add(epoll);
        note("epoll_ctl", kernel.epollCtl(epoll, EPOLL_CTL_ADD, fd, events | EPOLLET, 0));
        return epoll;
    }

    void next(int... epolls) {
        EpollEvents events = new EpollEvents(1);
        for (int epoll : epolls) {
            long count = kernel.epollWait(epoll, events, 0);
            lines.add("edge " + (count == 0 ? "none" : Integer.toHexString(events.events(0))));
        }
    }

    MemorySegment text(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        MemorySegment segment = arena.allocate(Math.max(1, bytes.length)).asSlice(0, bytes.length);
        MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return segment;
    }

    void closeAll() {
        open.forEach(kernel::close);
        open.clear();
    }

    @Override
    public void close() {
        closeAll();
        arena.close();
    }
}
