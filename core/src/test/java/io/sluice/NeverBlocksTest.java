// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.F_GETFL;
import static io.sluice.kernel.Flags.MSG_DONTWAIT;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_PATH;
import static io.sluice.kernel.Flags.PIPE_BUF;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;
import static io.sluice.kernel.Flags.S_IFCHR;
import static io.sluice.kernel.Flags.S_IFIFO;
import static io.sluice.kernel.Flags.S_IFREG;
import static io.sluice.kernel.Flags.S_IFSOCK;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Flags;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Stat;
import io.sluice.kernel.TransferPath;
import io.sluice.kernel.linux.LinuxKernel;
import io.sluice.kernel.wrap.TracingKernel;
import io.sluice.testing.NeedsLinux;
import io.sluice.testing.NoLeaks;
import io.sluice.testing.Opened;
import io.sluice.testing.Pending;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * "No call seen by the tracing kernel on a virtual thread could block" (pitfall 72): every call that transfers and ends
 * make is looked at while its descriptors are still open, and must be one that cannot wait for another side.
 */
@NoLeaks
@NeedsLinux
final class NeverBlocksTest {
    private static final long BYTES = 3 << 20;

    /** Whatever their arguments, these wait for nobody, or for a disk at most. */
    private static final Set<String> HARMLESS = Set.of(
            "pipe2",
            "close",
            "dup",
            "fcntl",
            "fionread",
            "lseek",
            "fstat",
            "ftruncate",
            "fsync",
            "memfd_create",
            "mkfifo",
            "unlink",
            "socket",
            "socketpair",
            "bind",
            "listen",
            "shutdown",
            "setsockopt",
            "getsockopt",
            "getsockname",
            "getpeername",
            "epoll_create1",
            "epoll_ctl",
            "eventfd",
            "mmap",
            "munmap",
            "pread",
            "pwrite",
            "pwritev",
            "copy_file_range",
            "ficlone",
            "fallocate");

    @TempDir
    Path directory;

    private final Kernel linux = new LinuxKernel();
    private final Kernel traced = new TracingKernel(linux, this::judge);
    private final Queue<String> offences = new ConcurrentLinkedQueue<>();
    private final Set<String> seen = ConcurrentHashMap.newKeySet();

    /** The poll that came last on each thread: the descriptor, when it was ready. */
    private final Map<Thread, Integer> ready = new ConcurrentHashMap<>();

    private void judge(TracingKernel.Call call) {
        if (!call.thread().isVirtual()) {
            return;
        }
        seen.add(call.name());
        if (!cannotBlock(call)) {
            offences.add(call.text());
        }
        if (call.name().equals("poll") && call.result() > 0) {
            ready.put(call.thread(), call.integer(0));
        } else {
            ready.remove(call.thread());
        }
    }

    private boolean cannotBlock(TracingKernel.Call call) {
        return HARMLESS.contains(call.name())
                || switch (call.name()) {
                    case "read" -> neverSleeps(call.integer(0)) || wasReady(call);
                    case "write" ->
                        neverSleeps(call.integer(0))
                                || (wasReady(call)
                                        && ((MemorySegment) call.arguments().get(1)).byteSize() <= PIPE_BUF);
                    case "recv", "send" -> (call.integer(2) & MSG_DONTWAIT) != 0;
                    case "splice" ->
                        (call.integer(5) & SPLICE_F_NONBLOCK) != 0
                                && besideAPipe(call.integer(0))
                                && besideAPipe(call.integer(2));
                    case "tee" -> (call.integer(3) & SPLICE_F_NONBLOCK) != 0;
                    case "vmsplice" -> (call.integer(2) & SPLICE_F_NONBLOCK) != 0;
                    case "sendfile" -> neverSleeps(call.integer(0)) && neverSleeps(call.integer(1));
                    case "connect", "accept4" -> nonBlocking(call.integer(0));
                    case "poll" -> call.integer(2) == 0;
                    case "open" -> (call.integer(1) & (O_NONBLOCK | O_PATH)) != 0;
                    default -> false;
                };
    }

    private boolean wasReady(TracingKernel.Call call) {
        Integer fd = ready.get(call.thread());
        return fd != null && fd == call.integer(0);
    }

    private int type(int fd) {
        Stat stat = new Stat();
        assertThat(linux.fstat(fd, stat))
                .as("descriptor %s is open while it is used", fd)
                .isZero();
        return stat.type();
    }

    private boolean nonBlocking(int fd) {
        return (linux.fcntl(fd, F_GETFL, 0) & O_NONBLOCK) != 0;
    }

    /** A regular file is always ready. */
    private boolean neverSleeps(int fd) {
        return type(fd) == S_IFREG || nonBlocking(fd);
    }

    /** SPLICE_F_NONBLOCK covers pipes, whoever owns their description; a socket needs its own mode [H04]. */
    private boolean besideAPipe(int fd) {
        return switch (type(fd)) {
            case S_IFIFO, S_IFREG, S_IFCHR -> true;
            case S_IFSOCK -> nonBlocking(fd);
            default -> false;
        };
    }

    // The mix.

    private final Opened opened = new Opened();

    private <T extends AutoCloseable> T keep(T end) {
        return opened.keep(end);
    }

    private Source zeros(Sluice sluice) throws Exception {
        return keep(sluice.open(Path.of("/dev/zero")));
    }

    private Source file(Sluice sluice) throws Exception {
        Path path = directory.resolve("file");
        try (FileEnd end = sluice.open(path, CREATE, WRITE)) {
            end.truncate(BYTES);
        }
        return keep(sluice.open(path));
    }

    /** A pair of ends: what is written to the first is read from the second. */
    private record Line(Sink in, Source out) {}

    private List<Line> lines(Sluice sluice) throws Exception {
        List<Line> lines = new ArrayList<>();
        Pipe pipe = sluice.pipe();
        lines.add(new Line(keep(pipe.writer()), keep(pipe.reader())));
        try (Listener listener = sluice.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
            SocketEnd client = keep(sluice.connect(listener.localAddress()));
            lines.add(new Line(client, keep(listener.accept())));
        }
        int[] fds = new int[2];
        linux.socketpair(Flags.AF_UNIX, Flags.SOCK_STREAM | Flags.SOCK_CLOEXEC, 0, fds);
        lines.add(adopted(sluice, fds[1], fds[0]));
        linux.pipe2(fds, Flags.O_CLOEXEC);
        lines.add(adopted(sluice, fds[0], fds[1]));
        return lines;
    }

    /** Of blocking descriptions, as they are inherited. */
    private Line adopted(Sluice sluice, int out, int in) throws Exception {
        Line line = new Line(keep(sluice.sink(in)), keep(sluice.source(out)));
        linux.close(out);
        linux.close(in);
        return line;
    }

    @Test
    void noCallOnAVirtualThreadCouldBlock() throws Exception {
        try (Sluice sluice = Sluice.on(traced);
                Pending<Void> all = Pending.start(Pending.Kind.VIRTUAL, () -> {
                    for (int i = 0; i < 4; i++) {
                        relay(sluice, i);
                    }
                    fanOut(sluice);
                    join(sluice);
                    memory(sluice);
                    fifo(sluice);
                    return null;
                })) {
            all.value();
            opened.closeAll();
        }
        assertThat(offences).isEmpty();
        assertThat(new TreeSet<>(seen))
                .as("the mix makes what the rule is about")
                .contains(
                        "splice",
                        "tee",
                        "vmsplice",
                        "read",
                        "write",
                        "recv",
                        "send",
                        "sendfile",
                        "connect",
                        "accept4",
                        "open",
                        "poll",
                        "copy_file_range");
    }

    /** A source into one line, that into another, that into a file: each side is waited for at some time. */
    private void relay(Sluice sluice, int way) throws Exception {
        List<Line> lines = lines(sluice);
        Line first = lines.get(way);
        Line second = lines.get((way + 1) % 4);
        FileEnd sink = keep(sluice.open(directory.resolve("sink" + way), CREATE, WRITE));
        Source source = way % 2 == 1 ? file(sluice) : zeros(sluice);
        List<Pending<Long>> transfers = List.of(
                transfer(sluice, source, first.in),
                transfer(sluice, first.out, second.in),
                transfer(sluice, second.out, sink));
        for (Pending<Long> transfer : transfers) {
            assertThat(transfer.value()).isEqualTo(BYTES);
            transfer.close();
        }
        sluice.transfer(file(sluice))
                .to(keep(sluice.open(directory.resolve("copy" + way), CREATE, WRITE)))
                .run();
        // And the ends' own calls, each side waiting for the other.
        try (Pending<Void> writing = Pending.start(Pending.Kind.VIRTUAL, () -> {
            ((End) first.in).writeAll(SluiceFixture.room(BYTES));
            return null;
        })) {
            for (long left = BYTES; left > 0; ) {
                left -= ((End) first.out).readSome(SluiceFixture.room(1 << 16));
            }
            writing.value();
        }
    }

    private Pending<Long> transfer(Sluice sluice, Source from, Sink to) {
        return Pending.start(
                Pending.Kind.VIRTUAL,
                () -> sluice.transfer(from).to(to).limit(BYTES).run().bytes());
    }

    private void fanOut(Sluice sluice) throws Exception {
        List<Line> lines = lines(sluice);
        FanOut fanOut = sluice.fanOut(zeros(sluice)).limit(BYTES);
        List<Pending<Long>> readers = new ArrayList<>();
        for (Line line : lines) {
            fanOut.to(line.in);
            FileEnd nowhere = keep(sluice.open(Path.of("/dev/null"), WRITE));
            readers.add(transfer(sluice, line.out, nowhere));
        }
        fanOut.run();
        for (Pending<Long> reader : readers) {
            assertThat(reader.value()).isEqualTo(BYTES);
            reader.close();
        }
        // By memory instead of tee, and on without the first sink when that has failed.
        Pipe gone = keep(sluice.pipe());
        gone.reader().close();
        FileEnd kept = keep(sluice.open(directory.resolve("kept"), CREATE, WRITE));
        sluice.fanOut(zeros(sluice))
                .to(gone.writer())
                .to(kept)
                .keepGoing()
                .path(TransferPath.COPY)
                .limit(BYTES)
                .run();
    }

    /** One way: memory lent to a socket, and looked at by code. The way back: bytes that code makes. */
    private void join(Sluice sluice) throws Exception {
        Line near = lines(sluice).get(1);
        Line far = lines(sluice).get(1);
        SocketEnd client = (SocketEnd) near.in;
        SocketEnd server = (SocketEnd) far.out;
        Join join = sluice.join((SocketEnd) near.out, (SocketEnd) far.in);
        try (Pending<Join.Result> joined = Pending.start(Pending.Kind.VIRTUAL, join::run);
                SendBuffers buffers = sluice.sendBuffers(BYTES, 1);
                CodeSink looks = sluice.sink(_ -> {});
                CodeSource made = sluice.source(MemorySegment::byteSize)) {
            try (Pending<Long> hearing = transfer(sluice, server, looks)) {
                buffers.lease().sendTo(client, BYTES);
                client.shutdownOutput();
                assertThat(hearing.value()).isEqualTo(BYTES);
            }
            try (Pending<Long> answering = transfer(sluice, made, server)) {
                for (long left = BYTES; left > 0; ) {
                    left -= client.read(SluiceFixture.room(1 << 16));
                }
                assertThat(answering.value()).isEqualTo(BYTES);
            }
            server.shutdownOutput();
            assertThat(joined.value().complete()).isTrue();
        }
    }

    private void memory(Sluice sluice) throws Exception {
        Pipe pipe = keep(sluice.pipe());
        PageMemory memory = keep(sluice.pages(BYTES, false));
        try (Pending<Long> reader = Pending.start(Pending.Kind.VIRTUAL, () -> {
            long left = BYTES;
            while (left > 0) {
                left -= pipe.reader().read(SluiceFixture.room(1 << 16));
            }
            return left;
        })) {
            pipe.writer().vmsplice(memory.slice(0, BYTES));
            reader.value();
        }
    }

    private void fifo(Sluice sluice) throws Exception {
        Path fifo = directory.resolve("fifo");
        linux.mkfifo(fifo.toString(), 0600);
        try (Pending<FileEnd> writer = Pending.start(Pending.Kind.VIRTUAL, () -> keep(sluice.open(fifo, WRITE)))) {
            writer.mustWait();
            FileEnd reader = keep(sluice.open(fifo));
            writer.value().write(SluiceFixture.room(10));
            assertThat(reader.read(SluiceFixture.room(10))).isEqualTo(10);
        }
    }
}
