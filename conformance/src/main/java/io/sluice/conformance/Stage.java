// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static io.sluice.kernel.Flags.F_GETPIPE_SZ;
import static io.sluice.kernel.Flags.POLLIN;
import static io.sluice.kernel.Flags.POLLOUT;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Snapshot;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What a running scenario has: descriptors, memory and threads by name. Owned by one run; steps in threads use it at
 * the same time. Closing it ends the threads, then closes what is open.
 */
public final class Stage implements AutoCloseable {
    /** No process has so many descriptors, so this one is never open, not even by chance. */
    static final int BADFD = Integer.MAX_VALUE;

    static final int PAGE = 4096;

    private static final String NO_PIPE = "no pipe is open";

    /** How long a thread may take to answer once it was interrupted. */
    private static final long END_MILLIS = 3000;

    final Stand stand;
    final Kernel kernel;

    private final Map<String, Integer> descriptors = new ConcurrentHashMap<>();
    private final Map<String, MemorySegment> memories = new ConcurrentHashMap<>();
    private final Set<String> adopted = ConcurrentHashMap.newKeySet(); // memories that are not ours to unmap
    private final Map<String, Call> calls = new ConcurrentHashMap<>();

    /** A stage on a stand, which stays the caller's to close. */
    public Stage(Stand stand) {
        this.stand = stand;
        this.kernel = stand.kernel();
    }

    // Descriptors.

    /** The descriptor of that name; a number that is not open when it was closed. */
    public int fd(String name) {
        if (name.equals("BADFD")) {
            return BADFD;
        }
        return known(descriptors.get(name), "descriptor", name);
    }

    /** Gives a fresh descriptor its name; a call that failed leaves the name free. */
    Answer named(String name, long descriptor) {
        if (descriptor >= 0) {
            Integer old = descriptors.put(name, (int) descriptor);
            if (old != null && old != BADFD) {
                kernel.close(old);
                throw new StepFailure("the name " + name + " was taken already");
            }
        }
        return Answer.ofDescriptor(descriptor);
    }

    /** The name stays, for a number that is not open: the real one may belong to another part of the JVM by now. */
    Answer closed(String name) {
        int fd = fd(name);
        descriptors.put(name, BADFD);
        return Answer.of(kernel.close(fd));
    }

    // Memory.

    MemorySegment memory(String name) {
        return known(memories.get(name), "memory", name);
    }

    /** Gives memory that the caller mapped its name; it is not unmapped at the end. */
    public void adoptMemory(String name, MemorySegment memory) {
        memories.put(name, memory);
        adopted.add(name);
    }

    Answer newMemory(String name, Data content) {
        MemorySegment[] out = new MemorySegment[1];
        long result = kernel.mmap(Math.max(content.length(), 1), false, out);
        if (result == 0) {
            out[0].fill((byte) 0); // so that no page is the shared zero page [K15]
            content.store(out[0], 0);
            memories.put(name, out[0]);
        }
        return Answer.of(result);
    }

    /** Memory for one call, free again when nobody holds it: a call may outlive its step. */
    static MemorySegment buffer(long bytes) {
        return Arena.ofAuto().allocate(bytes);
    }

    static MemorySegment buffer(Data content) {
        MemorySegment buffer = buffer(content.length());
        content.store(buffer, 0);
        return buffer;
    }

    // Threads.

    void start(String name, Step.Operation operation) {
        Call call = new Call(name, this, operation);
        if (calls.put(name, call) != null) {
            throw new StepFailure("a thread " + name + " was started already");
        }
        call.start();
    }

    Call call(String name) {
        return known(calls.get(name), "thread", name);
    }

    private static <T> T known(@Nullable T found, String kind, String name) {
        if (found == null) {
            throw new StepFailure("there is no " + kind + " " + name);
        }
        return found;
    }

    /** The kernel that the steps call. */
    public Kernel kernel() {
        return kernel;
    }

    /** The stand below. */
    public Stand stand() {
        return stand;
    }

    /** The pipes as they are now: drawn where the kernel can be looked into, else every open end in a few words. */
    public String state() {
        return drawing().orElseGet(this::answers);
    }

    /** What the threads do, a line for each; empty when none was started. */
    public String threads() {
        StringJoiner threads = new StringJoiner("\n");
        new TreeMap<>(calls).forEach((name, call) -> threads.add("thread " + name + ": " + call.state()));
        return threads.toString();
    }

    /** The pipes drawn; empty where the kernel cannot be looked into. Waits for no call that is under way. */
    Optional<String> drawing() {
        return kernel.feature(Snapshot.class).map(this::drawings);
    }

    private String drawings(Snapshot snapshot) {
        Map<Long, StringJoiner> ends = new HashMap<>();
        new TreeMap<>(descriptors)
                .forEach((name, fd) -> snapshot.pipe(fd)
                        .ifPresent(pipe -> ends.computeIfAbsent(pipe.id(), _ -> new StringJoiner(", "))
                                .add(name)));
        StringJoiner drawings = new StringJoiner("\n");
        drawings.setEmptyValue(NO_PIPE);
        for (Snapshot.PipeState pipe : snapshot.pipes()) {
            StringJoiner names = ends.get(pipe.id());
            drawings.add((names == null ? "" : names + " = ") + pipe.drawing());
        }
        return drawings.toString();
    }

    private String answers() {
        StringBuilder state = new StringBuilder();
        new TreeMap<>(descriptors).forEach((name, fd) -> {
            long capacity = kernel.fcntl(fd, F_GETPIPE_SZ, 0);
            if (fd != BADFD && capacity >= 0) {
                state.append(state.isEmpty() ? "" : "; ").append(name).append(' ');
                state.append(Answer.of(kernel.fionread(fd)))
                        .append(" bytes in ")
                        .append(capacity / PAGE);
                state.append(" slots, ").append(Answer.ofEvents(kernel.poll(fd, POLLIN | POLLOUT, 0)));
            }
        });
        return state.isEmpty() ? NO_PIPE : state.toString();
    }

    /** Threads first: a number must not be reused under a call. */
    @Override
    public void close() {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(END_MILLIS);
        for (Call call : calls.values()) {
            call.end(deadline);
        }
        descriptors.forEach((name, fd) -> {
            if (fd != BADFD) {
                check("close " + name, kernel.close(fd));
            }
        });
        memories.keySet().removeAll(adopted);
        memories.forEach((name, memory) -> check("munmap " + name, kernel.munmap(memory)));
    }

    private static void check(String what, long result) {
        if (result < 0) {
            throw new IllegalStateException(what + " answered " + Errno.name((int) result));
        }
    }
}
