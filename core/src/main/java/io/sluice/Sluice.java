// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.AF_INET;
import static io.sluice.kernel.Flags.AF_INET6;
import static io.sluice.kernel.Flags.AF_UNIX;
import static io.sluice.kernel.Flags.EPOLLOUT;
import static io.sluice.kernel.Flags.IPPROTO_TCP;
import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.SOCK_CLOEXEC;
import static io.sluice.kernel.Flags.SOCK_NONBLOCK;
import static io.sluice.kernel.Flags.SOCK_STREAM;
import static io.sluice.kernel.Flags.SOL_SOCKET;
import static io.sluice.kernel.Flags.SOMAXCONN;
import static io.sluice.kernel.Flags.SO_ERROR;
import static io.sluice.kernel.Flags.SO_REUSEADDR;
import static io.sluice.kernel.Flags.TCP_NODELAY;

import io.sluice.flow.Descriptor;
import io.sluice.flow.PipePool;
import io.sluice.flow.Poller;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;
import io.sluice.kernel.user.UserKernel;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.time.Duration;

/**
 * The door: opens ends and moves bytes between them. Holds a poller (one daemon thread, started when something first
 * waits) and a pool of pipes; close it when its ends are closed. Safe for any thread.
 *
 * <pre>{@code
 * try (Sluice sluice = Sluice.open();
 *         FileEnd in = sluice.open(Path.of("big.iso"));
 *         SocketEnd out = sluice.connect(new InetSocketAddress("localhost", 9000))) {
 *     TransferResult moved = sluice.transfer(in).to(out).run();
 * }
 * }</pre>
 */
public final class Sluice implements AutoCloseable {
    private static final long BACKLOG_PAUSE_NANOS = 10_000_000;

    private final Kernel kernel;
    private final boolean ownsKernel;
    private final Poller poller;
    private final PipePool pool;

    private Sluice(Kernel kernel, boolean ownsKernel) {
        this.kernel = kernel;
        this.ownsKernel = ownsKernel;
        this.poller = new Poller(kernel);
        this.pool = new PipePool(kernel);
    }

    /**
     * Opens the best kernel there is: Linux's own, and where that cannot be reached (another system, or native access
     * refused) one in user space that sees this process's files, standard streams and network. {@link #kernel()} tells
     * which it is.
     */
    public static Sluice open() {
        return new Sluice(best(), true);
    }

    private static Kernel best() {
        try {
            return new LinuxKernel();
        } catch (UnsupportedOperationException noLinux) {
            return UserKernel.builder()
                    .mount("/", Path.of("/"))
                    .workingDirectory(Path.of("").toAbsolutePath().toString())
                    .standardStreams()
                    .network(UserKernel.NetworkKind.HOST)
                    .build();
        }
    }

    /** Uses a kernel of the caller's choice, which stays the caller's to close. */
    public static Sluice on(Kernel kernel) {
        return new Sluice(kernel, false);
    }

    // Ends.

    /** Makes a pipe of 64 KiB; {@link Pipe#resize} changes that. Both ends are close-on-exec. */
    public Pipe pipe() throws IOException {
        int[] fds = new int[2];
        check("pipe2", kernel.pipe2(fds, O_CLOEXEC | O_NONBLOCK), "a new pipe");
        return new Pipe(new PipeReader(this, fds[0], "pipe " + fds[0]), new PipeWriter(this, fds[1], "pipe " + fds[1]));
    }

    /**
     * Makes a pipe of about {@code capacityBytes}: rounded up to a power of two of pages, and smaller where the
     * kernel's limits for this user forbid as much; {@link Pipe#capacityBytes} tells.
     */
    public Pipe pipe(int capacityBytes) throws IOException {
        Pipe pipe = pipe();
        try {
            pipe.resize(capacityBytes);
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EPERM) {
                pipe.close();
                throw e;
            }
        }
        return pipe;
    }

    /**
     * Opens a file, a FIFO or a device; for reading when no option says otherwise. Opening a FIFO for writing waits
     * until there is a reader, as open(2) does.
     *
     * @param options of {@link java.nio.file.StandardOpenOption}: READ, WRITE, APPEND, CREATE, CREATE_NEW,
     *     TRUNCATE_EXISTING, SYNC, DSYNC
     */
    public FileEnd open(Path path, OpenOption... options) throws IOException {
        return Opening.open(this, path, options);
    }

    /** Connects to a TCP address or a Unix socket; waits as long as the system does. */
    public SocketEnd connect(SocketAddress address) throws IOException {
        return connect(address, Poller.FOREVER);
    }

    /** Connects, or fails with ETIMEDOUT when that takes longer than the given time. */
    public SocketEnd connect(SocketAddress address, Duration within) throws IOException {
        return connect(address, deadlineAfter(within));
    }

    private SocketEnd connect(SocketAddress address, long deadlineNanos) throws IOException {
        String target = describe(resolved(address));
        int fd = streamSocket(address);
        SocketEnd end = new SocketEnd(this, fd, "socket to " + target);
        boolean connected = false;
        try {
            end.enter();
            try {
                long result = kernel.connect(fd, address);
                while (result == -Errno.EAGAIN) {
                    backlogPause(end, target, deadlineNanos);
                    result = kernel.connect(fd, address);
                }
                if (result == -Errno.EINPROGRESS) {
                    if (!end.awaitReady(EPOLLOUT, deadlineNanos, 0)) {
                        throw new ErrnoException("connect", Errno.ETIMEDOUT, target);
                    }
                    int[] error = new int[1];
                    kernel.getsockopt(fd, SOL_SOCKET, SO_ERROR, error);
                    result = -error[0];
                }
                check("connect", result, target);
            } finally {
                end.descriptor().leave();
            }
            kernel.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1); // refused by a Unix socket, which has no delay
            connected = true;
            return end;
        } finally {
            if (!connected) {
                end.close();
            }
        }
    }

    /** A Unix listener's backlog is full, and nothing tells when it has room again. */
    private void backlogPause(SocketEnd end, String target, long deadlineNanos) throws IOException {
        long now = System.nanoTime();
        if (now >= deadlineNanos) {
            throw new ErrnoException("connect", Errno.ETIMEDOUT, target);
        }
        long until = Math.min(deadlineNanos, now + BACKLOG_PAUSE_NANOS);
        switch (poller.awaitUntil(() -> false, until, end.descriptor())) {
            case READY, TIMED_OUT -> {}
            case INTERRUPTED -> throw new TransferInterruptedException(0);
            case CLOSED -> throw new AsynchronousCloseException();
        }
    }

    /** Listens on a TCP address (port 0: any free one) or a Unix path that does not exist yet. */
    public Listener listen(SocketAddress address) throws IOException {
        String target = describe(resolved(address));
        int fd = streamSocket(address);
        boolean listening = false;
        try {
            kernel.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
            check("bind", kernel.bind(fd, address), target);
            check("listen", kernel.listen(fd, SOMAXCONN), target);
            SocketAddress[] bound = new SocketAddress[1];
            check("getsockname", kernel.getsockname(fd, bound), target);
            listening = true;
            return new Listener(this, new Descriptor(kernel, fd), bound[0]);
        } finally {
            if (!listening) {
                kernel.close(fd);
            }
        }
    }

    private int streamSocket(SocketAddress address) throws IOException {
        int domain = switch (address) {
            case UnixDomainSocketAddress _ -> AF_UNIX;
            case InetSocketAddress inet when inet.getAddress() instanceof Inet6Address -> AF_INET6;
            case InetSocketAddress _ -> AF_INET;
            default -> throw new IllegalArgumentException("neither a TCP nor a Unix socket address: " + address);
        };
        long fd = kernel.socket(domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        return (int) check("socket", fd, describe(address));
    }

    /** A socket that has just been accepted. */
    SocketEnd connected(int fd) {
        kernel.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        SocketAddress[] peer = new SocketAddress[1];
        String from = kernel.getpeername(fd, peer) == 0 ? describe(peer[0]) : "a peer that is gone";
        return new SocketEnd(this, fd, "socket from " + from);
    }

    // Adoption.

    /**
     * Takes a duplicate of an inherited or foreign descriptor to read from; see {@link #sink(int)}.
     *
     * @param fd an open descriptor of this process; 0 is standard input
     */
    public Source source(int fd) throws IOException {
        return Adoption.source(this, fd);
    }

    /**
     * Takes a duplicate of an inherited or foreign descriptor to write to. Closing the end closes the duplicate alone.
     *
     * <p>The open file description is shared with others and is never made non-blocking. A pipe or terminal is opened
     * anew through /proc/self/fd where that is allowed, else used with SPLICE_F_NONBLOCK and a look at its readiness; a
     * blocking socket is copied with MSG_DONTWAIT; a file is used as it is, position included.
     *
     * @param fd an open descriptor of this process; 1 is standard output
     */
    public Sink sink(int fd) throws IOException {
        return Adoption.sink(this, fd);
    }

    /**
     * Takes a duplicate of a FileChannel, SocketChannel or Pipe.SourceChannel to read from. Needs {@code --add-opens
     * java.base/sun.nio.ch=io.sluice.core} (on the class path: {@code =ALL-UNNAMED}). A selectable channel is put into
     * non-blocking mode by its own method until the end is closed.
     */
    public Source source(ReadableByteChannel channel) throws IOException {
        return Adoption.source(this, channel);
    }

    /**
     * Takes a duplicate of a FileChannel, SocketChannel or Pipe.SinkChannel to write to; as
     * {@link #source(ReadableByteChannel)}.
     */
    public Sink sink(WritableByteChannel channel) throws IOException {
        return Adoption.sink(this, channel);
    }

    // Memory and movement.

    /**
     * Maps page memory of at least {@code bytes}, in huge pages where {@code hugePages} asks for them and the kernel
     * has them.
     */
    public PageMemory pages(long bytes, boolean hugePages) throws IOException {
        return PageMemory.map(kernel, bytes, hugePages);
    }

    /** Begins the description of a transfer from {@code source}. */
    public Transfer transfer(Source source) {
        return new Transfer(this, source);
    }

    /** Begins the description of a transfer from {@code source} to several sinks of equal rank. */
    public FanOut fanOut(Source source) {
        return new FanOut(this, source);
    }

    /** The kernel below. */
    public Kernel kernel() {
        return kernel;
    }

    Poller poller() {
        return poller;
    }

    PipePool pool() {
        return pool;
    }

    /**
     * Ends the poller and closes the pooled pipes. Ends stay their owners' to close; a wait in progress ends as if
     * closed.
     */
    @Override
    public void close() {
        poller.close();
        pool.close();
        if (ownsKernel) {
            kernel.close();
        }
    }

    // What the ends share.

    static long check(String call, long result, String what) throws ErrnoException {
        if (result < 0) {
            throw new ErrnoException(call, result, what);
        }
        return result;
    }

    /** The moment after a duration; a duration beyond counting is none. */
    static long deadlineAfter(Duration within) {
        long now = System.nanoTime();
        try {
            return within.isNegative() ? now : Math.addExact(now, within.toNanos());
        } catch (ArithmeticException beyondCounting) {
            return Poller.FOREVER;
        }
    }

    private static SocketAddress resolved(SocketAddress address) throws UnknownHostException {
        if (address instanceof InetSocketAddress inet && inet.isUnresolved()) {
            throw new UnknownHostException("no address is known for host " + inet.getHostString());
        }
        return address;
    }

    static String describe(SocketAddress address) {
        return switch (address) {
            case InetSocketAddress inet
            when inet.getAddress() instanceof Inet6Address six ->
                "tcp://[" + six.getHostAddress() + "]:" + inet.getPort();
            case InetSocketAddress inet
            when inet.getAddress() != null -> "tcp://" + inet.getAddress().getHostAddress() + ":" + inet.getPort();
            case UnixDomainSocketAddress unix -> "unix:" + unix.getPath();
            default -> address.toString();
        };
    }
}
