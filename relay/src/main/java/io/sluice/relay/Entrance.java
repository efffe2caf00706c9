// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static io.sluice.kernel.Flags.AF_UNIX;
import static io.sluice.kernel.Flags.FD_CLOEXEC;
import static io.sluice.kernel.Flags.F_SETFD;
import static io.sluice.kernel.Flags.F_SETFL;
import static io.sluice.kernel.Flags.IPPROTO_IPV6;
import static io.sluice.kernel.Flags.IPV6_V6ONLY;
import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_NOFOLLOW;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_PATH;
import static io.sluice.kernel.Flags.SOCK_CLOEXEC;
import static io.sluice.kernel.Flags.SOCK_NONBLOCK;
import static io.sluice.kernel.Flags.SOCK_STREAM;
import static io.sluice.kernel.Flags.SOL_SOCKET;
import static io.sluice.kernel.Flags.SOMAXCONN;
import static io.sluice.kernel.Flags.SO_REUSEADDR;
import static io.sluice.kernel.Flags.SO_REUSEPORT;
import static io.sluice.kernel.Flags.S_IFSOCK;

import io.sluice.ErrnoException;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Stat;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The listening sockets of one address: those that were inherited; else for TCP one per loop, between which the kernel
 * spreads the connections (SO_REUSEPORT), and otherwise one for all.
 */
final class Entrance {
    private final Kernel kernel;
    private final Address address;
    private final List<Listen> wishes;
    private final List<Integer> sockets = new ArrayList<>();
    private SocketAddress bound;
    private boolean named; // the path of a Unix socket is ours to remove

    /**
     * Listens.
     *
     * @param wishes of the routes that share the address: the permissions of a Unix socket
     * @param count sockets, where the address can have several
     * @param inheritance where there are sockets of this address, these are taken instead
     * @throws ErrnoException naming the call and the address
     */
    Entrance(Kernel kernel, Address address, List<Listen> wishes, int count, Inheritance inheritance)
            throws IOException {
        this.kernel = kernel;
        this.address = address;
        this.wishes = wishes;
        this.bound = socketAddress(address);
        try {
            for (int fd : inheritance.take(bound)) {
                sockets.add(fd);
                adopt(fd);
            }
            int wanted = !sockets.isEmpty() ? 0 : address instanceof Address.Unix ? 1 : count;
            for (int i = 0; i < wanted; i++) {
                listen();
            }
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
    }

    /**
     * Makes sure that nobody listens there yet. By SO_REUSEPORT a relay shares an address with any other of the same
     * user, and each would get a part of the other's connections.
     *
     * @throws ErrnoException naming the address: EADDRINUSE
     */
    static void requireFree(Kernel kernel, Address address) throws IOException {
        SocketAddress wanted = socketAddress(address);
        int probe = (int) check("socket", open(kernel, wanted), subject(address));
        try {
            check("setsockopt", prepare(kernel, probe), subject(address));
            check("bind", kernel.bind(probe, wanted), subject(address));
        } finally {
            kernel.close(probe);
        }
    }

    private static long open(Kernel kernel, SocketAddress at) {
        return kernel.socket(Sockets.domain(at), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    }

    /** What every listening socket of TCP has. */
    private static long prepare(Kernel kernel, int fd) {
        kernel.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0); // refused by what is no IPv6 socket
        return kernel.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    }

    static SocketAddress socketAddress(Address address) throws IOException {
        return switch (address) {
            case Address.Unix unix -> UnixDomainSocketAddress.of(unix.path());
            case Address.Tcp tcp
            when tcp.host().isEmpty() || tcp.host().equals("*") ->
                new InetSocketAddress(InetAddress.getByName("::"), tcp.port());
            case Address.Tcp tcp -> new InetSocketAddress(InetAddress.getByName(tcp.host()), tcp.port());
        };
    }

    private void listen() throws IOException {
        int fd = (int) check("socket", open(kernel, bound));
        sockets.add(fd);
        if (bound instanceof InetSocketAddress) {
            check("setsockopt", prepare(kernel, fd));
            check("setsockopt", kernel.setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, 1));
        } else {
            removeStale();
        }
        check("bind", kernel.bind(fd, bound));
        named = bound instanceof UnixDomainSocketAddress;
        for (Listen wish : wishes) {
            protect(wish); // before anybody can connect
        }
        check("listen", kernel.listen(fd, SOMAXCONN));
        SocketAddress[] own = new SocketAddress[1];
        check("getsockname", kernel.getsockname(fd, own));
        if (bound instanceof InetSocketAddress) {
            bound = own[0]; // with the port that was chosen, which the other sockets are to have as well
        }
    }

    /** The name of a Unix socket stays with whoever gave the socket, until {@link #ownName}. */
    private void adopt(int fd) throws IOException {
        check("fcntl", kernel.fcntl(fd, F_SETFL, O_NONBLOCK));
        check("fcntl", kernel.fcntl(fd, F_SETFD, FD_CLOEXEC));
        SocketAddress[] own = new SocketAddress[1];
        check("getsockname", kernel.getsockname(fd, own));
        bound = own[0];
        for (Listen wish : wishes) {
            protect(wish);
        }
    }

    /** The one who had the sockets before is gone, and what they are called is ours to remove. */
    void ownName() {
        named = bound instanceof UnixDomainSocketAddress;
    }

    private void protect(Listen wish) throws IOException {
        Integer mode = wish.mode();
        String owner = wish.owner();
        String group = wish.group();
        if (mode == null && owner == null && group == null) {
            return;
        }
        if (!(bound instanceof UnixDomainSocketAddress unix) || !Files.exists(unix.getPath())) {
            throw new IOException("listener on " + address
                    + " has no permissions that could be set; leave out its mode," + " owner and group");
        }
        PosixFileAttributeView file = Files.getFileAttributeView(unix.getPath(), PosixFileAttributeView.class);
        UserPrincipalLookupService people = unix.getPath().getFileSystem().getUserPrincipalLookupService();
        if (mode != null) {
            file.setPermissions(permissions(mode));
        }
        try {
            if (group != null) {
                file.setGroup(people.lookupPrincipalByGroupName(group));
            }
            if (owner != null) {
                file.setOwner(people.lookupPrincipalByName(owner));
            }
        } catch (UserPrincipalNotFoundException e) {
            throw new IOException(
                    "listener on " + address + ": this system does not know "
                            + (owner == null ? "" : "user '" + owner + "'")
                            + (owner == null || group == null ? "" : " or ")
                            + (group == null ? "" : "group '" + group + "'"),
                    e);
        }
    }

    private static Set<PosixFilePermission> permissions(int mode) {
        StringBuilder text = new StringBuilder("rwxrwxrwx");
        for (int i = 0; i < text.length(); i++) {
            if ((mode & (0400 >> i)) == 0) {
                text.setCharAt(i, '-');
            }
        }
        return PosixFilePermissions.fromString(text.toString());
    }

    /**
     * A socket that nobody listens at is left over from a relay that was killed. One that somebody answers at is not,
     * and to a file that is no socket connect(2) answers in the same way as to an old one.
     */
    private void removeStale() {
        long probe = kernel.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (probe < 0) {
            return;
        }
        if (kernel.connect((int) probe, bound) == -Errno.ECONNREFUSED && isSocket(path())) {
            kernel.unlink(path().toString());
        }
        kernel.close((int) probe);
    }

    private boolean isSocket(Path path) {
        long fd = kernel.open(path.toString(), O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
        if (fd < 0) {
            return false;
        }
        Stat stat = new Stat();
        boolean is = kernel.fstat((int) fd, stat) == 0 && stat.type() == S_IFSOCK;
        kernel.close((int) fd);
        return is;
    }

    private Path path() {
        return ((UnixDomainSocketAddress) bound).getPath();
    }

    private long check(String call, long result) throws ErrnoException {
        return check(call, result, subject(address));
    }

    private static long check(String call, long result, String subject) throws ErrnoException {
        if (result < 0) {
            throw new ErrnoException(call, result, subject);
        }
        return result;
    }

    private static String subject(Address address) {
        return "listener on " + address;
    }

    /** Where it listens, with the port that it got. */
    SocketAddress bound() {
        return bound;
    }

    /** All of them. */
    List<Integer> sockets() {
        return List.copyOf(sockets);
    }

    /** Leaves the name of a Unix socket to those who have the sockets, too. */
    void leaveName() {
        named = false;
    }

    /** Closes the sockets; the name of a Unix socket goes with them. */
    void close() {
        sockets.forEach(kernel::close);
        if (named) {
            named = false;
            kernel.unlink(path().toString());
        }
        sockets.clear();
    }
}
