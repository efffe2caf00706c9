// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;
import io.sluice.kernel.linux.Signals;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;

/** The Linux kernel of this machine. One stand at a time: leftovers are found by what the process has open. */
public final class LinuxStand implements Stand {
    /** Below the lowest address that Linux lets anybody map (vm.mmap_min_addr), yet not null. */
    private static final long UNMAPPED_ADDRESS = 4096;

    private static final String SWALLOWED = "the JVM swallows the signal";
    private static final Map<String, String> UNABLE = Map.of(
            "sigpipe", SWALLOWED,
            "sigxfsz", SWALLOWED,
            "fsizelimit", "RLIMIT_FSIZE would bind the whole JVM");

    /** Made when it is needed first: where native access is denied, the class can still be asked. */
    private static final class Linux {
        static final Kernel KERNEL = new LinuxKernel();
    }

    private final Kernel kernel;
    private final Path directory;
    private final Map<String, String> openBefore;

    /** Whether this JVM may call the system; where it may not, no such stand can be made. */
    public static boolean isReachable() {
        try {
            new LinuxKernel().close();
            return true;
        } catch (UnsupportedOperationException refused) {
            return false;
        }
    }

    /** On the Linux kernel itself. */
    public LinuxStand() {
        this(Linux.KERNEL);
    }

    /** On a wrapper around the Linux kernel; it stays the caller's to close. */
    public LinuxStand(Kernel kernel) {
        this(kernel, Path.of(System.getProperty("java.io.tmpdir")));
    }

    /** On the Linux kernel itself, with files that lie in memory (tmpfs) where there is such a place. */
    public static LinuxStand inMemory() {
        Path sharedMemory = Path.of("/dev/shm");
        return Files.isWritable(sharedMemory) ? new LinuxStand(Linux.KERNEL, sharedMemory) : new LinuxStand();
    }

    private LinuxStand(Kernel kernel, Path parent) {
        this.kernel = kernel;
        try {
            directory = Files.createTempDirectory(parent, "sluice-conformance-");
            openBefore = open();
        } catch (IOException e) {
            throw new UncheckedIOException("no directory for a scenario's files", e);
        }
    }

    @Override
    public Kernel kernel() {
        return kernel;
    }

    @Override
    public Optional<String> unable(String verb) {
        return Optional.ofNullable(UNABLE.get(verb));
    }

    @Override
    public String directory() {
        return directory.toString();
    }

    @Override
    @SuppressWarnings("restricted") // nobody can reach this memory: that is its purpose
    public MemorySegment unmapped(long bytes) {
        return MemorySegment.ofAddress(UNMAPPED_ADDRESS).reinterpret(bytes);
    }

    @Override
    @SuppressWarnings("restricted") // as above
    public MemorySegment atNull(long bytes) {
        return MemorySegment.NULL.reinterpret(bytes);
    }

    @Override
    public Caller start(String name, Runnable calls) {
        CompletableFuture<Integer> id = new CompletableFuture<>();
        Thread thread = Thread.ofPlatform().name(name).daemon().start(() -> {
            id.complete(Signals.currentThread());
            calls.run();
        });
        return new NativeCaller(thread, id.join());
    }

    @Override
    public long sigpipes() {
        throw new UnsupportedOperationException(SWALLOWED);
    }

    @Override
    public long sigxfszs() {
        throw new UnsupportedOperationException(SWALLOWED);
    }

    @Override
    public void limitFileSize(long bytes) {
        throw new UnsupportedOperationException(UNABLE.get("fsizelimit"));
    }

    @Override
    public List<String> leftovers() {
        try {
            Map<String, String> now = open();
            now.entrySet().removeAll(openBefore.entrySet());
            return now.entrySet().stream()
                    .map(e -> e.getKey() + " " + e.getValue())
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException("what is open cannot be listed", e);
        }
    }

    /** What scenarios can leave behind. The JVM opens files of its own at any time, so those do not count. */
    private Map<String, String> open() throws IOException {
        Map<String, String> open = new TreeMap<>();
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path descriptor : descriptors) {
                String target = target(descriptor);
                if (target.startsWith("pipe:")
                        || target.startsWith("socket:")
                        || target.startsWith("anon_inode:")
                        || target.startsWith("/memfd:")
                        || target.startsWith("/dev/")
                        || target.startsWith(directory())) {
                    open.put(descriptor.getFileName().toString(), target);
                }
            }
        }
        return open;
    }

    private static String target(Path descriptor) throws IOException {
        try {
            return Files.readSymbolicLink(descriptor).toString();
        } catch (NoSuchFileException closedMeanwhile) {
            return ""; // the listing's own descriptor, for one
        }
    }

    @Override
    public void close() {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            List<Path> all = new ArrayList<>();
            files.forEach(all::add);
            for (Path file : all) {
                Files.delete(file);
            }
            Files.delete(directory);
        } catch (IOException e) {
            throw new UncheckedIOException("the scenario's directory cannot be removed", e);
        }
    }

    /** Seen through /proc/self/task: Java does not know whether a thread in a native call sleeps there. */
    private record NativeCaller(Thread thread, int id) implements Caller {
        @Override
        public boolean asleep() {
            if (!thread.isAlive() || thread.getState() != Thread.State.RUNNABLE) {
                return false; // waiting for something in Java is not sleeping in a call
            }
            try {
                String stat = Files.readString(Path.of("/proc/self/task/" + id + "/stat"));
                // "id (name) S …", and the name may hold any character.
                return stat.charAt(stat.lastIndexOf(')') + 2) == 'S';
            } catch (IOException gone) {
                return false;
            }
        }

        @Override
        public void interrupt() {
            try {
                Signals.interrupt(id);
            } catch (IllegalArgumentException e) {
                if (thread.isAlive()) {
                    throw e;
                }
            }
        }

        @Override
        public boolean join(long timeoutMillis) {
            try {
                return thread.join(Duration.ofMillis(timeoutMillis));
            } catch (InterruptedException e) {
                throw new IllegalStateException("interrupted while waiting for " + thread.getName(), e);
            }
        }
    }
}
