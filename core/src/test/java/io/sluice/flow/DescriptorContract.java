// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.kernel.Flags.EPOLLIN;
import static io.sluice.kernel.Flags.EPOLL_CTL_DEL;
import static io.sluice.kernel.Flags.MFD_CLOEXEC;
import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Stat;
import io.sluice.kernel.wrap.ForwardingKernel;
import io.sluice.testing.NoLeaks;
import io.sluice.testing.Pending;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * The guard of a descriptor's number: never closed under a running call, and so never reused under one (pitfall 73).
 */
@NoLeaks
abstract class DescriptorContract {
    /** Lets a test step in before a call. */
    private static final class Gate extends ForwardingKernel {
        interface Before {
            void call(String name, @Nullable Object[] arguments);
        }

        volatile Before before = (name, arguments) -> {};

        Gate(Kernel inner) {
            super(inner);
        }

        @Override
        protected long around(String name, LongSupplier call, @Nullable Object... arguments) {
            before.call(name, arguments);
            return call.getAsLong();
        }
    }

    private final Gate kernel = new Gate(newKernel());

    abstract Kernel newKernel();

    @AfterEach
    void close() {
        kernel.close();
    }

    private Descriptor descriptor() {
        return new Descriptor(kernel, (int) kernel.memfdCreate("guarded", MFD_CLOEXEC));
    }

    private long inode(int fd) {
        Stat stat = new Stat();
        return kernel.fstat(fd, stat) < 0 ? -1 : stat.ino();
    }

    @Test
    void isClosedAtOnceWhenNobodyIsInside() {
        Descriptor descriptor = descriptor();
        assertThat(descriptor.close()).isTrue();
        assertThat(inode(descriptor.fd())).isNegative();
        assertThat(descriptor.isClosed()).isTrue();
    }

    @Test
    void isClosedByTheLastToLeave() {
        Descriptor descriptor = descriptor();
        long inode = inode(descriptor.fd());
        assertThat(descriptor.enter()).isTrue();
        assertThat(descriptor.enter()).isTrue();
        descriptor.close();
        assertThat(descriptor.isClosed()).isTrue();
        assertThat(inode(descriptor.fd())).isEqualTo(inode);
        descriptor.leave();
        assertThat(inode(descriptor.fd())).isEqualTo(inode);
        descriptor.leave();
        assertThat(inode(descriptor.fd())).isNegative();
    }

    @Test
    void isNotEnteredOnceItIsClosed() {
        Descriptor descriptor = descriptor();
        descriptor.enter();
        descriptor.close();
        assertThat(descriptor.enter()).isFalse();
        descriptor.leave();
        assertThat(descriptor.enter()).isFalse();
    }

    @Test
    void isClosedOnce() {
        Descriptor descriptor = descriptor();
        assertThat(descriptor.close()).isTrue();
        Descriptor stranger = descriptor();
        assertThat(stranger.fd()).as("the lowest free number").isEqualTo(descriptor.fd());
        assertThat(descriptor.close()).isFalse();
        assertThat(inode(stranger.fd())).isPositive();
        stranger.close();
    }

    @Test
    void undoesWhatItWasGivenToUndoWhenTheLastHasLeft() {
        Descriptor descriptor = descriptor();
        AtomicInteger undone = new AtomicInteger();
        descriptor.afterRelease(undone::incrementAndGet);
        descriptor.enter();
        descriptor.close();
        assertThat(undone).hasValue(0);
        descriptor.leave();
        assertThat(undone).hasValue(1);
        descriptor.close();
        assertThat(undone).hasValue(1);
    }

    @Test
    void throwsWhenItIsLeftMoreOftenThanEntered() {
        assertThatThrownBy(() -> descriptorLeftTwice()).isInstanceOf(IllegalStateException.class);
    }

    private void descriptorLeftTwice() {
        Descriptor descriptor = new Descriptor(kernel, Integer.MAX_VALUE);
        descriptor.enter();
        descriptor.leave();
        descriptor.leave();
    }

    @Test
    void refusesWhatIsNoNumber() {
        assertThatThrownBy(() -> new Descriptor(kernel, -1)).isInstanceOf(IllegalArgumentException.class);
    }

    /**
     * The user inside left between the closer's mark and its word to epoll; the number was then closed, could be a
     * stranger's, and the stranger was taken out of epoll.
     */
    @Test
    void isOpenUntilEpollHasForgottenIt() throws Exception {
        int[] pipe = new int[2];
        kernel.pipe2(pipe, O_CLOEXEC | O_NONBLOCK);
        Descriptor reader = new Descriptor(kernel, pipe[0]);
        AtomicReference<Long> seen = new AtomicReference<>();
        try (Poller poller = new Poller(kernel)) {
            reader.enter();
            poller.await(reader, EPOLLIN, System.nanoTime());
            kernel.before = (name, arguments) -> {
                if (name.equals("epoll_ctl") && arguments[1].equals(EPOLL_CTL_DEL)) {
                    reader.leave();
                    seen.set(inode(pipe[0]));
                }
            };
            reader.close();
            assertThat(seen.get()).as("inode while epoll is told").isPositive();
            assertThat(inode(pipe[0])).isNegative();
        } finally {
            kernel.close(pipe[1]);
        }
    }

    /** A call under way holds its number against close and against everybody who opens something meanwhile. */
    @Test
    void aRunningCallNeverMeetsAStranger() throws Exception {
        int slots = 4;
        int rounds = 20_000;
        @SuppressWarnings({"unchecked", "rawtypes"})
        AtomicReference<Guarded>[] shared = new AtomicReference[slots];
        for (int i = 0; i < slots; i++) {
            shared[i] = new AtomicReference<>(guarded());
        }
        AtomicInteger calls = new AtomicInteger();
        List<Pending<Void>> threads = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            boolean closes = t == 0;
            threads.add(Pending.start(() -> {
                for (int round = 0; round < rounds; round++) {
                    AtomicReference<Guarded> slot =
                            shared[ThreadLocalRandom.current().nextInt(slots)];
                    if (closes) {
                        slot.getAndSet(guarded()).descriptor.close();
                    } else {
                        Guarded used = slot.get();
                        if (used.descriptor.enter()) {
                            assertThat(inode(used.descriptor.fd())).isEqualTo(used.inode);
                            calls.incrementAndGet();
                            assertThat(inode(used.descriptor.fd())).isEqualTo(used.inode);
                            used.descriptor.leave();
                        }
                    }
                }
                return null;
            }));
        }
        for (Pending<Void> thread : threads) {
            thread.value();
        }
        assertThat(calls.get()).isPositive();
        for (AtomicReference<Guarded> slot : shared) {
            slot.get().descriptor.close();
        }
    }

    private record Guarded(Descriptor descriptor, long inode) {}

    private Guarded guarded() {
        int[] pipe = new int[2];
        long result = kernel.pipe2(pipe, O_CLOEXEC);
        if (result < 0) {
            throw new IllegalStateException("pipe2: " + Errno.name((int) result));
        }
        kernel.close(pipe[1]);
        return new Guarded(new Descriptor(kernel, pipe[0]), inode(pipe[0]));
    }
}
