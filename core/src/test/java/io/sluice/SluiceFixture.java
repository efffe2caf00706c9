// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Flags;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Stat;
import io.sluice.kernel.wrap.TracingKernel;
import io.sluice.testing.NoLeaks;
import io.sluice.testing.Opened;
import io.sluice.testing.Stand;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A Sluice on the kernel that the subclass supplies, whose calls can be looked at; nothing may be left behind. */
@NoLeaks
abstract class SluiceFixture {
    /** Every call on {@link #kernel}, oldest first. */
    final Queue<TracingKernel.Call> calls = new ConcurrentLinkedQueue<>();

    Kernel kernel;
    Sluice sluice;

    Stand stand;

    /** Where the test keeps its files, on {@link #kernel}. */
    Path directory;

    private final Opened opened = new Opened();

    /** A new kernel of the kind under test, and a place there. */
    abstract Stand newStand();

    /** What the test puts around the kernel, below the tracing. */
    Kernel around(Kernel plain) {
        return plain;
    }

    @BeforeEach
    final void open() {
        stand = newStand();
        directory = stand.directory();
        kernel = new TracingKernel(around(stand.kernel()), calls::add);
        sluice = Sluice.on(kernel);
    }

    @AfterEach
    final void close() throws Exception {
        opened.closeAll();
        sluice.close();
        stand.close();
    }

    /** Has {@code end} closed after the test, in the reverse order of opening. */
    final <T extends AutoCloseable> T keep(T end) {
        return opened.keep(end);
    }

    /** Has a bare descriptor closed after the test. */
    final int keep(int fd) {
        opened.keep(() -> kernel.close(fd));
        return fd;
    }

    /** Both ends of a pipe in the blocking mode in which a process inherits one: 0 the read end, 1 the write end. */
    final int[] inheritedPipe() {
        int[] fds = new int[2];
        assertThat(kernel.pipe2(fds, Flags.O_CLOEXEC)).isZero();
        keep(fds[0]);
        keep(fds[1]);
        return fds;
    }

    /** Two connected Unix stream sockets in blocking mode. */
    final int[] inheritedSockets() {
        int[] fds = new int[2];
        assertThat(kernel.socketpair(Flags.AF_UNIX, Flags.SOCK_STREAM | Flags.SOCK_CLOEXEC, 0, fds))
                .isZero();
        keep(fds[0]);
        keep(fds[1]);
        return fds;
    }

    final SocketEnd[] tcp() throws IOException {
        try (Listener listener = sluice.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
            return new SocketEnd[] {keep(sluice.connect(listener.localAddress())), keep(listener.accept())};
        }
    }

    final SocketEnd[] unix() throws IOException {
        try (Listener listener = sluice.listen(UnixDomainSocketAddress.of(directory.resolve("pair")))) {
            return new SocketEnd[] {keep(sluice.connect(listener.localAddress())), keep(listener.accept())};
        }
    }

    final Path fifo() {
        Path fifo = directory.resolve("fifo");
        assertThat(kernel.mkfifo(fifo.toString(), 0600)).isZero();
        return fifo;
    }

    /** The flags of an open file description. */
    final int statusFlags(int fd) {
        return (int) kernel.fcntl(fd, Flags.F_GETFL, 0);
    }

    final boolean isOpen(int fd) {
        return kernel.fstat(fd, new Stat()) == 0;
    }

    /** The calls of that name so far. */
    final List<TracingKernel.Call> callsNamed(String name) {
        return calls.stream().filter(call -> call.name().equals(name)).toList();
    }

    static MemorySegment bytes(int... values) {
        MemorySegment memory = Arena.ofAuto().allocate(values.length);
        for (int i = 0; i < values.length; i++) {
            memory.set(JAVA_BYTE, i, (byte) values[i]);
        }
        return memory;
    }

    static MemorySegment text(String text) {
        byte[] bytes = text.getBytes(UTF_8);
        return Arena.ofAuto().allocateFrom(JAVA_BYTE, bytes);
    }

    static MemorySegment room(long bytes) {
        return Arena.ofAuto().allocate(bytes);
    }

    /** What can be read at once, as text; a read that is expected not to wait. */
    static String read(End end, int most) throws IOException {
        MemorySegment room = room(most);
        long count = end.readSome(room);
        return count < 0 ? "end" : new String(room.asSlice(0, count).toArray(JAVA_BYTE), UTF_8);
    }

    /** Reads to the end and counts. */
    static long countToEnd(End end) throws IOException {
        MemorySegment room = room(1 << 16);
        long total = 0;
        for (long count = end.readSome(room); count >= 0; count = end.readSome(room)) {
            total += count;
        }
        return total;
    }
}
