// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.flow.PipePool.NoPipe;
import io.sluice.kernel.Capabilities;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.wrap.ForwardingKernel;
import io.sluice.testing.NoLeaks;
import io.sluice.testing.Pending;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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

    private static PooledPipe pipe(PipePool from, int bytes) {
        return (PooledPipe) from.borrow(bytes);
    }

    private void put(PooledPipe pipe, int bytes) {
        kernel.write(pipe.writeFd, Arena.ofAuto().allocate(bytes));
    }

    @Test
    void aPipeThatComesBackEmptyIsLentAgain() {
        PooledPipe first = pipe(pool, BYTES);
        pool.giveBack(first);
        assertThat(pool.idlePipes()).isEqualTo(1);
        assertThat(pool.borrow(BYTES)).isSameAs(first);
        assertThat(pool.madePipes()).isEqualTo(1);
        pool.giveBack(first);
    }

    /** Pitfall 21: the next borrower would receive a stranger's bytes. */
    @Test
    void aPipeThatHoldsBytesByOurCountIsClosed() {
        PooledPipe pipe = pipe(pool, BYTES);
        put(pipe, 10);
        pipe.heldBytes = 10;
        pool.giveBack(pipe);
        assertThat(pool.idlePipes()).isZero();
        assertThat(kernel.fionread(pipe.readFd)).isEqualTo(-Errno.EBADF);
    }

    /** Pitfall 21: our count may be wrong, so the kernel is asked as well. */
    @Test
    void aPipeThatHoldsBytesByTheKernelsCountAloneIsClosed() {
        PooledPipe pipe = pipe(pool, BYTES);
        put(pipe, 10);
        pool.giveBack(pipe);
        assertThat(pool.idlePipes()).isZero();
        assertThat(kernel.fionread(pipe.readFd)).isEqualTo(-Errno.EBADF);
    }

    @Test
    void aPipeOfAnotherSizeIsNotMistakenForTheOneAskedFor() {
        PooledPipe large = pipe(pool, 1 << 20);
        pool.giveBack(large);
        PooledPipe small = pipe(pool, BYTES);
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
            lent.add(pipe(pool, BYTES));
        }
        lent.forEach(pool::giveBack);
        assertThat(pool.idlePipes()).isEqualTo(32);
        assertThat(pool.madePipes()).isEqualTo(100);
    }

    @Test
    void aPipeThatComesBackAfterTheCloseIsClosed() {
        PooledPipe late = pipe(pool, BYTES);
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
                    PooledPipe pipe = pipe(pool, BYTES);
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
            PooledPipe pipe = pipe(limited, 1 << 20);
            assertThat(pipe.capacityBytes).as("the kernel's default").isEqualTo(64 << 10);
            limited.giveBack(pipe);
        }
    }

    /** Pitfall 54: two slots are slower than a copy. */
    @Test
    void aPipeTooSmallToBeWorthItIsNotLentAndNotLeft() {
        try (PipePool poor = answering("F_SETPIPE_SZ", Errno.EPERM, 8192)) {
            assertThat(poor.borrow(1 << 20)).isEqualTo(new NoPipe("kernel", "fcntl F_SETPIPE_SZ", Errno.EPERM));
            assertThat(poor.refusedPipes()).isEqualTo(1);
        }
    }

    /** Pitfall 55. The process may be out of descriptors, or the system of files or memory: that is not the same. */
    @ParameterizedTest
    @ValueSource(ints = {Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM})
    void withoutDescriptorsNothingIsLent(int errno) {
        try (PipePool poor = answering("pipe2", errno, 0)) {
            assertThat(poor.borrow(BYTES)).isEqualTo(new NoPipe("kernel", "pipe2", errno));
            assertThat(poor.refusedPipes()).isEqualTo(1);
            assertThat(poor.madePipes()).isZero();
        }
    }

    @Test
    void aboveTheLargestPipeThatIsAllowedHalfOfItIsTried() {
        try (PipePool limited = new PipePool(granting(256 << 10))) {
            PooledPipe pipe = pipe(limited, 1 << 20);
            assertThat(pipe.capacityBytes).isEqualTo(256 << 10);
            limited.giveBack(pipe);
            assertThat(limited.borrow(1 << 20))
                    .as("for the same wish the same pipe")
                    .isSameAs(pipe);
            limited.giveBack(pipe);
        }
    }

    /** A kernel on which no pipe may be larger. */
    private Kernel granting(int mostBytes) {
        return new ForwardingKernel(kernel) {
            @Override
            protected long around(String name, LongSupplier call, @Nullable Object... arguments) {
                boolean tooLarge =
                        name.equals("fcntl") && arguments[1].equals(F_SETPIPE_SZ) && (int) arguments[2] > mostBytes;
                return tooLarge ? -Errno.EPERM : call.getAsLong();
            }
        };
    }

    // Bounds.

    private static PipePool bounded(Kernel kernel, int pipes, long bytes) {
        return new PipePool(kernel, new Journal(), pipes, bytes, PipePool.DEFAULT_IDLE, PipePool.DEFAULT_BUFFER_BYTES);
    }

    /** Pitfall 55: each takes two descriptors. */
    @Test
    void noMorePipesAreLentThanTheBound() {
        try (PipePool few = bounded(kernel, 2, 0)) {
            PooledPipe first = pipe(few, BYTES);
            PooledPipe second = pipe(few, BYTES);
            assertThat(few.borrow(BYTES)).isEqualTo(new NoPipe("pipes", "pipe2", Errno.EMFILE));
            assertThat(few.refusedPipes()).isEqualTo(1);
            few.giveBack(first);
            assertThat(few.borrow(BYTES)).isSameAs(first);
            few.giveBack(first);
            few.giveBack(second);
        }
    }

    @Test
    void withinTheBoundAPipeAtRestMakesWayForOneOfAnotherSize() {
        try (PipePool few = bounded(kernel, 1, 0)) {
            PooledPipe small = pipe(few, BYTES);
            few.giveBack(small);
            PooledPipe large = pipe(few, 1 << 20);
            assertThat(large.capacityBytes).isEqualTo(1 << 20);
            assertThat(few.idlePipes()).isZero();
            assertThat(kernel.fionread(small.readFd)).isNotPositive(); // closed, or the number is the new pipe's
            assertThat(few.capacityBytes()).isEqualTo(1 << 20);
            few.giveBack(large);
        }
    }

    /** Pitfall 54: first a pipe as the kernel makes it, and when there is not even room for that, none. */
    @Test
    void nearTheBoundInBytesPipesGetSmallerAndThenThereAreNone() {
        try (PipePool narrow = bounded(kernel, 10, (1 << 20) + (64 << 10))) {
            PooledPipe large = pipe(narrow, 1 << 20);
            PooledPipe small = pipe(narrow, 1 << 20);
            assertThat(small.capacityBytes).isEqualTo(64 << 10);
            assertThat(narrow.borrow(1 << 20)).isEqualTo(new NoPipe("bytes", "pipe2", Errno.ENFILE));
            assertThat(narrow.borrow(16 << 10)).isInstanceOf(NoPipe.class);
            assertThat(narrow.capacityBytes()).isEqualTo(large.capacityBytes + small.capacityBytes);
            narrow.giveBack(large);
            narrow.giveBack(small);
        }
    }

    /** Pitfall 54: beyond what the kernel grants a user, all of the user's new pipes are small. */
    @Test
    void allPipesTogetherStayBelowWhatTheKernelGrantsAUser() {
        int page = kernel.capabilities().pageSizeBytes();
        long granted = 1024; // pages
        Kernel strict = new ForwardingKernel(kernel) {
            @Override
            public Capabilities capabilities() {
                Capabilities all = inner.capabilities();
                return new Capabilities(
                        all.splice(),
                        all.tee(),
                        all.vmsplice(),
                        all.pipeMaxSizeBytes(),
                        4 * granted,
                        page,
                        all.hugePageSizeBytes());
            }
        };
        try (PipePool pool = bounded(strict, Integer.MAX_VALUE, 0)) {
            List<PooledPipe> lent = new ArrayList<>();
            while (pool.borrow(1 << 20) instanceof PooledPipe pipe) {
                lent.add(pipe);
            }
            assertThat(pool.capacityBytes()).isEqualTo(3 * granted * page);
            lent.forEach(pool::giveBack);
        }
    }

    // Rest.

    private static boolean isTrimmerThere() {
        return Thread.getAllStackTraces().keySet().stream()
                .anyMatch(thread -> thread.getName().equals("sluice-idle-pipes"));
    }

    private static void await(BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (!condition.getAsBoolean() && System.nanoTime() < deadline) {
            LockSupport.parkNanos(1_000_000);
        }
        assertThat(condition.getAsBoolean()).as("after ten seconds").isTrue();
    }

    /** Pitfall 57. */
    @Test
    void aPipeThatRestsTooLongIsClosedAndThenNothingIsWokenAnyMore() {
        try (PipePool brief =
                new PipePool(kernel, new Journal(), 10, 0, Duration.ofMillis(20), PipePool.DEFAULT_BUFFER_BYTES)) {
            PooledPipe first = pipe(brief, BYTES);
            PooledPipe second = pipe(brief, BYTES);
            brief.giveBack(first);
            await(() -> brief.idlePipes() == 0);
            assertThat(kernel.fionread(first.readFd)).isEqualTo(-Errno.EBADF);
            assertThat(kernel.fionread(second.readFd)).as("the one that is out").isZero();
            await(() -> !isTrimmerThere());
            assertThat(brief.capacityBytes()).isEqualTo(second.capacityBytes);
            brief.giveBack(second);
        }
    }

    @Test
    void whereNothingRestsThereIsNoThread() {
        PooledPipe pipe = pipe(pool, BYTES);
        assertThat(isTrimmerThere()).isFalse();
        pool.giveBack(pipe);
        assertThat(isTrimmerThere()).isTrue();
        pool.close();
        await(() -> !isTrimmerThere());
    }
}
