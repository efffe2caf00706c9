// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.kernel.Capabilities.Outcome;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Flags;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Stat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A kernel with what tests of its signatures need at hand: pipes, files, sockets, bytes. Everything made here is closed
 * at the end of the test, and then nothing may be left open.
 */
final class Rig implements AutoCloseable {
    /** No process has so many descriptors. */
    static final int BADFD = Integer.MAX_VALUE;

    /** The kernels under test; another one is another line. */
    static Stream<Rig> onEachKernel() {
        return Stream.of(new Rig(Rig::linux), new Rig(UserStand::new));
    }

    /** The kernel of this machine alone, for what no other has. */
    static Stream<Rig> onLinux() {
        return Stream.of(new Rig(Rig::linux));
    }

    private static Stand linux() {
        assumeTrue(LinuxStand.isReachable(), "native access is denied, and with it the system's own kernel");
        return new LinuxStand();
    }

    private final Supplier<Stand> source;
    private @Nullable Stand stand;
    private final Arena arena = Arena.ofShared();
    private final Set<Integer> open = new TreeSet<>();
    private final List<Pending> started = new ArrayList<>();
    private int files;

    /** {@code source} is asked when a test needs its stand first: one test alone is skipped where there is none. */
    private Rig(Supplier<Stand> source) {
        this.source = source;
    }

    Kernel kernel() {
        return stand().kernel();
    }

    Stand stand() {
        if (stand == null) {
            stand = source.get();
        }
        return stand;
    }

    /** Has a descriptor closed at the end, unless a test closes it through {@link #close(int)}. */
    int keep(long descriptor) {
        assertThat(descriptor).as("a descriptor").isNotNegative();
        open.add((int) descriptor);
        return (int) descriptor;
    }

    void close(int descriptor) {
        assertThat(open.remove(descriptor)).isTrue();
        assertThat(kernel().close(descriptor)).isZero();
    }

    PipeEnds pipe() {
        return pipe(0);
    }

    PipeEnds pipe(int flags) {
        int[] fds = new int[2];
        assertThat(kernel().pipe2(fds, flags)).isZero();
        return new PipeEnds(keep(fds[0]), keep(fds[1]));
    }

    /** A pipe's two descriptors. */
    record PipeEnds(int r, int w) {}

    int[] socketpair(int domain, int type) {
        int[] fds = new int[2];
        assertThat(kernel().socketpair(domain, type, 0, fds)).isZero();
        keep(fds[0]);
        keep(fds[1]);
        return fds;
    }

    /** Two connected TCP sockets on loopback, with TCP_NODELAY; the second is the accepted one. */
    int[] tcp() {
        int listener = listener();
        SocketAddress[] address = new SocketAddress[1];
        assertThat(kernel().getsockname(listener, address)).isZero();
        int client = keep(kernel().socket(Flags.AF_INET, Flags.SOCK_STREAM, 0));
        assertThat(kernel().connect(client, address[0])).isZero();
        int server = keep(kernel().accept4(listener, 0));
        close(listener);
        for (int socket : new int[] {client, server}) {
            assertThat(kernel().setsockopt(socket, Flags.IPPROTO_TCP, Flags.TCP_NODELAY, 1))
                    .isZero();
        }
        return new int[] {client, server};
    }

    /** A TCP socket that listens on a free loopback port. */
    int listener() {
        int listener = keep(kernel().socket(Flags.AF_INET, Flags.SOCK_STREAM, 0));
        assertThat(kernel().bind(listener, new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)))
                .isZero();
        assertThat(kernel().listen(listener, 1)).isZero();
        return listener;
    }

    /** Begins a call in a thread of its own. */
    Pending start(LongSupplier call) {
        Pending pending = new Pending(stand(), call);
        started.add(pending);
        return pending;
    }

    /** Skips the test on a kernel whose vmsplice copies, as those after 6.18 may. */
    void assumeVmspliceShares() {
        assumeThat(kernel().capabilities().vmsplice().outcome()).isEqualTo(Outcome.SHARES);
    }

    /** A fresh path that nothing has yet; FIFOs and files there vanish with the rig. */
    String path() {
        return path(files++);
    }

    private String path(int file) {
        return stand().directory() + "/rig-" + file;
    }

    /** A regular file with that content, opened with flags such as O_RDWR at position 0. */
    int file(String content, int flags) {
        String path = path();
        int made = keep(kernel().open(path, Flags.O_CREAT | Flags.O_EXCL | Flags.O_RDWR, 0600));
        if (!content.isEmpty()) {
            assertThat(kernel().write(made, bytes(content))).isEqualTo(content.length());
        }
        close(made);
        return keep(kernel().open(path, flags, 0));
    }

    /** Native memory that holds text in ASCII. */
    static MemorySegment bytes(String text) {
        MemorySegment bytes = room(text.length());
        MemorySegment.copy(MemorySegment.ofArray(text.getBytes(StandardCharsets.US_ASCII)), 0, bytes, 0, text.length());
        return bytes;
    }

    /** Native memory for {@code vmsplice} into a pipe: stays as it is until the rig is closed. */
    MemorySegment memory(String text) {
        MemorySegment memory = arena.allocate(text.length(), 4096);
        return memory.copyFrom(MemorySegment.ofArray(text.getBytes(StandardCharsets.US_ASCII)));
    }

    /** Native memory of zeros, freed when nobody holds it. */
    static MemorySegment room(long bytes) {
        return Arena.ofAuto().allocate(bytes, 4096);
    }

    static String text(MemorySegment memory, long length) {
        return new String(memory.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.US_ASCII);
    }

    /** Up to 100 bytes of text, by one read. */
    String read(int fd) {
        MemorySegment room = room(100);
        long result = kernel().read(fd, room);
        assertThat(result).as("read").isNotNegative();
        return text(room, result);
    }

    void write(int fd, String text) {
        assertThat(kernel().write(fd, bytes(text))).isEqualTo(text.length());
    }

    Stat stat(int fd) {
        Stat stat = new Stat();
        assertThat(kernel().fstat(fd, stat)).isZero();
        return stat;
    }

    static void assertErrno(long result, int errno) {
        assertThat(result < 0 ? Errno.name((int) result) : Long.toString(result))
                .as("errno")
                .isEqualTo(Errno.name(errno));
    }

    @Override
    public void close() {
        if (stand == null) {
            arena.close();
            return;
        }
        started.forEach(Pending::end);
        for (int descriptor : open) {
            kernel().close(descriptor);
        }
        for (int file = 0; file < files; file++) {
            kernel().unlink(path(file)); // if a test made it: files in memory hold pages
        }
        List<String> leftovers = stand.leftovers();
        stand.close();
        arena.close();
        assertThat(leftovers).as("left open").isEmpty();
    }
}
