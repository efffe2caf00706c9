// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.wrap;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** A kernel that counts, by the call's name: how often, how many bytes, and which errors. */
public final class CountingKernel extends ForwardingKernel {
    /** The calls whose value is a number of bytes moved. */
    private static final Set<String> MOVING = Set.of(
            "splice",
            "tee",
            "vmsplice",
            "read",
            "write",
            "readv",
            "writev",
            "pread",
            "pwrite",
            "pwritev",
            "recv",
            "send",
            "sendfile",
            "copy_file_range");

    private record Failure(String name, int errno) {}

    private final Map<String, LongAdder> calls = new ConcurrentHashMap<>();
    private final Map<String, LongAdder> bytes = new ConcurrentHashMap<>();
    private final Map<Failure, LongAdder> failures = new ConcurrentHashMap<>();

    /** Counts the calls to {@code inner}. */
    public CountingKernel(Kernel inner) {
        super(inner);
    }

    /** How often {@code name} was called, failed or not. */
    public long calls(String name) {
        return sum(calls, name);
    }

    /** How often each call was made. */
    public Map<String, Long> calls() {
        var all = new TreeMap<String, Long>();
        calls.forEach((name, count) -> all.put(name, count.sum()));
        return all;
    }

    /** How many bytes {@code name} has moved. */
    public long bytes(String name) {
        return sum(bytes, name);
    }

    /** How often {@code name} answered {@code -errno}. */
    public long failures(String name, int errno) {
        return sum(failures, new Failure(name, errno));
    }

    @Override
    protected long around(String name, LongSupplier call, @Nullable Object... arguments) {
        long result = call.getAsLong();
        add(calls, name, 1);
        if (result < 0) {
            add(failures, new Failure(name, (int) -result), 1);
        } else if (MOVING.contains(name)) {
            add(bytes, name, result);
        }
        return result;
    }

    /** One line for each call, as {@code strace -c} has them. */
    @Override
    public String toString() {
        var table = new StringBuilder();
        for (var entry : calls().entrySet()) {
            String name = entry.getKey();
            table.append(String.format("%-16s %10d calls %16d bytes", name, entry.getValue(), bytes(name)));
            failures.forEach((failure, count) -> {
                if (failure.name.equals(name)) {
                    table.append("  ")
                            .append(Errno.name(failure.errno))
                            .append(' ')
                            .append(count.sum());
                }
            });
            table.append('\n');
        }
        return table.toString();
    }

    private static <K> void add(Map<K, LongAdder> to, K key, long amount) {
        to.computeIfAbsent(key, k -> new LongAdder()).add(amount);
    }

    private static <K> long sum(Map<K, LongAdder> of, K key) {
        LongAdder count = of.get(key);
        return count == null ? 0 : count.sum();
    }
}
