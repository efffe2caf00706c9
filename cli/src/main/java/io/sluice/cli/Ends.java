// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import static io.sluice.kernel.Flags.S_IFBLK;
import static io.sluice.kernel.Flags.S_IFIFO;
import static io.sluice.kernel.Flags.S_IFREG;
import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;

import io.sluice.End;
import io.sluice.ErrnoException;
import io.sluice.FileEnd;
import io.sluice.Listener;
import io.sluice.Sink;
import io.sluice.Sluice;
import io.sluice.SocketEnd;
import io.sluice.Source;
import io.sluice.TransferInterruptedException;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Stat;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * The open ends of one copy.
 *
 * <p>In this order, so that a mistake is found before anything is harmed or anybody is waited for: everything is opened
 * and every listener listens, source first; no file may stand on two sides; the listeners' peers are waited for; and
 * only then are the files emptied that will be written.
 */
final class Ends implements AutoCloseable {
    /** How long a peer may take to read what it was sent and to end its own side. */
    private static final Duration LINGER = Duration.ofSeconds(1);

    private final Sluice sluice;
    private final boolean append;
    private final Consumer<String> notices;
    private final List<End> opened = new ArrayList<>();
    private final List<Listener> listeners = new ArrayList<>();
    private final List<FileEnd> written = new ArrayList<>();
    private final Source source;
    private final List<Sink> sinks;

    /** An end that is there, or that will be when its peer comes. */
    private interface Coming<E> {
        E await() throws IOException;
    }

    /**
     * Opens all ends or none.
     *
     * @param notices gets a line for each listener
     * @param refusals gets what is wrong with each sink that cannot be opened, where others can be gone on with
     */
    Ends(Sluice sluice, CopyOptions options, Consumer<String> notices, Consumer<IOException> refusals)
            throws IOException {
        this.sluice = sluice;
        this.append = options.append();
        this.notices = notices;
        boolean complete = false;
        try {
            Coming<? extends Source> from = openSource(options.source());
            List<Coming<? extends Sink>> to = new ArrayList<>();
            for (Location sink : options.sinks()) {
                try {
                    to.add(openSink(sink, options.source()));
                } catch (TransferInterruptedException e) {
                    throw e;
                } catch (IOException e) {
                    if (!options.goesWithoutRefused()) {
                        throw e;
                    }
                    refusals.accept(e);
                }
            }
            if (to.isEmpty()) {
                throw new Refusal("there is nowhere to write to");
            }
            refuseSameFile();
            source = from.await();
            List<Sink> all = new ArrayList<>();
            for (Coming<? extends Sink> sink : to) {
                all.add(sink.await());
            }
            sinks = List.copyOf(all);
            widen(options.pipeBytes());
            empty();
            complete = true;
        } finally {
            if (!complete) {
                close();
            }
        }
    }

    Source source() {
        return source;
    }

    List<Sink> sinks() {
        return sinks;
    }

    // Opening.

    // By instanceof: a switch over patterns is compiled when it is first met, which takes 5 ms of the start.

    private Coming<? extends Source> openSource(Location location) throws IOException {
        if (location instanceof Location.Standard) {
            return here((End & Source) sluice.source(0));
        }
        if (location instanceof Location.Named named) {
            return here(sluice.open(named.path()));
        }
        return socket(location);
    }

    private Coming<? extends Sink> openSink(Location location, Location from) throws IOException {
        if (location instanceof Location.Standard) {
            return here((End & Sink) sluice.sink(1));
        }
        if (location instanceof Location.Named named) {
            FileEnd file = openToWrite(named.path(), from);
            written.add(file);
            return here(file);
        }
        return socket(location);
    }

    private FileEnd openToWrite(Path path, Location from) throws IOException {
        try {
            return append ? sluice.open(path, CREATE, APPEND) : sluice.open(path, CREATE, WRITE);
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ENOENT) {
                throw new Refusal(e.getMessage() + "; check its spelling, or make its directory first", e);
            }
            if (e.errno() == Errno.EISDIR && from instanceof Location.Named(Path source)) {
                throw new Refusal(e.getMessage() + "; name the file in it: " + path.resolve(source.getFileName()), e);
            }
            throw e;
        }
    }

    private Coming<SocketEnd> socket(Location location) throws IOException {
        return switch (location) {
            case Location.Tcp tcp -> here(connect(tcp));
            case Location.Unix(Path path) -> here(sluice.connect(UnixDomainSocketAddress.of(path)));
            case Location.TcpListen tcp -> accept(listen(tcp));
            case Location.UnixListen(Path path) -> accept(sluice.listen(UnixDomainSocketAddress.of(path)));
            default -> throw new IllegalArgumentException("no socket: " + location);
        };
    }

    private <E extends End> Coming<E> here(E end) {
        opened.add(end);
        return () -> end;
    }

    private Coming<SocketEnd> accept(Listener listener) {
        listeners.add(listener);
        notices.accept(listener.toString());
        return () -> {
            SocketEnd peer = listener.accept();
            opened.add(peer);
            listener.close(); // one connection: the next one is refused instead of waiting for ever
            return peer;
        };
    }

    private SocketEnd connect(Location.Tcp tcp) throws IOException {
        List<String> failures = new ArrayList<>();
        ErrnoException last = null;
        for (InetAddress address : InetAddress.getAllByName(tcp.host())) {
            try {
                return sluice.connect(new InetSocketAddress(address, tcp.port()));
            } catch (ErrnoException e) {
                failures.add(address.getHostAddress() + ": " + Errno.message(e.errno()));
                last = e;
            }
        }
        if (last == null) {
            throw new IllegalStateException("a host without addresses: " + tcp.host());
        }
        if (failures.size() > 1) {
            throw new Refusal(tcp + ": none of its addresses answered (" + String.join("; ", failures) + ")", last);
        }
        throw last;
    }

    private Listener listen(Location.TcpListen tcp) throws IOException {
        try {
            return tcp.host().isEmpty() ? listenAnywhere(tcp.port()) : listen(tcp.host(), tcp.port());
        } catch (ErrnoException e) {
            throw new ErrnoException(e.call(), e.errno(), tcp.toString()); // as it was written
        }
    }

    private Listener listen(String host, int port) throws IOException {
        return sluice.listen(new InetSocketAddress(InetAddress.getByName(host), port));
    }

    /** On every address of both families, or of IPv4 where there is no other. */
    private Listener listenAnywhere(int port) throws IOException {
        try {
            return listen("::", port);
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EAFNOSUPPORT && e.errno() != Errno.EADDRNOTAVAIL) {
                throw e;
            }
            return listen("0.0.0.0", port);
        }
    }

    // Pipes and files.

    /**
     * Has pipes that others made hold as much as our own: with the usual 64 KiB the two sides wake each other eight
     * times as often. Never less than they hold, and where the kernel does not allow it, they serve as they are.
     */
    private void widen(int bytes) throws IOException {
        for (End end : opened) {
            try {
                if (end.stat().type() == S_IFIFO && end.pipeCapacityBytes() < bytes) {
                    end.resizePipe(bytes);
                }
            } catch (ErrnoException e) {
                if (e.errno() != Errno.EPERM && e.errno() != Errno.EBUSY && e.errno() != Errno.ENOMEM) {
                    throw e;
                }
            }
        }
    }

    /** A file that is read and written at once would be destroyed, or grow until the disk is full. */
    private void refuseSameFile() throws IOException {
        List<End> seen = new ArrayList<>();
        List<Stat> stats = new ArrayList<>();
        for (End end : opened) {
            Stat stat = end.stat();
            int type = stat.type();
            if (type != S_IFREG && type != S_IFBLK && type != S_IFIFO) {
                continue;
            }
            for (int i = 0; i < seen.size(); i++) {
                Stat other = stats.get(i);
                if (other.dev() == stat.dev() && other.ino() == stat.ino()) {
                    throw new Refusal(seen.get(i) + " and " + end + " are the same file; name another destination");
                }
            }
            seen.add(end);
            stats.add(stat);
        }
    }

    private void empty() throws IOException {
        for (FileEnd file : written) {
            Stat stat = file.stat();
            if (!append && stat.type() == S_IFREG && stat.size() > 0) {
                file.truncate(0);
            }
        }
    }

    /** Has what was written to files brought to their devices. */
    void sync() throws IOException {
        for (Sink sink : sinks) {
            if (sink instanceof FileEnd file) {
                int type = file.stat().type();
                if (type == S_IFREG || type == S_IFBLK) {
                    file.sync();
                }
            }
        }
    }

    // Closing.

    /**
     * Ends what was sent, and gives the peers of TCP a moment: closing a socket with unread bytes in it, or that some
     * arrive at afterwards, resets the connection, and the peer would lose the tail of what is on its way (pitfall 64).
     */
    void finish() throws IOException {
        List<SocketEnd> sockets = new ArrayList<>();
        for (Sink sink : sinks) {
            if (sink instanceof SocketEnd socket && sink != source) {
                sockets.add(socket);
            }
        }
        for (SocketEnd socket : sockets) {
            unlessGone(socket::shutdownOutput);
        }
        for (SocketEnd socket : sockets) {
            unlessGone(() -> linger(socket));
        }
    }

    private interface Step {
        void run() throws IOException;
    }

    private static void unlessGone(Step step) throws IOException {
        try {
            step.run();
        } catch (ErrnoException e) {
            // Then the peer has closed its side for good, which is its way to say that it is done.
            if (e.errno() != Errno.ENOTCONN && e.errno() != Errno.ECONNRESET) {
                throw e;
            }
        }
    }

    private void linger(SocketEnd socket) throws IOException {
        if (socket.remoteAddress() instanceof InetSocketAddress) {
            try (FileEnd nowhere = sluice.open(Path.of("/dev/null"), WRITE)) {
                sluice.transfer(socket).to(nowhere).deadline(LINGER).run();
            }
        }
    }

    /** Closes what was opened. */
    @Override
    public void close() throws IOException {
        for (End end : opened) {
            end.close();
        }
        listeners.forEach(Listener::close);
    }
}
