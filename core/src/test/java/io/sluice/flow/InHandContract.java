// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.kernel.Flags.AF_UNIX;
import static io.sluice.kernel.Flags.SOCK_CLOEXEC;
import static io.sluice.kernel.Flags.SOCK_NONBLOCK;
import static io.sluice.kernel.Flags.SOCK_STREAM;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.flow.Direction.Step;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.TransferPath;
import io.sluice.testing.NoLeaks;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Bytes that others put into the hand of a direction, and take out of it. */
@NoLeaks
abstract class InHandContract {
    private static final int PIPE_BYTES = 1 << 16;

    private final Arena arena = Arena.ofAuto();
    private Kernel kernel;
    private PipePool pool;
    private Descriptor[] in;
    private Descriptor[] out;

    abstract Kernel newKernel();

    @BeforeEach
    void open() {
        kernel = newKernel();
        pool = new PipePool(kernel);
        in = socketpair();
        out = socketpair();
    }

    @AfterEach
    void close() {
        for (Descriptor descriptor : List.of(in[0], in[1], out[0], out[1])) {
            descriptor.close();
        }
        pool.close();
        kernel.close();
    }

    private Descriptor[] socketpair() {
        int[] fds = new int[2];
        assertThat(kernel.socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds))
                .isZero();
        return new Descriptor[] {new Descriptor(kernel, fds[0]), new Descriptor(kernel, fds[1])};
    }

    private Direction direction(TransferPath path) {
        return new Direction(
                kernel, pool, Endpoint.of(kernel, in[1]), Endpoint.of(kernel, out[0]), List.of(path), PIPE_BYTES);
    }

    /** A session that is cut off must not leave its buffer to the collector, which may not come for hours. */
    @Test
    void aDirectionThatIsClosedGivesItsBufferBack() {
        MemorySegment first = pool.buffers().borrow();
        pool.buffers().giveBack(first);
        try (Direction direction = direction(TransferPath.COPY)) {
            assertThat(direction.preload(random(100))).isEqualTo(100);
        }
        assertThat(pool.buffers().borrow()).isSameAs(first);
    }

    private MemorySegment random(int bytes) {
        byte[] data = new byte[bytes];
        new Random(bytes).nextBytes(data);
        return arena.allocateFrom(JAVA_BYTE, data);
    }

    private MemorySegment received(long bytes) {
        MemorySegment all = arena.allocate(bytes);
        for (long got = 0; got < bytes; ) {
            long count = kernel.read(out[1].fd(), all.asSlice(got));
            assertThat(count).isPositive();
            got += count;
        }
        return all;
    }

    /** Pitfall 39: who had to look at the first bytes before splicing passes them on so. */
    @ParameterizedTest
    @EnumSource(names = {"SPLICE", "COPY"})
    void whatIsPutInHandGoesOutFirstAndCountsAsCopied(TransferPath path) {
        try (Direction direction = direction(path)) {
            assertThat(kernel.write(in[0].fd(), random(200))).isEqualTo(200);
            assertThat(direction.preload(random(100))).isEqualTo(100);
            assertThat(direction.preload(random(100)))
                    .as("while something is in hand")
                    .isZero();
            assertThat(direction.step(Long.MAX_VALUE)).isEqualTo(Step.PROGRESS);
            assertThat(direction.step(Long.MAX_VALUE)).isEqualTo(Step.PROGRESS);

            assertThat(received(100).mismatch(random(100))).isEqualTo(-1);
            assertThat(received(200).mismatch(random(200))).isEqualTo(-1);
            assertThat(direction.taken()).isEqualTo(300);
            assertThat(direction.delivered().bytes(TransferPath.COPY)).isGreaterThanOrEqualTo(100);
        }
    }

    /** Pitfalls 23 and 39: whoever returns from splicing to copying gets what is in the pipe. */
    @ParameterizedTest
    @EnumSource(names = {"SPLICE", "COPY"})
    void whatTheSinkHasNoRoomForCanBeTakenBackInOrder(TransferPath path) {
        try (Direction direction = direction(path)) {
            MemorySegment data = random(4 << 20);
            long written = 0;
            Step step;
            do {
                long count = kernel.write(in[0].fd(), data.asSlice(written));
                written += Math.max(count, 0);
                step = direction.step(Long.MAX_VALUE);
            } while (step != Step.WAITS_FOR_SINK);
            long pending = direction.pending();
            assertThat(pending).isPositive();

            MemorySegment back = arena.allocate(pending);
            long some = direction.reclaim(back.asSlice(0, pending / 2));
            assertThat(some).isEqualTo(pending / 2);
            assertThat(direction.reclaim(back.asSlice(some))).isEqualTo(pending - some);
            assertThat(direction.pending()).isZero();
            long delivered = direction.delivered().bytes();
            assertThat(received(delivered).mismatch(data.asSlice(0, delivered))).isEqualTo(-1);
            assertThat(back.mismatch(data.asSlice(delivered, pending))).isEqualTo(-1);
        }
    }
}
