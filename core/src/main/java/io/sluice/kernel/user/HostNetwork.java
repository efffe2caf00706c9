// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EACCES;
import static io.sluice.kernel.Errno.EADDRINUSE;
import static io.sluice.kernel.Errno.EADDRNOTAVAIL;
import static io.sluice.kernel.Errno.EBADF;
import static io.sluice.kernel.Errno.ECONNREFUSED;
import static io.sluice.kernel.Errno.ECONNRESET;
import static io.sluice.kernel.Errno.EHOSTUNREACH;
import static io.sluice.kernel.Errno.EIO;
import static io.sluice.kernel.Errno.EMFILE;
import static io.sluice.kernel.Errno.ENETUNREACH;
import static io.sluice.kernel.Errno.EPIPE;
import static io.sluice.kernel.Errno.ETIMEDOUT;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/**
 * The thread between a kernel's internet sockets and the real network. It alone touches the host's channels, so an
 * interrupt of a caller closes none of them; it sleeps in a selector, without a timer, until the network or a queue of
 * a socket has news. Begins with the first socket and ends with the kernel.
 */
final class HostNetwork implements AutoCloseable {
    /** What a channel or a queue can have news for. Its methods run on the network's thread alone. */
    interface Station {
        /** The channel is ready for what its key asks. */
        void ready(SelectionKey key);

        /** The network ends. */
        void end();
    }

    private static final int BUFFER_BYTES = 1 << 16;

    /** What the host's words for an error mean. */
    private static final Map<String, Integer> ERRORS = Map.ofEntries(
            Map.entry("address already in use", EADDRINUSE),
            Map.entry("cannot assign requested address", EADDRNOTAVAIL),
            Map.entry("permission denied", EACCES),
            Map.entry("connection refused", ECONNREFUSED),
            Map.entry("connection reset", ECONNRESET),
            Map.entry("broken pipe", EPIPE),
            Map.entry("too many open files", EMFILE),
            Map.entry("network is unreachable", ENETUNREACH),
            Map.entry("no route to host", EHOSTUNREACH),
            Map.entry("connection timed out", ETIMEDOUT));

    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private @Nullable Selector selector; // guarded by this, made with the thread
    private @Nullable Thread thread;
    private boolean closed;

    /** For the network's thread: bytes on their way. */
    final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);

    /** A positive errno for what a channel threw. */
    static int errno(IOException failure) {
        String message = String.valueOf(failure.getMessage()).toLowerCase(Locale.ROOT);
        return ERRORS.entrySet().stream()
                .filter(known -> message.contains(known.getKey()))
                .mapToInt(Map.Entry::getValue)
                .findFirst()
                .orElse(EIO);
    }

    /** Something for the network's thread to do that can fail as the network does. */
    interface Request {
        void run(Selector selector) throws IOException;
    }

    /** Runs a request on the network's thread and waits for it: 0 or -errno. */
    long ask(Request request) {
        CompletableFuture<Long> answer = new CompletableFuture<>();
        Runnable task = () -> {
            try {
                request.run(running());
                answer.complete(0L);
            } catch (IOException e) {
                answer.complete((long) -errno(e));
            } catch (RuntimeException e) {
                answer.completeExceptionally(e);
            }
        };
        try {
            return later(task) ? answer.join() : -EBADF;
        } catch (UncheckedIOException noSelector) {
            return -errno(Objects.requireNonNull(noSelector.getCause()));
        }
    }

    /** Lets the network's thread run a task soon; must not sleep. Answers false when the network has ended. */
    synchronized boolean later(Runnable task) {
        if (closed) {
            return false;
        }
        if (thread == null) {
            begin();
        }
        tasks.add(task);
        running().wakeup();
        return true;
    }

    private void begin() {
        try {
            selector = Selector.open();
        } catch (IOException e) {
            throw new UncheckedIOException("no selector for the network", e);
        }
        thread = Thread.ofPlatform().daemon().name("sluice-network").start(this::run);
    }

    private synchronized Selector running() {
        if (selector == null) {
            throw new IllegalStateException("the network has not begun");
        }
        return selector;
    }

    private synchronized boolean closed() {
        return closed;
    }

    private void run() {
        Selector ready = running();
        try (ready) {
            while (!closed()) {
                ready.select(HostNetwork::serve);
                runTasks();
            }
            runTasks();
            for (SelectionKey key : List.copyOf(ready.keys())) {
                if (key.attachment() instanceof Station station) {
                    station.end();
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("the network's selector failed", e);
        }
    }

    private void runTasks() {
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
        }
    }

    private static void serve(SelectionKey key) {
        if (key.attachment() instanceof Station station && key.isValid()) {
            station.ready(key);
        }
    }

    /** Ends the thread and waits for it. */
    @Override
    public void close() {
        Thread running;
        synchronized (this) {
            closed = true;
            running = thread;
            if (selector != null) {
                selector.wakeup();
            }
        }
        boolean interrupted = false;
        while (running != null && running.isAlive()) {
            try {
                running.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
