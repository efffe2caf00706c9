// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static io.sluice.kernel.Flags.AF_UNIX;
import static io.sluice.kernel.Flags.POLLIN;
import static io.sluice.kernel.Flags.SOCK_CLOEXEC;
import static io.sluice.kernel.Flags.SOCK_NONBLOCK;
import static io.sluice.kernel.Flags.SOCK_STREAM;

import io.sluice.ErrnoException;
import io.sluice.kernel.DescriptorPassing;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The relay that runs while this one starts, seen from here; the other side of {@link Handover}. */
final class Predecessor implements AutoCloseable {
    /** It only has to send what it has; whoever takes longer is stuck. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final Kernel kernel;
    private final DescriptorPassing passing;
    private final Path path;
    private final int fd;

    private Predecessor(Kernel kernel, DescriptorPassing passing, Path path, int fd) {
        this.kernel = kernel;
        this.passing = passing;
        this.path = path;
        this.fd = fd;
    }

    /** The one that waits at {@code path}; null when nobody does. */
    static @Nullable Predecessor find(Kernel kernel, Path path) throws IOException {
        DescriptorPassing passing = Handover.passing(kernel);
        long fd = kernel.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0) {
            throw new ErrnoException("socket", fd, "handover at " + path);
        }
        Predecessor found = new Predecessor(kernel, passing, path, (int) fd);
        long connected = kernel.connect((int) fd, UnixDomainSocketAddress.of(path));
        if (connected == 0) {
            return found;
        }
        found.close();
        if (connected == -Errno.ENOENT || connected == -Errno.ECONNREFUSED) {
            return null;
        }
        throw new ErrnoException("connect", connected, "handover at " + path);
    }

    /** Gets its sockets, into {@code inheritance}. */
    void bequeath(Inheritance inheritance) throws IOException {
        List<Integer> received = new ArrayList<>();
        try {
            long word = Handover.SOCKETS;
            while (word == Handover.SOCKETS) {
                word = receive(received);
            }
            if (word != Handover.END) {
                throw new IOException("handover at " + path + ": what answers there is no relay of this kind");
            }
            while (!received.isEmpty()) {
                inheritance.add(received.getLast());
                received.removeLast();
            }
        } finally {
            received.forEach(kernel::close);
        }
    }

    private long receive(List<Integer> fds) throws IOException {
        long result = kernel.poll(fd, POLLIN, (int) PATIENCE.toMillis());
        if (result == 0) {
            throw new IOException(
                    "handover at " + path + ": no word from the relay there for " + PATIENCE.toSeconds() + " s");
        }
        if (result > 0) {
            result = passing.receive(fd, fds);
        }
        if (result < 0) {
            throw new ErrnoException("recvmsg", result, "handover at " + path);
        }
        return result;
    }

    /** Tells it that connections are taken here from now on. */
    void dismiss() throws IOException {
        long sent = passing.send(fd, Handover.READY, List.of());
        if (sent < 0) {
            throw new ErrnoException("sendmsg", sent, "handover at " + path);
        }
    }

    @Override
    public void close() {
        kernel.close(fd);
    }
}
