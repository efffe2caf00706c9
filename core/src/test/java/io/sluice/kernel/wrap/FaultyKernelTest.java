// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.wrap;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.EINTR;
import static io.sluice.kernel.Errno.EIO;
import static io.sluice.kernel.Errno.EMFILE;
import static io.sluice.kernel.Errno.ENOMEM;
import static io.sluice.kernel.Errno.ENOSYS;
import static io.sluice.kernel.Errno.EPERM;
import static io.sluice.kernel.Flags.AF_UNIX;
import static io.sluice.kernel.Flags.EFD_NONBLOCK;
import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static io.sluice.kernel.Flags.O_DIRECT;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.SOCK_DGRAM;
import static io.sluice.kernel.Flags.SOCK_STREAM;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.Offset;
import io.sluice.kernel.Snapshot;
import io.sluice.kernel.user.UserKernel;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Faults come as they are asked for, only where a kernel could have met them, and no call is made half. */
final class FaultyKernelTest {
    private final Kernel inner = UserKernel.builder().checking(true).build();
    private final Arena arena = Arena.ofShared();
    private final MemorySegment room = arena.allocate(40_000);

    @AfterEach
    void close() {
        Snapshot snapshot = inner.feature(Snapshot.class).orElseThrow();
        snapshot.descriptors().forEach(inner::close);
        assertThat(snapshot.pagesInUse()).isZero();
        inner.close();
        arena.close();
    }

    private static int[] pipe(Kernel kernel, int flags) {
        int[] fds = new int[2];
        assertThat(kernel.pipe2(fds, flags)).isZero();
        return fds;
    }

    private FaultyKernel always(int errno) {
        return FaultyKernel.builder(inner).often(errno, 1).build();
    }

    @Test
    void withoutAFaultItIsTheKernelInside() {
        FaultyKernel kernel = FaultyKernel.builder(inner).build();
        int[] pipe = pipe(kernel, 0);
        assertThat(kernel.write(pipe[1], room)).isEqualTo(40_000);
        assertThat(kernel.fionread(pipe[0])).isEqualTo(40_000);
        assertThat(kernel.calls()).isEqualTo(3);
        assertThat(kernel).hasToString("seed 0, 3 calls:");
    }

    @Test
    void aRefusedCallIsNotMade() {
        FaultyKernel kernel = always(EINTR);
        int[] pipe = pipe(kernel, 0);
        assertThat(kernel.write(pipe[1], room)).isEqualTo(-EINTR);
        assertThat(inner.fionread(pipe[0])).isZero();
        assertThat(kernel.injected(EINTR)).isEqualTo(1);
    }

    @Test
    void aCloseIsNeverRefused() {
        for (int errno : new int[] {EINTR, EAGAIN, ENOSYS, EPERM, ENOMEM, EMFILE}) {
            int fd = (int) inner.eventfd(0, 0);
            assertThat(always(errno).close(fd)).isZero();
        }
        assertThatThrownBy(() -> FaultyKernel.builder(inner).lacking("close", ENOSYS))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void onlyACallThatDoesNotSleepFindsNothingReady() {
        FaultyKernel kernel = always(EAGAIN);
        int[] sleeping = pipe(inner, 0);
        int[] other = pipe(inner, 0);
        int[] not = pipe(inner, O_NONBLOCK);
        inner.write(sleeping[1], room.asSlice(0, 10));
        assertThat(kernel.read(sleeping[0], room)).isEqualTo(10);
        assertThat(kernel.write(not[1], room)).isEqualTo(-EAGAIN);
        inner.write(sleeping[1], room.asSlice(0, 10));
        assertThat(kernel.tee(sleeping[0], other[1], 5, 0)).isEqualTo(5);
        assertThat(kernel.tee(sleeping[0], other[1], 5, SPLICE_F_NONBLOCK)).isEqualTo(-EAGAIN);
        assertThat(kernel.splice(sleeping[0], null, other[1], null, 5, 0)).isEqualTo(5);
        assertThat(kernel.splice(sleeping[0], null, other[1], null, 5, SPLICE_F_NONBLOCK))
                .isEqualTo(-EAGAIN);
        assertThat(kernel.vmsplice(not[1], List.of(room.asSlice(0, 1)), 0))
                .as("O_NONBLOCK is nothing to vmsplice [K06]")
                .isEqualTo(1);
        int file = (int) inner.memfdCreate("file", 0);
        assertThat(kernel.write(file, room)).isEqualTo(40_000);
    }

    @Test
    void onlyCallsThatAKernelMayLackAreMissing() {
        FaultyKernel kernel = always(ENOSYS);
        int file = (int) inner.memfdCreate("file", 0);
        int[] pipe = pipe(kernel, 0);
        assertThat(kernel.write(pipe[1], room.asSlice(0, 3))).isEqualTo(3);
        assertThat(kernel.splice(pipe[0], null, file, null, 3, 0)).isEqualTo(-ENOSYS);
        assertThat(kernel.copyFileRange(file, new Offset(0), file, new Offset(9), 1, 0))
                .isEqualTo(-ENOSYS);
        assertThat(kernel.memfdCreate("x", 0)).isEqualTo(-ENOSYS);
        assertThat(always(EPERM).sendfile(pipe[1], file, null, 1)).isEqualTo(-EPERM);
    }

    @Test
    void memoryAndNumbersRunOutWhereTheyAreNeeded() {
        assertThat(always(ENOMEM).pipe2(new int[2], 0)).isEqualTo(-ENOMEM);
        assertThat(always(EMFILE).dup(0)).isEqualTo(-EMFILE);
        MemorySegment[] mapped = new MemorySegment[1];
        assertThat(always(EMFILE).mmap(4096, false, mapped)).isZero();
        assertThat(inner.munmap(mapped[0])).isZero();
    }

    @Test
    void aLackedCallIsMissingEveryTimeAndFromTheCapabilities() {
        FaultyKernel kernel = FaultyKernel.builder(inner).lacking("tee", EPERM).build();
        int[] pipe = pipe(kernel, 0);
        int[] other = pipe(kernel, 0);
        for (int i = 0; i < 3; i++) {
            assertThat(kernel.tee(pipe[0], other[1], 1, 0)).isEqualTo(-EPERM);
        }
        assertThat(kernel.capabilities().tee().errno()).isEqualTo(EPERM);
        assertThat(kernel.capabilities().splice())
                .isEqualTo(inner.capabilities().splice());
        assertThat(kernel.injected(EPERM)).isEqualTo(3);
    }

    @Test
    void aShorterStreamLosesNothing() {
        FaultyKernel kernel = FaultyKernel.builder(inner)
                .seed(7)
                .shorter(1)
                .delays(0.3, Duration.ofNanos(1000))
                .build();
        int[] pipe = pipe(kernel, 0);
        int[] second = pipe(kernel, 0);
        inner.fcntl(pipe[1], F_SETPIPE_SZ, 1 << 20); // a slot for each piece, however short
        inner.fcntl(second[1], F_SETPIPE_SZ, 1 << 20);
        int[] pair = new int[2];
        inner.socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
        MemorySegment sent = arena.allocate(30_000);
        for (int i = 0; i < 30_000; i++) {
            sent.set(ValueLayout.JAVA_BYTE, i, (byte) (i * 31 + i / 251));
        }
        for (long done = 0; done < 30_000; ) {
            done += kernel.write(pipe[1], sent.asSlice(done));
        }
        for (long done = 0; done < 30_000; ) {
            done += kernel.splice(pipe[0], null, second[1], null, 30_000 - done, 0);
        }
        for (long done = 0; done < 30_000; ) {
            done += kernel.splice(second[0], null, pair[0], null, 30_000 - done, 0);
        }
        for (long done = 0; done < 30_000; ) {
            done += kernel.readv(
                    pair[1], List.of(room.asSlice(done, 0), room.asSlice(done, 1), room.asSlice(done + 1)));
        }
        assertThat(room.asSlice(0, 30_000).mismatch(sent)).isEqualTo(-1);
        assertThat(kernel.shortened()).isGreaterThan(20);
        assertThat(kernel.delayed()).isPositive();
    }

    @Test
    void whatIsWrittenAtOnceAndWhatIsAPacketIsNotCut() {
        FaultyKernel kernel = FaultyKernel.builder(inner).shorter(1).build();
        int[] packets = pipe(kernel, O_DIRECT);
        assertThat(kernel.write(packets[1], room.asSlice(0, 4096))).isEqualTo(4096);
        assertThat(kernel.read(packets[0], room)).isEqualTo(4096);
        int[] pair = new int[2];
        inner.socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
        assertThat(kernel.write(pair[0], room.asSlice(0, 1000))).isEqualTo(1000);
        assertThat(kernel.recv(pair[1], room, 0)).isEqualTo(1000);
        int counter = (int) kernel.eventfd(3, EFD_NONBLOCK);
        assertThat(kernel.read(counter, room.asSlice(0, 8))).isEqualTo(8);
    }

    @Test
    void aSeedTellsTheWholeStory() {
        assertThat(story(1)).isEqualTo(story(1)).isNotEqualTo(story(2));
    }

    private List<Long> story(long seed) {
        FaultyKernel kernel = FaultyKernel.builder(inner)
                .seed(seed)
                .often(EINTR, 0.2)
                .often(EAGAIN, 0.2)
                .shorter(0.5)
                .build();
        int[] pipe = pipe(kernel, O_NONBLOCK);
        List<Long> answers = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            answers.add(kernel.write(pipe[1], room.asSlice(0, 9000)));
            answers.add(kernel.read(pipe[0], room));
        }
        assertThat(answers).contains((long) -EINTR, (long) -EAGAIN);
        kernel.close(pipe[0]);
        kernel.close(pipe[1]);
        return answers;
    }

    @Test
    void eachCallInTurnCanBeTheOneThatFails() {
        List<Long> failures = new ArrayList<>();
        FaultyKernel kernel;
        int number = 0;
        do {
            number++;
            kernel = FaultyKernel.builder(inner).failing(number, EINTR).build();
            int[] pipe = pipe(kernel, 0);
            kernel.write(pipe[1], room.asSlice(0, 5));
            inner.write(pipe[1], room.asSlice(0, 1));
            kernel.read(pipe[0], room);
            kernel.close(pipe[0]);
            kernel.close(pipe[1]);
            failures.add(kernel.injected(EINTR));
        } while (number < kernel.calls());
        assertThat(failures).as("pipe2, write, read, close, close").containsExactly(0L, 1L, 1L, 0L, 0L);
    }

    @Test
    void aPlanDecidesByNameAndNumber() {
        FaultyKernel kernel = always(EINTR);
        kernel.follow((name, nth) -> name.equals("read") ? (Long) (nth == 2 ? 0L : -EIO) : null);
        int[] pipe = pipe(kernel, 0);
        assertThat(kernel.read(pipe[0], room)).isEqualTo(-EIO);
        assertThat(kernel.read(pipe[0], room)).isZero();
        kernel.followNone();
        assertThat(kernel.read(pipe[0], room)).isEqualTo(-EINTR);
        assertThat(kernel).hasToString("seed 0, 4 calls: EINTR 1, EIO 1, answered 1");
    }

    @Test
    void chanceTakesOnlyWhatItKnows() {
        assertThatThrownBy(() -> FaultyKernel.builder(inner).often(EIO, 0.1)).hasMessageContaining("EIO");
        assertThatThrownBy(() -> FaultyKernel.builder(inner).shorter(1.5)).hasMessageContaining("1.5");
    }
}
