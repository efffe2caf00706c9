// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EBADF;
import static io.sluice.kernel.Errno.EFAULT;
import static io.sluice.kernel.Errno.EMFILE;
import static io.sluice.kernel.Errno.ENOMEM;
import static io.sluice.kernel.Errno.EPERM;
import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.kernel.ReleaseNotices;
import io.sluice.kernel.Snapshot;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What the user-space kernel promises beyond the calls: memory, limits, notices, its end. */
class UserKernelTest {
    private static final int PAGE = 4096;

    private static int[] pipe(UserKernel kernel) {
        int[] ends = new int[2];
        assertThat(kernel.pipe2(ends, O_NONBLOCK)).isZero();
        return ends;
    }

    private static Snapshot snapshot(UserKernel kernel) {
        return kernel.feature(Snapshot.class).orElseThrow();
    }

    @Test
    void aHeapSegmentsPagesCountFromItsStart() {
        try (UserKernel kernel = UserKernel.builder().checking(true).build()) {
            int[] pipe = pipe(kernel);
            MemorySegment heap = MemorySegment.ofArray(new byte[2 * PAGE + 1]).asSlice(1);
            assertThat(kernel.vmsplice(pipe[1], List.of(heap), 0)).isEqualTo(2 * PAGE);
            assertThat(snapshot(kernel).pipe(pipe[0]).orElseThrow().slots()).hasSize(2);
        }
    }

    @Test
    void confinedMemoryIsNotTakenByReference() {
        try (UserKernel kernel = UserKernel.builder().build();
                Arena confined = Arena.ofConfined()) {
            int[] pipe = pipe(kernel);
            MemorySegment memory = confined.allocate(PAGE);
            assertThat(kernel.vmsplice(pipe[1], List.of(memory), 0)).isEqualTo(-EFAULT);
            assertThat(kernel.write(pipe[1], memory)).as("copying does no harm").isEqualTo(PAGE);
        }
    }

    @Test
    void memoryWhoseArenaWasClosedIsAFaultWhenItIsReadAndGoneWhenThePipeIs() {
        try (UserKernel kernel = UserKernel.builder().checking(true).build()) {
            int[] pipe = pipe(kernel);
            try (Arena arena = Arena.ofShared()) {
                assertThat(kernel.vmsplice(pipe[1], List.of(arena.allocate(10)), 0))
                        .isEqualTo(10);
            }
            assertThat(kernel.read(pipe[0], Arena.ofAuto().allocate(20))).isEqualTo(-EFAULT);
            assertThat(kernel.fionread(pipe[0])).as("nothing is consumed").isEqualTo(10);
            assertThat(kernel.close(pipe[0])).isZero();
            assertThat(kernel.close(pipe[1])).isZero();
            assertThat(snapshot(kernel).pagesInUse()).isZero();
        }
    }

    @Test
    void aPipeKeepsTheBytesOfMemoryThatWasUnmapped() {
        try (UserKernel kernel = UserKernel.builder().checking(true).build()) {
            int[] pipe = pipe(kernel);
            MemorySegment[] mapped = new MemorySegment[1];
            assertThat(kernel.mmap(PAGE, false, mapped)).isZero();
            mapped[0].fill((byte) 'a');
            assertThat(kernel.vmsplice(pipe[1], List.of(mapped[0]), 0)).isEqualTo(PAGE);
            assertThat(kernel.munmap(mapped[0])).isZero();
            assertThatThrownBy(() -> mapped[0].get(JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
            MemorySegment room = Arena.ofAuto().allocate(PAGE);
            assertThat(kernel.read(pipe[0], room)).isEqualTo(PAGE);
            assertThat(room.get(JAVA_BYTE, PAGE - 1)).isEqualTo((byte) 'a');
            assertThat(snapshot(kernel).pagesInUse()).isZero();
        }
    }

    @Test
    void whenThePageBudgetIsUsedUpTheAnswerIsEnomem() {
        try (UserKernel kernel = UserKernel.builder().pages(3).build()) {
            int[] pipe = pipe(kernel);
            MemorySegment four = Arena.ofAuto().allocate(4 * PAGE);
            assertThat(kernel.write(pipe[1], four)).as("what fits").isEqualTo(3 * PAGE);
            assertThat(kernel.write(pipe[1], four)).isEqualTo(-ENOMEM);
            assertThat(kernel.mmap(PAGE, false, new MemorySegment[1])).isEqualTo(-ENOMEM);
            assertThat(kernel.read(pipe[0], four)).isEqualTo(3 * PAGE);
            assertThat(kernel.write(pipe[1], four)).as("they came back").isEqualTo(3 * PAGE);
        }
    }

    @Test
    void descriptorsAndPipesHaveTheirLimits() {
        try (UserKernel kernel = UserKernel.builder()
                .descriptors(3)
                .pipeMaxSize(8 * PAGE)
                .pipeUserPagesSoft(20)
                .build()) {
            int[] pipe = pipe(kernel);
            assertThat(kernel.pipe2(new int[2], 0)).isEqualTo(-EMFILE);
            assertThat(kernel.dup(pipe[0])).as("one number was left").isEqualTo(2);
            assertThat(kernel.fcntl(pipe[0], F_SETPIPE_SZ, 16 * PAGE)).isEqualTo(16 * PAGE);
            assertThat(kernel.fcntl(pipe[0], F_SETPIPE_SZ, 17 * PAGE)).isEqualTo(-EPERM);
        }
    }

    @Test
    void aReleaseNoticeComesOnceWhenTheLastReferenceIsGone() throws InterruptedException {
        AtomicInteger notices = new AtomicInteger();
        CountDownLatch noticed = new CountDownLatch(1);
        try (UserKernel kernel = UserKernel.builder().build()) {
            int[] from = pipe(kernel);
            int[] to = pipe(kernel);
            MemorySegment memory = Arena.ofAuto().allocate(2 * PAGE, PAGE);
            assertThat(kernel.feature(ReleaseNotices.class).orElseThrow().vmsplice(from[1], List.of(memory), 0, () -> {
                        notices.incrementAndGet();
                        noticed.countDown();
                    }))
                    .isEqualTo(2 * PAGE);
            assertThat(kernel.tee(from[0], to[1], PAGE, 0)).isEqualTo(PAGE);
            assertThat(kernel.read(from[0], Arena.ofAuto().allocate(2 * PAGE))).isEqualTo(2 * PAGE);
            assertThat(notices).as("the other pipe still refers to it").hasValue(0);
            assertThat(kernel.close(to[0])).isZero();
            assertThat(kernel.close(to[1])).isZero();
            assertThat(noticed.await(10, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(notices).hasValue(1);
    }

    @Test
    void oneNoticeCoversAllSegmentsOfItsCall() {
        AtomicInteger notices = new AtomicInteger();
        try (UserKernel kernel = UserKernel.builder().build()) {
            int[] pipe = pipe(kernel);
            List<MemorySegment> three = List.of(
                    Arena.ofAuto().allocate(10),
                    Arena.ofAuto().allocate(10),
                    Arena.ofAuto().allocate(10));
            assertThat(kernel.feature(ReleaseNotices.class)
                            .orElseThrow()
                            .vmsplice(pipe[1], three, 0, notices::incrementAndGet))
                    .isEqualTo(30);
            assertThat(kernel.read(pipe[0], Arena.ofAuto().allocate(10))).isEqualTo(10);
            assertThat(notices).hasValue(0);
        }
        assertThat(notices).as("the end of the kernel releases what is left").hasValue(1);
    }

    @Test
    void theEndOfTheKernelEndsSleepingCalls() throws Exception {
        CompletableFuture<Long> answer = new CompletableFuture<>();
        UserKernel kernel = UserKernel.builder().build();
        int[] ends = new int[2];
        assertThat(kernel.pipe2(ends, 0)).isZero();
        Thread reader = Thread.ofVirtual()
                .start(() -> answer.complete(kernel.read(ends[0], Arena.ofAuto().allocate(1))));
        while (reader.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        kernel.close();
        assertThat(answer.get(10, TimeUnit.SECONDS)).isEqualTo(-EBADF);
        assertThat(kernel.pipe2(ends, 0)).as("nothing can be opened any more").isEqualTo(-EMFILE);
    }

    @Test
    void aPipeCanBeDrawn() {
        try (UserKernel kernel = UserKernel.builder().build()) {
            int[] pipe = pipe(kernel);
            assertThat(kernel.fcntl(pipe[0], F_SETPIPE_SZ, 4 * PAGE)).isEqualTo(4 * PAGE);
            assertThat(kernel.write(pipe[1], MemorySegment.ofArray(new byte[] {1, 2, 3})))
                    .isEqualTo(3);
            assertThat(snapshot(kernel).pipe(pipe[1]).orElseThrow().drawing())
                    .contains("1 of 4 slots, 3 bytes, 1 writer, 1 reader", "[ ][ ][ ][m]", "0+3", "mergeable");
        }
    }
}
