// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_NONBLOCK;

import io.sluice.flow.Descriptor;
import io.sluice.flow.Journal;
import io.sluice.flow.Passage;
import io.sluice.flow.PipePool;
import io.sluice.flow.Poller;
import io.sluice.flow.PollerException;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;
import io.sluice.kernel.user.UserKernel;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.SocketAddress;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

/**
 * The door: opens ends and moves bytes between them. Holds a poller (one daemon thread, started when a wait first needs
 * it) and a pool of pipes (another, there while any is at rest); close it when its ends are closed. Safe for any
 * thread.
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
    private final Kernel kernel;
    private final boolean ownsKernel;
    private final Poller poller;
    private final Journal journal = new Journal();
    private final PipePool pool;
    private final Staging staging = new Staging();

    private Sluice(Kernel kernel, boolean ownsKernel, PipeLimits limits) {
        this.kernel = Objects.requireNonNull(kernel);
        this.ownsKernel = ownsKernel;
        this.poller = new Poller(kernel);
        this.pool = new PipePool(
                kernel, journal, limits.pipes(), limits.bytes(), limits.idle(), PipePool.DEFAULT_BUFFER_BYTES);
    }

    /**
     * Opens the best kernel there is: Linux's own, and where that cannot be reached (another system, or native access
     * refused) one in user space that sees this process's files, standard streams and network. {@link #kernel()} tells
     * which it is.
     */
    public static Sluice open() {
        return open(PipeLimits.DEFAULTS);
    }

    /** The same within other limits. */
    public static Sluice open(PipeLimits limits) {
        return new Sluice(best(), true, limits);
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
        return on(kernel, PipeLimits.DEFAULTS);
    }

    /** The same within other limits. */
    public static Sluice on(Kernel kernel, PipeLimits limits) {
        return new Sluice(kernel, false, limits);
    }

    // Ends.

    /**
     * Makes a pipe of 64 KiB; {@link Pipe#resize} changes that. Both ends are close-on-exec.
     *
     * @throws ErrnoException EMFILE when there is no descriptor left
     */
    public Pipe pipe() throws IOException {
        int[] fds = new int[2];
        check("pipe2", kernel.pipe2(fds, O_CLOEXEC | O_NONBLOCK), "a new pipe");
        Passage passage = new Passage();
        return new Pipe(
                new PipeReader(this, fds[0], "pipe " + fds[0], passage),
                new PipeWriter(this, fds[1], "pipe " + fds[1], passage));
    }

    /**
     * Makes a pipe of about {@code capacityBytes}: rounded up to a power of two of pages, and smaller where the
     * kernel's limits for this user forbid as much; {@link Pipe#capacityBytes} tells.
     *
     * @throws ErrnoException EMFILE when there is no descriptor left, EINVAL for a negative capacity
     */
    public Pipe pipe(int capacityBytes) throws IOException {
        Pipe pipe = pipe();
        try {
            int given = pipe.capacityBytes();
            int bytes = capacityBytes;
            while (!resized(pipe, bytes) && bytes / 2 > given) {
                bytes /= 2;
            }
            return pipe;
        } catch (ErrnoException e) {
            pipe.close();
            throw e;
        }
    }

    /** False when the user may have no pipe as large. */
    private static boolean resized(Pipe pipe, int bytes) throws IOException {
        try {
            pipe.resize(bytes);
            return true;
        } catch (ErrnoException e) {
            if (e.errno() == Errno.EPERM) {
                return false;
            }
            throw e;
        }
    }

    /**
     * Opens a file, a FIFO or a device; for reading when no option says otherwise. Opening a FIFO for writing waits
     * until there is a reader, as open(2) does.
     *
     * @param options of {@link java.nio.file.StandardOpenOption}: READ, WRITE, APPEND, CREATE, CREATE_NEW,
     *     TRUNCATE_EXISTING, SYNC, DSYNC
     * @throws ErrnoException when the kernel refuses it: ENOENT, EACCES and so on; EISDIR for a directory
     * @throws TransferInterruptedException when the thread is interrupted while it waits for a FIFO's reader
     * @throws UnsupportedOperationException for another option
     * @throws java.nio.file.ProviderMismatchException when the path belongs to another file system of Java's than the
     *     default one, such as an archive's
     */
    public FileEnd open(Path path, OpenOption... options) throws IOException {
        return Opening.open(this, path, options);
    }

    /**
     * Connects to a TCP address or a Unix socket; waits as long as the system does. Small writes go out at once
     * (TCP_NODELAY).
     *
     * @throws ErrnoException when that fails: ECONNREFUSED, ETIMEDOUT and so on
     * @throws java.net.UnknownHostException when the address is not resolved
     * @throws IllegalArgumentException when the address is of neither kind
     * @throws TransferInterruptedException when the thread is interrupted while it waits
     */
    public SocketEnd connect(SocketAddress address) throws IOException {
        return Connecting.connect(this, address, Poller.FOREVER);
    }

    /** Connects as above, or fails with ETIMEDOUT when that takes longer than the given time. */
    public SocketEnd connect(SocketAddress address, Duration within) throws IOException {
        return Connecting.connect(this, address, deadlineAfter(within));
    }

    /**
     * Listens on a TCP address (port 0: any free one) or a Unix path that does not exist yet. Does not wait.
     *
     * @throws ErrnoException when that fails: EADDRINUSE, EACCES and so on
     * @throws java.net.UnknownHostException when the address is not resolved
     * @throws IllegalArgumentException when the address is of neither kind
     */
    public Listener listen(SocketAddress address) throws IOException {
        return Connecting.listen(this, address);
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
     * @throws ErrnoException EBADF when it is not open, or not for writing; EISDIR; EPROTOTYPE for a socket that is no
     *     stream
     */
    public Sink sink(int fd) throws IOException {
        return Adoption.sink(this, fd);
    }

    /**
     * Makes a source of a channel, which stays its owner's to close.
     *
     * <p>Of a FileChannel, SocketChannel or Pipe.SourceChannel of the JDK the descriptor is duplicated and its bytes
     * move like those of any end. That needs {@code --add-opens java.base/sun.nio.ch=io.sluice.core} (on the class
     * path: {@code =ALL-UNNAMED}). A selectable channel is put into non-blocking mode by its own method until the end
     * is closed.
     *
     * <p>Any other channel, and on a kernel in user space every one, is copied: read by its own method on the thread of
     * a {@link CodeSource}, ahead of the transfer. It must be in blocking mode. Closing the source interrupts a read
     * that is under way, which closes an {@link java.nio.channels.InterruptibleChannel}.
     *
     * @throws UnsupportedOperationException when the JVM was started without the option; the message names it
     * @throws java.nio.channels.IllegalBlockingModeException when the bytes must be copied and the channel does not
     *     wait for them
     */
    public Source source(ReadableByteChannel channel) throws IOException {
        return JavaStreams.source(this, channel);
    }

    /**
     * Makes a sink of a channel, as {@link #source(ReadableByteChannel)} makes a source: by descriptor of a
     * FileChannel, SocketChannel or Pipe.SinkChannel of the JDK, else by copying as a {@link CodeSink}, whose
     * {@code close} waits until all has been written.
     */
    public Sink sink(WritableByteChannel channel) throws IOException {
        return JavaStreams.sink(this, channel);
    }

    /**
     * Makes a source of a stream, which stays its owner's to close. The file behind a {@link java.io.FileInputStream}
     * is adopted, as a {@link FileEnd}, a {@link PipeReader} or whatever it is, at the stream's position and where the
     * option for {@linkplain #source(ReadableByteChannel) channels} was given. Every other stream, such as the output
     * of a {@link Process}, is copied: read on the thread of a {@link CodeSource}, ahead of the transfer.
     */
    public Source source(InputStream in) throws IOException {
        return JavaStreams.source(this, in);
    }

    /**
     * Makes a sink of a stream, which stays its owner's to close: of a {@link java.io.FileOutputStream} as
     * {@link #source(InputStream)} does, else by copying as a {@link CodeSink}, whose {@code close} waits until all has
     * been written and flushed.
     */
    public Sink sink(OutputStream out) throws IOException {
        return JavaStreams.sink(this, out);
    }

    // Code of the caller's.

    /**
     * Makes a source of what the code makes, on a virtual thread of its own; for bytes that are nowhere yet.
     *
     * @throws ErrnoException when there is no pipe to be had
     */
    public CodeSource source(ByteOrigin code) throws IOException {
        return CodeSource.start(this, "the caller's code", code);
    }

    /**
     * Makes a sink of code that looks at the bytes, on a virtual thread of its own; for a digest on a branch, for
     * instance.
     *
     * @throws ErrnoException when there is no pipe to be had
     */
    public CodeSink sink(ByteTarget code) throws IOException {
        return CodeSink.start(this, "the caller's code", code, () -> {});
    }

    // Processes.

    /**
     * Starts processes that are joined by pipes of ours, as {@link ProcessBuilder#startPipeline} does by the JDK's: the
     * output of each but the last is the input of the next. The first's input and the last's output are ends of ours,
     * unless their builders redirect them elsewhere. When one cannot be started, those before it are killed. The
     * builders are left as they were.
     *
     * <p>For a single process that is running already there are {@link #source(InputStream)} and
     * {@link #sink(OutputStream)}, which copy, and for one to be started {@link PipeReader#redirect} and
     * {@link PipeWriter#redirect}.
     *
     * @throws IllegalArgumentException when there is no builder, or one in the middle is redirected
     * @throws UnsupportedOperationException on a kernel in user space, whose pipes no other process sees
     * @throws IOException when a process cannot be started, or no pipe is to be had
     */
    public ProcessPipeline pipeline(List<ProcessBuilder> builders) throws IOException {
        return ProcessPipeline.start(this, List.copyOf(builders));
    }

    // Memory and movement.

    /**
     * Maps page memory of at least {@code bytes}, in huge pages where {@code hugePages} asks for them and the kernel
     * has them.
     *
     * @throws ErrnoException when the kernel has no memory
     * @throws IllegalArgumentException when {@code bytes} is less than 1
     */
    public PageMemory pages(long bytes, boolean hugePages) throws IOException {
        return PageMemory.map(kernel, bytes, hugePages);
    }

    /**
     * Memory to fill and send again and again.
     *
     * @param bytes room in each buffer, rounded up to whole pages
     * @param kept how many buffers are kept for their memory to be used again, beside those that are leased
     * @throws IllegalArgumentException when either is less than 1
     */
    public SendBuffers sendBuffers(long bytes, int kept) {
        return sendBuffers(bytes, kept, false);
    }

    /** The same in huge pages, of which a single byte on its way keeps the whole in memory. */
    public SendBuffers sendBuffers(long bytes, int kept, boolean hugePages) {
        return new SendBuffers(this, bytes, kept, hugePages);
    }

    /** Begins the description of a transfer from {@code source}. */
    public Transfer transfer(Source source) {
        return new Transfer(this, source);
    }

    /** Begins the description of a join of two connections: what either sends goes to the other. */
    public Join join(SocketEnd a, SocketEnd b) {
        return join(new Duplex(a, a), new Duplex(b, b));
    }

    /** The same for anything that bytes come from and go to, such as a child process's pipes. */
    public Join join(Duplex a, Duplex b) {
        return new Join(this, a, b);
    }

    /** Begins the description of a transfer from {@code source} to several sinks of equal rank. */
    public FanOut fanOut(Source source) {
        return new FanOut(this, source);
    }

    // What happens here.

    /** What has happened since this was opened. */
    public Counters counters() {
        return new Counters(
                journal.transfers(),
                journal.bytesByPath(),
                journal.fallbacks(),
                journal.poolMisses(),
                journal.branchesDetached());
    }

    /** The pipes that transfers borrow, as they are now. */
    public PipeGauges pipes() {
        return new PipeGauges(
                pool.madePipes(),
                pool.borrowedPipes(),
                pool.idlePipes(),
                pool.refusedPipes(),
                pool.capacityBytes() / kernel.capabilities().pageSizeBytes());
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

    Journal journal() {
        return journal;
    }

    Staging staging() {
        return staging;
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

    /** As {@link Poller#await}, for {@code what}. */
    Poller.Outcome await(Descriptor descriptor, int events, long deadlineNanos, String what) throws ErrnoException {
        try {
            return poller.await(descriptor, events, deadlineNanos);
        } catch (PollerException e) {
            throw new ErrnoException(e.call(), e.errno(), "waiting for " + what);
        }
    }

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
}
