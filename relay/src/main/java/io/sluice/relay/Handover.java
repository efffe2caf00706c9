// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static io.sluice.kernel.Flags.EPOLLIN;
import static io.sluice.kernel.Flags.EPOLLRDHUP;

import io.sluice.ErrnoException;
import io.sluice.kernel.DescriptorPassing;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * Where a relay waits for the one that is to follow it, and gives it the listening sockets. Both take connections for a
 * moment; then only the successor does, and no connection has met a closed door or been lost in a queue.
 *
 * <pre>
 *   successor                             relay
 *   connects  --------------------------->
 *             <---------  SOCKETS, with up to 253 of them, as often as it takes; END
 *   takes connections
 *   READY     --------------------------->
 *                                         takes no more, and lets its sessions finish
 * </pre>
 *
 * A successor that goes away before it is ready has changed nothing. Belongs to its loop.
 */
final class Handover implements Acceptor.Taker {
    static final byte SOCKETS = 'S';
    static final byte END = 'E';
    static final byte READY = 'R';

    /** Only who may act for this user may take over. */
    private static final int MODE = 0600;

    private static final System.Logger LOG = System.getLogger(Handover.class.getName());

    private final EventLoop loop;
    private final DescriptorPassing passing;
    private final Supplier<List<Integer>> sockets;
    private final Runnable handedOver;
    private final Entrance entrance;
    private final Acceptor acceptor;
    private final List<Heir> heirs = new ArrayList<>();

    /**
     * Listens; a successor waits until {@link #open}.
     *
     * @param sockets all others that a successor is to get
     * @param handedOver is told, on the loop's thread, when a successor takes connections
     */
    Handover(EventLoop loop, Path path, Inheritance inheritance, Supplier<List<Integer>> sockets, Runnable handedOver)
            throws IOException {
        this.loop = loop;
        this.passing = passing(loop.kernel());
        this.sockets = sockets;
        this.handedOver = handedOver;
        Address address = new Address.Unix(path);
        Listen wish = new Listen(address, MODE, null, null, List.of());
        this.entrance = new Entrance(loop.kernel(), address, List.of(wish), 1, inheritance);
        this.acceptor = new Acceptor(loop, entrance.sockets().getFirst(), entrance.bound(), false, this);
    }

    /** Begins to take successors. */
    void open() throws IOException {
        long[] started = new long[1];
        loop.call(() -> started[0] = acceptor.start());
        if (started[0] < 0) {
            throw new ErrnoException("epoll_ctl", started[0], "handover");
        }
    }

    /** The way in which descriptors travel on this kernel. */
    static DescriptorPassing passing(Kernel kernel) throws IOException {
        return kernel.feature(DescriptorPassing.class)
                .orElseThrow(() -> new IOException("this kernel passes no sockets to a successor: leave out handover"));
    }

    @Override
    public boolean hasRoom() {
        return true;
    }

    @Override
    public void taken(int fd, SocketAddress peer) {
        Heir heir = new Heir(fd);
        heirs.add(heir);
        heir.begin();
    }

    /** The relay before this one has left the place. */
    void ownName() {
        entrance.ownName();
    }

    /** A successor has the place now. */
    void leave() {
        entrance.leaveName();
        close();
    }

    /** Sends away whoever has not said yet that it is ready, and takes no more. */
    void close() {
        loop.call(() -> {
            acceptor.stop();
            List.copyOf(heirs).forEach(Heir::close);
        });
        entrance.close();
    }

    /** A successor on its way. */
    private final class Heir implements EventLoop.Watcher {
        private final int fd;
        private long seat = -1;

        Heir(int fd) {
            this.fd = fd;
        }

        void begin() {
            List<Integer> all = new ArrayList<>(sockets.get());
            all.addAll(entrance.sockets());
            long sent = give(all);
            seat = sent < 0 ? sent : loop.watch(fd, EPOLLIN | EPOLLRDHUP, this);
            if (seat < 0) {
                LOG.log(Level.WARNING, "cannot give a successor the sockets: {0}", Errno.name((int) -seat));
                close();
            }
        }

        private long give(List<Integer> all) {
            for (int i = 0; i < all.size(); i += DescriptorPassing.MAX_DESCRIPTORS) {
                int end = Math.min(i + DescriptorPassing.MAX_DESCRIPTORS, all.size());
                long sent = passing.send(fd, SOCKETS, all.subList(i, end));
                if (sent < 0) {
                    return sent;
                }
            }
            return passing.send(fd, END, List.of());
        }

        @Override
        public void ready(int events) {
            List<Integer> none = new ArrayList<>();
            long word = passing.receive(fd, none);
            none.forEach(loop.kernel()::close);
            if (word == -Errno.EAGAIN || word == -Errno.EINTR) {
                return;
            }
            close();
            if (word == READY) {
                handedOver.run();
            }
        }

        void close() {
            heirs.remove(this);
            if (seat >= 0) {
                loop.forget(fd, seat, true);
            }
            loop.kernel().close(fd);
        }
    }
}
