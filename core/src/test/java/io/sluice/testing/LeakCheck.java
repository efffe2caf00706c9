// SPDX-License-Identifier: Apache-2.0
package io.sluice.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Compares /proc/self/fd and the live platform threads before and after a test. What ends a moment later, as a thread
 * does that has just been told to, is waited for; what the JDK opens once and keeps is not counted.
 */
final class LeakCheck implements BeforeEachCallback, AfterEachCallback {
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final long STEP_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

    private static final ExtensionContext.Namespace STORE = ExtensionContext.Namespace.create(LeakCheck.class);

    /** Opened by class loading, resource bundles and the random numbers of the JDK, at any time. */
    private static final Pattern OF_THE_JDK =
            Pattern.compile(".*\\.(jar|class|jmod|jsa|zip)|.*/lib/modules|/dev/u?random");

    /** Of the JDK, JUnit and the build's own: they come and go as they like. */
    private static final Pattern FOREIGN_THREADS = Pattern.compile(
            "process reaper.*|ForkJoinPool.*|VirtualThread-.*|Read-Poller|Write-Poller|.*-unparker.*|junit-.*|surefire-.*|"
                    + "Common-Cleaner|Cleaner-\\d+|Attach Listener|Signal Dispatcher|Finalizer|Reference Handler|"
                    + "Notification Thread|main|ping-.*");

    /** What is open: number to target. */
    record Sight(Map<Integer, String> descriptors, Set<Thread> threads) {
        static Sight now() {
            return new Sight(openDescriptors(), liveThreads());
        }

        /** What is there now and was not in {@code before}. */
        List<String> leaksSince(Sight before) {
            List<String> leaks = new ArrayList<>();
            descriptors.forEach((fd, target) -> {
                if (!target.equals(before.descriptors.get(fd))) {
                    leaks.add("descriptor " + fd + " → " + target);
                }
            });
            for (Thread thread : threads) {
                if (!before.threads.contains(thread)) {
                    leaks.add(thread + " " + List.of(thread.getStackTrace()));
                }
            }
            return leaks;
        }
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        JdkStatics.open();
        context.getStore(STORE).put("before", Sight.now());
    }

    @Override
    public void afterEach(ExtensionContext context) throws InterruptedException {
        Sight before = context.getStore(STORE).get("before", Sight.class);
        boolean interrupted = Thread.interrupted();
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        List<String> leaks = Sight.now().leaksSince(before);
        while (!leaks.isEmpty() && System.nanoTime() < deadline) {
            TimeUnit.NANOSECONDS.sleep(STEP_NANOS);
            leaks = Sight.now().leaksSince(before);
        }
        assertThat(leaks).as("left behind by the test").isEmpty();
        assertThat(interrupted).as("the test left its thread interrupted").isFalse();
    }

    private static Map<Integer, String> openDescriptors() {
        Map<Integer, String> open = new TreeMap<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path entry : entries) {
                try {
                    String target = Files.readSymbolicLink(entry).toString();
                    if (!OF_THE_JDK.matcher(target).matches() && !target.matches("/proc/\\d+/fd")) {
                        open.put(Integer.valueOf(entry.getFileName().toString()), target);
                    }
                } catch (NoSuchFileException closedMeanwhile) {
                    // Such as the one that lists this directory.
                }
            }
        } catch (IOException e) {
            throw new AssertionError("the open descriptors cannot be listed", e);
        }
        return open;
    }

    private static Set<Thread> liveThreads() {
        Set<Thread> live = new TreeSet<>(Comparator.comparingLong(Thread::threadId));
        Thread[] room = new Thread[Thread.activeCount() * 2 + 64];
        ThreadGroup root = Thread.currentThread().getThreadGroup();
        while (root.getParent() != null) {
            root = root.getParent();
        }
        int count = root.enumerate(room, true);
        for (int i = 0; i < count; i++) {
            if (!FOREIGN_THREADS.matcher(room[i].getName()).matches()) {
                live.add(room[i]);
            }
        }
        return live;
    }

    /** Has the JDK open, before the first comparison, what it opens on first use and never closes. */
    private static final class JdkStatics {
        private static boolean open;

        /** No static initializer: the thread below would wait for it. */
        static synchronized void open() {
            if (open) {
                return;
            }
            try {
                useEverything();
            } catch (IOException | InterruptedException e) {
                throw new AssertionError("the JDK's own channels do not work here", e);
            }
            open = true;
        }

        private static void useEverything() throws IOException, InterruptedException {
            try (ServerSocketChannel server = ServerSocketChannel.open()) {
                server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
                try (SocketChannel client = SocketChannel.open(server.getLocalAddress());
                        SocketChannel accepted = server.accept()) {
                    Thread reader = Thread.startVirtualThread(() -> readOne(client));
                    while (reader.getState() != Thread.State.WAITING) {
                        Thread.onSpinWait(); // else it might find its byte and open none of what waits for it
                    }
                    accepted.write(ByteBuffer.allocate(1));
                    reader.join();
                }
            }
            Pipe pipe = Pipe.open();
            pipe.sink().close();
            pipe.source().close();
            Selector.open().close();
            Process process =
                    new ProcessBuilder("true").redirectInput(Redirect.PIPE).start();
            process.waitFor();
            process.getOutputStream().close();
            process.getInputStream().close();
            process.getErrorStream().close();
        }

        private static void readOne(SocketChannel client) {
            try {
                client.read(ByteBuffer.allocate(1));
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }
    }
}
