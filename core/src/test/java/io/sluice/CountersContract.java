// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Errno;
import io.sluice.kernel.TransferPath;
import io.sluice.kernel.wrap.ForwardingKernel;
import io.sluice.testing.Pending;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What an instance tells of itself: counters and gauges. */
abstract class CountersContract extends SluiceFixture {
    @Test
    void atFirstNothingHasHappened() {
        assertThat(sluice.counters()).isEqualTo(new Counters(0, Map.of(), 0, 0, 0));
        assertThat(sluice.pipes()).isEqualTo(new PipeGauges(0, 0, 0, 0, 0));
    }

    @Test
    void bytesAreCountedByTheirPath() throws Exception {
        Pipe from = keep(sluice.pipe());
        Pipe to = keep(sluice.pipe());
        from.writer().write(text("abcde"));
        sluice.transfer(from.reader()).to(to.writer()).limit(3).run();
        sluice.transfer(from.reader())
                .to(to.writer())
                .limit(2)
                .path(TransferPath.COPY)
                .run();
        assertThat(sluice.counters())
                .isEqualTo(new Counters(2, Map.of(TransferPath.SPLICE, 3L, TransferPath.COPY, 2L), 0, 0, 0));
        assertThat(sluice.counters().bytes()).isEqualTo(5);
    }

    /** Pitfall 61. */
    @Test
    void bytesOfATransferUnderWayCount() throws Exception {
        Pipe from = keep(sluice.pipe());
        Pipe to = keep(sluice.pipe());
        try (Pending<TransferResult> moving = Pending.start(
                () -> sluice.transfer(from.reader()).to(to.writer()).run())) {
            from.writer().write(text("first"));
            assertThat(read(to.reader(), 5)).isEqualTo("first");
            moving.mustWait();
            assertThat(sluice.counters().bytes()).isEqualTo(5);
            assertThat(sluice.counters().transfers()).isZero();
            from.writer().close();
            assertThat(moving.value().bytes()).isEqualTo(5);
        }
        assertThat(sluice.counters().transfers()).isEqualTo(1);
    }

    @Test
    void aTransferThatFailsCountsToo() throws Exception {
        Pipe from = keep(sluice.pipe());
        Pipe to = keep(sluice.pipe());
        try (Pending<TransferResult> moving = Pending.start(
                () -> sluice.transfer(from.reader()).to(to.writer()).run())) {
            moving.mustWait();
            from.reader().close();
            assertThat(moving.failure()).isNotNull();
        }
        assertThat(sluice.counters().transfers()).isEqualTo(1);
    }

    @Test
    void aRefusedPathIsAFallback() throws Exception {
        Sluice restricted = keep(Sluice.on(new ForwardingKernel(kernel) {
            @Override
            protected long around(String name, LongSupplier call, @Nullable Object... arguments) {
                return name.equals("splice") ? -Errno.EINVAL : call.getAsLong();
            }
        }));
        Pipe from = keep(restricted.pipe());
        Pipe to = keep(restricted.pipe());
        from.writer().write(text("abc"));
        restricted.transfer(from.reader()).to(to.writer()).limit(3).run();
        assertThat(restricted.counters().fallbacks()).isEqualTo(1);
        assertThat(restricted.counters().bytesByPath()).isEqualTo(Map.of(TransferPath.COPY, 3L));
    }

    /** Pitfalls 54 and 55: over the limit bytes are copied. */
    @Test
    void withoutPipesBytesAreCopiedAndTheMissesCounted() throws Exception {
        Sluice poor = keep(Sluice.on(kernel, PipeLimits.DEFAULTS.withPipes(0)));
        Pipe from = keep(poor.pipe());
        FileEnd file = keep(poor.open(directory.resolve("f"), WRITE, CREATE));
        from.writer().write(text("abc"));
        assertThat(poor.transfer(from.reader()).to(file).limit(3).run().bytes()).isEqualTo(3);
        assertThat(poor.counters()).isEqualTo(new Counters(1, Map.of(TransferPath.COPY, 3L), 1, 1, 0));
        assertThat(poor.pipes()).isEqualTo(new PipeGauges(0, 0, 0, 1, 0));
    }

    @Test
    void aMirrorThatIsGivenUpIsCounted() throws Exception {
        Pipe from = keep(sluice.pipe());
        Pipe to = keep(sluice.pipe());
        Pipe mirror = keep(sluice.pipe());
        try (Pending<TransferResult> moving = Pending.start(() -> sluice.transfer(from.reader())
                .to(to.writer())
                .mirrorTo(mirror.writer(), WhenFull.DETACH)
                .pipeSize(4096)
                .queue(4096)
                .run())) {
            for (int i = 0; i < 64; i++) {
                from.writer().write(room(4096));
                assertThat(read(to.reader(), 4096)).hasSize(4096);
            }
            from.writer().close();
            assertThat(moving.value().mirrors().getFirst().fate()).isEqualTo(TransferResult.Fate.DETACHED);
        }
        assertThat(sluice.counters().branchesDetached()).isEqualTo(1);
    }

    @Test
    void aPipeIsBorrowedOnlyWhileBytesMove() throws Exception {
        Pipe from = keep(sluice.pipe());
        Pipe to = keep(sluice.pipe());
        try (Pending<TransferResult> moving = Pending.start(() ->
                sluice.transfer(from.reader()).to(to.writer()).pipeSize(65536).run())) {
            from.writer().write(text("some"));
            assertThat(read(to.reader(), 4)).isEqualTo("some");
            moving.mustWait();
            long pages = 65536 / kernel.capabilities().pageSizeBytes();
            assertThat(sluice.pipes()).isEqualTo(new PipeGauges(1, 0, 1, 0, pages));
            from.writer().close();
            assertThat(moving.value().bytes()).isEqualTo(4);
        }
    }
}
