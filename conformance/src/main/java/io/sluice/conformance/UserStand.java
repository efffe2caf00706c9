// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.SignalCounts;
import io.sluice.kernel.Snapshot;
import io.sluice.kernel.user.UserKernel;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** A fresh user-space kernel for each scenario, in checking mode: leftovers are its descriptors and pages. */
public final class UserStand implements Stand {

    private final Kernel kernel;
    private final String directory;
    private final Snapshot snapshot;
    private final SignalCounts signals;
    private long pagesBefore;
    private Set<Integer> openBefore = Set.of();

    /** On a kernel that answers as Linux does. */
    public UserStand() {
        this(UserKernel.Profile.LINUX);
    }

    /** On a kernel of that profile. */
    public UserStand(UserKernel.Profile profile) {
        this(UserKernel.builder().profile(profile).checking(true).build());
    }

    /** With files that are kept as {@link LinuxStand#inMemory} keeps them. */
    public static UserStand inMemory() {
        return new UserStand(UserKernel.builder().checking(true).build(), "/dev/shm");
    }

    /** On that user-space kernel, or on a wrapper around one; the stand closes it. */
    public UserStand(Kernel kernel) {
        this(kernel, "/tmp");
    }

    private UserStand(Kernel kernel, String directory) {
        this.kernel = kernel;
        this.directory = directory;
        snapshot = kernel.feature(Snapshot.class).orElseThrow();
        signals = kernel.feature(SignalCounts.class).orElseThrow();
        keepWhatIsThere();
    }

    /** What is there now is no leftover: the caller made it to stay. */
    public final void keepWhatIsThere() {
        pagesBefore = snapshot.pagesInUse();
        openBefore = Set.copyOf(snapshot.descriptors());
    }

    @Override
    public Kernel kernel() {
        return kernel;
    }

    @Override
    public Optional<String> unable(String verb) {
        return Optional.empty();
    }

    @Override
    public String directory() {
        return directory;
    }

    @Override
    public MemorySegment unmapped(long bytes) {
        try (Arena arena = Arena.ofShared()) {
            return arena.allocate(bytes);
        }
    }

    /** Where native access is denied nobody can make such memory; then it is other memory that no call can reach. */
    @Override
    @SuppressWarnings("restricted") // no call can reach it, and Java never does
    public MemorySegment atNull(long bytes) {
        return UserStand.class.getModule().isNativeAccessEnabled()
                ? MemorySegment.NULL.reinterpret(bytes)
                : unmapped(bytes);
    }

    @Override
    public Caller start(String name, Runnable calls) {
        return new ParkingCaller(Thread.ofPlatform().name(name).daemon().start(calls));
    }

    @Override
    public long sigpipes() {
        return signals.sigpipes();
    }

    @Override
    public long sigxfszs() {
        return signals.sigxfszs();
    }

    @Override
    public void limitFileSize(long bytes) {
        signals.limitFileSize(bytes);
    }

    @Override
    public List<String> leftovers() {
        List<String> left = new ArrayList<>();
        for (int fd : snapshot.descriptors()) {
            if (!openBefore.contains(fd)) {
                left.add("descriptor " + fd);
            }
        }
        long pages = snapshot.pagesInUse() - pagesBefore;
        if (left.isEmpty() && pages > 0) {
            left.add(pages + " pages");
        }
        return left;
    }

    @Override
    public void close() {
        kernel.close();
    }

    /** Sleeping in a call is being parked. */
    private record ParkingCaller(Thread thread) implements Caller {
        @Override
        public boolean asleep() {
            Thread.State state = thread.getState();
            return state == Thread.State.WAITING || state == Thread.State.TIMED_WAITING;
        }

        @Override
        public void interrupt() {
            thread.interrupt();
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
