// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static java.util.Objects.requireNonNull;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.Offset;
import io.sluice.kernel.wrap.ForwardingKernel;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** A kernel whose disk, as the recorder's thread sees it, can be held up and can fail. */
final class Disk extends ForwardingKernel {
    /** What the disk does with a call. */
    interface Trouble {
        /** Answers the call; {@code go} makes it as it is, {@code shorter} with half of its bytes. */
        long meet(LongSupplier go, LongSupplier shorter);
    }

    private static final String RECORDER = "sluice-recorder";

    private final AtomicInteger number = new AtomicInteger();
    private final List<String> calls = new CopyOnWriteArrayList<>();
    private volatile CountDownLatch gate = new CountDownLatch(0);
    private volatile int troubledCall;
    private volatile Trouble trouble = (go, shorter) -> go.getAsLong();

    Disk(Kernel inner) {
        super(inner);
    }

    /** What is below. */
    Kernel inner() {
        return inner;
    }

    /** From now on the disk does nothing, until {@link #goOn}. */
    void hangs() {
        gate = new CountDownLatch(1);
    }

    void goOn() {
        gate.countDown();
    }

    /** The call of that number, from 1, meets {@code what}; 0 for all of them. */
    void meets(int callNumber, Trouble what) {
        troubledCall = callNumber;
        trouble = what;
    }

    /** The names of the calls that the recorder has made. */
    List<String> calls() {
        return List.copyOf(calls);
    }

    @Override
    protected long around(String name, LongSupplier call, @Nullable Object... arguments) {
        if (!Thread.currentThread().getName().equals(RECORDER) || name.equals("fionread")) {
            return call.getAsLong();
        }
        boolean opensOrWrites =
                List.of("open", "pwrite", "pwritev", "splice", "ftruncate").contains(name);
        if (!opensOrWrites) {
            return call.getAsLong();
        }
        await();
        calls.add(name);
        int mine = number.incrementAndGet();
        return troubledCall == 0 || troubledCall == mine
                ? trouble.meet(call, () -> shorter(name, call, arguments))
                : call.getAsLong();
    }

    private void await() {
        try {
            gate.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private long shorter(String name, LongSupplier call, @Nullable Object... arguments) {
        if (name.equals("splice") && arguments[4] instanceof Long length && length > 1) {
            return inner.splice(
                    (int) requireNonNull(arguments[0]),
                    null,
                    (int) requireNonNull(arguments[2]),
                    (Offset) arguments[3],
                    length / 2,
                    (int) requireNonNull(arguments[5]));
        }
        if (name.equals("pwrite") && arguments[1] instanceof MemorySegment bytes && bytes.byteSize() > 1) {
            return inner.pwrite((int) requireNonNull(arguments[0]), bytes.asSlice(0, bytes.byteSize() / 2), (long)
                    requireNonNull(arguments[2]));
        }
        return call.getAsLong();
    }
}
