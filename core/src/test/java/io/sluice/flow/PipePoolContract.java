// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.wrap.ForwardingKernel;
import io.sluice.testing.NoLeaks;
import io.sluice.testing.Pending;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A pool takes back only clean pipes, keeps few, and hands each to one borrower at a time. */
@NoLeaks
abstract class PipePoolContract {
    private static final int BYTES = 64 << 10;

    private final Kernel kernel = newKernel();
    private final PipePool pool = new PipePool(kernel);

    abstract Kernel newKernel();

    @AfterEach
    void close() {
        pool.close();
        kernel.close();
    }

    private void put(PooledPipe pipe, int bytes) {
        kernel.write(pipe.writeFd, Arena.ofAuto().allocate(bytes));
    }

    @Test
    void aPipeThatComesBackEmptyIsLentAgain() {
        PooledPipe first = pool.borrow(BYTES);
        pool.giveBack(first);
        assertThat(pool.idlePipes()).isEqualTo(1);
        assertThat(pool.borrow(BYTES)).isSameAs(first);
        assertThat(pool.madePipes()).isEqualTo(1);
        pool.giveBack(first);
    }

    /** Pitfall 21: the next borrower would receive a stranger's bytes. */
    @Test
    void aPipeThatHoldsBytesByOurCountIsClosed() {
        PooledPipe pipe = pool.borrow(BYTES);
        put(pipe, 10);
        pipe.heldBytes = 10;
        pool.giveBack(pipe);
        assertThat(pool.idlePipes()).isZero();
        assertThat(kernel.fionread(pipe.readFd)).isEqualTo(-Errno.EBADF);
    }

    /** Pitfall 21: our count may be wrong, so the kernel is asked as well. */
    @Test
    void aPipeThatHoldsBytesByTheKernelsCountAloneIsClosed() {
        PooledPipe pipe = pool.borrow(BYTES);
        put(pipe, 10);
        pool.giveBack(pipe);
        assertThat(pool.idlePipes()).isZero();
        assertThat(kernel.fionread(pipe.readFd)).isEqualTo(-Errno.EBADF);
    }

    @Test
    void aPipeOfAnotherSizeIsNotMistakenForTheOneAskedFor() {
        PooledPipe large = pool.borrow(1 << 20);
        pool.giveBack(large);
        PooledPipe small = pool.borrow(BYTES);
        assertThat(small).isNotSameAs(large);
        assertThat(small.capacityBytes).isEqualTo(BYTES);
        pool.giveBack(small);
        assertThat(pool.borrow(1 << 20)).isSameAs(large);
        pool.giveBack(large);
    }

    /** Pitfalls 55 and 57: what rests is bounded. */
    @Test
    void moreThanAFewAreNotKept() {
        List<PooledPipe> lent = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            lent.add(pool.borrow(BYTES));
        }
        lent.forEach(pool::giveBack);
        assertThat(pool.idlePipes()).isEqualTo(32);
        assertThat(pool.madePipes()).isEqualTo(100);
    }

    @Test
    void aPipeThatComesBackAfterTheCloseIsClosed() {
        PooledPipe late = pool.borrow(BYTES);
        pool.close();
        pool.giveBack(late);
        assertThat(kernel.fionread(late.readFd)).isEqualTo(-Errno.EBADF);
        assertThat(pool.idlePipes()).isZero();
    }

    /** Pitfall 56. */
    @Test
    void nobodyHasTheSamePipeAtTheSameTime() {
        Set<PooledPipe> out = ConcurrentHashMap.newKeySet();
        List<Pending<Void>> borrowers = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            borrowers.add(Pending.start(() -> {
                for (int i = 0; i < 5_000; i++) {
                    PooledPipe pipe = pool.borrow(BYTES);
                    assertThat(out.add(pipe)).as("lent to nobody else").isTrue();
                    out.remove(pipe);
                    pool.giveBack(pipe);
                }
                return null;
            }));
        }
        borrowers.forEach(Pending::value);
        assertThat(new HashSet<>(out)).isEmpty();
        assertThat(pool.madePipes()).isLessThanOrEqualTo(4);
    }

    // What the kernel may grant.

    private PipePool answering(String refused, int errno, long granted) {
        return new PipePool(new ForwardingKernel(kernel) {
            @Override
            protected long around(String name, LongSupplier call, @Nullable Object... arguments) {
                boolean resizes = name.equals("fcntl") && arguments[1].equals(F_SETPIPE_SZ);
                if (name.equals(refused) || (resizes && refused.equals("F_SETPIPE_SZ"))) {
                    if (granted > 0) {
                        inner.fcntl((int) arguments[0], F_SETPIPE_SZ, (int) granted);
                    }
                    return -errno;
                }
                return call.getAsLong();
            }
        });
    }

    @Test
    void overTheLimitOfAUserASmallerPipeIsLent() {
        try (PipePool limited = answering("F_SETPIPE_SZ", Errno.EPERM, 0)) {
            PooledPipe pipe = limited.borrow(1 << 20);
            assertThat(pipe.capacityBytes).as("the kernel's default").isEqualTo(64 << 10);
            limited.giveBack(pipe);
        }
    }

    /** Pitfall 54: two slots are slower than a copy. */
    @Test
    void aPipeTooSmallToBeWorthItIsNotLentAndNotLeft() {
        try (PipePool poor = answering("F_SETPIPE_SZ", Errno.EPERM, 8192)) {
            assertThat(poor.borrow(1 << 20)).isNull();
            assertThat(poor.refusedPipes()).isEqualTo(1);
        }
    }

    /** Pitfall 55. */
    @Test
    void withoutDescriptorsNothingIsLent() {
        try (PipePool poor = answering("pipe2", Errno.EMFILE, 0)) {
            assertThat(poor.borrow(BYTES)).isNull();
            assertThat(poor.refusedPipes()).isEqualTo(1);
            assertThat(poor.madePipes()).isZero();
        }
    }
}
