// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.kernel.Flags.AF_UNIX;
import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.SOCK_CLOEXEC;
import static io.sluice.kernel.Flags.SOCK_NONBLOCK;
import static io.sluice.kernel.Flags.SOCK_STREAM;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.flow.Poller.Outcome;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.wrap.TracingKernel;
import io.sluice.testing.NoLeaks;
import io.sluice.testing.Pending;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A poller on a traced kernel, and descriptors to wait for. */
@NoLeaks
abstract class PollerFixture {
    final Queue<TracingKernel.Call> calls = new ConcurrentLinkedQueue<>();
    final MemorySegment memory = Arena.ofAuto().allocate(1 << 20);
    private final List<Descriptor> opened = new ArrayList<>();
    Kernel kernel;
    Poller poller;

    abstract Kernel newKernel();

    @BeforeEach
    void open() {
        kernel = new TracingKernel(newKernel(), calls::add);
        poller = new Poller(kernel);
    }

    @AfterEach
    void close() {
        opened.forEach(Descriptor::close);
        poller.close();
        kernel.close();
    }

    Descriptor guard(int fd) {
        Descriptor descriptor = new Descriptor(kernel, fd);
        opened.add(descriptor);
        return descriptor;
    }

    /** Read end, write end. */
    Descriptor[] pipe() {
        int[] fds = new int[2];
        assertThat(kernel.pipe2(fds, O_CLOEXEC | O_NONBLOCK)).isZero();
        return new Descriptor[] {guard(fds[0]), guard(fds[1])};
    }

    Descriptor[] sockets() {
        int[] fds = new int[2];
        assertThat(kernel.socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds))
                .isZero();
        return new Descriptor[] {guard(fds[0]), guard(fds[1])};
    }

    void write(Descriptor to, long bytes) {
        assertThat(kernel.write(to.fd(), memory.asSlice(0, bytes))).isPositive();
    }

    void fill(Descriptor to) {
        while (kernel.write(to.fd(), memory) > 0) {
            // Until it takes no more.
        }
    }

    Pending<Outcome> waiting(Pending.Kind kind, Descriptor on, int events, long deadlineNanos) {
        return Pending.start(kind, () -> {
                    assertThat(on.enter()).isTrue();
                    try {
                        return poller.await(on, events, deadlineNanos);
                    } finally {
                        on.leave();
                    }
                })
                .mustWait();
    }

    Pending<Outcome> waiting(Descriptor on, int events) {
        return waiting(Pending.Kind.VIRTUAL, on, events, Poller.FOREVER);
    }

    long count(String call) {
        return calls.stream().filter(c -> c.name().equals(call)).count();
    }

    static long in(int seconds) {
        return System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    }
}
