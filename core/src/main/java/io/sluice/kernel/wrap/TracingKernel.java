// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.wrap;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.Offset;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A kernel that tells of each call when it has answered, as strace(1) does of a process:
 *
 * <pre>
 *   splice(3, [0] => [65536], 5, NULL, 65536, SPLICE_F_NONBLOCK) = 65536
 *   splice(3, [65536], 5, NULL, 65536, SPLICE_F_NONBLOCK) = -1 EAGAIN (Resource temporarily unavailable)
 * </pre>
 *
 * The listener runs on the thread that made the call, and so on several at once.
 */
public final class TracingKernel extends ForwardingKernel {

    /**
     * A call that has answered.
     *
     * @param name the call's name in the manual; {@code "fionread"} and {@code "ficlone"} for the two ioctls
     * @param arguments the arguments in the order of the method, as they were when the call was made: an {@link Offset}
     *     by its value, a {@link Long}
     * @param result a value or a negated errno
     * @param thread who called
     * @param nanos how long it took
     * @param text the line that strace would print
     */
    public record Call(
            String name, List<@Nullable Object> arguments, long result, Thread thread, long nanos, String text) {

        /** The argument at {@code index}, where it is an int: a descriptor, flags, a command. */
        public int integer(int index) {
            return (int) Objects.requireNonNull(arguments.get(index));
        }

        @Override
        public String toString() {
            return text;
        }
    }

    private final Consumer<? super Call> listener;

    /** Tells {@code listener} of each call to {@code inner}. */
    public TracingKernel(Kernel inner, Consumer<? super Call> listener) {
        super(inner);
        this.listener = Objects.requireNonNull(listener);
    }

    /** Hands each call's line to {@code lines}; from the second thread on with the caller's number before it. */
    public static TracingKernel printing(Kernel inner, Consumer<? super String> lines) {
        return new TracingKernel(inner, new Printer(lines));
    }

    @Override
    protected long around(String name, LongSupplier call, @Nullable Object... arguments) {
        @Nullable Object[] entry = atEntry(arguments);
        long start = System.nanoTime();
        long result = call.getAsLong();
        long nanos = System.nanoTime() - start;
        listener.accept(new Call(
                name,
                Collections.unmodifiableList(Arrays.<@Nullable Object>asList(entry)),
                result,
                Thread.currentThread(),
                nanos,
                CallText.of(name, entry, arguments, result)));
        return result;
    }

    private static @Nullable Object[] atEntry(@Nullable Object[] arguments) {
        @Nullable Object[] entry = arguments.clone();
        for (int i = 0; i < entry.length; i++) {
            if (entry[i] instanceof Offset offset) {
                entry[i] = offset.value();
            }
        }
        return entry;
    }

    private static final class Printer implements Consumer<Call> {
        private static final long NO_THREAD = 0; // numbers begin at 1

        private final Consumer<? super String> lines;
        private long first = NO_THREAD;
        private boolean several;

        Printer(Consumer<? super String> lines) {
            this.lines = Objects.requireNonNull(lines);
        }

        /** One at a time, so that lines come whole and in one order. */
        @Override
        public synchronized void accept(Call call) {
            long thread = call.thread().threadId();
            if (first == NO_THREAD) {
                first = thread;
            }
            several |= thread != first;
            lines.accept(several ? "[thread " + thread + "] " + call.text() : call.text());
        }
    }
}
