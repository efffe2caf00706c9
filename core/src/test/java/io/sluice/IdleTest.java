// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.EPOLLIN;
import static io.sluice.kernel.Flags.EPOLL_CTL_ADD;
import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.POLLIN;
import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.EpollEvents;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;
import io.sluice.kernel.user.UserKernels;
import io.sluice.testing.NeedsLinux;
import io.sluice.testing.NoLeaks;
import io.sluice.testing.Pending;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Where nothing happens, nobody wakes: neither kernel and neither's poller has a clock of its own. */
@NoLeaks
class IdleTest {
    /** The time in which nothing may happen, on both kernels at once. */
    private static final int SECONDS = 10;

    /** To be closed in the reverse order of opening. */
    private final Deque<AutoCloseable> opened = new ArrayDeque<>();

    private final List<Pending<?>> waits = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        while (!opened.isEmpty()) {
            opened.pop().close();
        }
    }

    private <T extends AutoCloseable> T keep(T one) {
        opened.push(one);
        return one;
    }

    /** Counted by Linux: how often each thread that sleeps in a call, or serves a poller, has gone to sleep. */
    @Test
    @NeedsLinux
    void neitherKernelAndNeitherPollerWakesAnybodyInTenSeconds() throws Exception {
        Kernel linux = keep(new LinuxKernel());
        Kernel user = keep(UserKernels.inMemory());
        waitOnEnds("linux", linux);
        waitOnEnds("user", user);
        waitInCalls("user", user);
        awaitSleep();

        Map<String, Long> before = sleeps();
        assertThat(before.keySet().stream().map(thread -> thread.replaceAll("\\s.*", "")))
                .contains("idle-linux-end", "idle-user-end", "idle-user-read", "idle-user-poll", "idle-user-epoll")
                .filteredOn(name -> name.startsWith("sluice-"))
                .as("what the pollers have for virtual threads")
                .hasSizeGreaterThanOrEqualTo(2);
        TimeUnit.SECONDS.sleep(SECONDS);
        assertThat(sleeps()).isEqualTo(before);
        assertThat(waits).noneMatch(Pending::isDone);
    }

    /** A platform thread, which serves the poller itself, and at another poller a virtual one, which has it served. */
    private void waitOnEnds(String name, Kernel kernel) throws IOException {
        Pipe first = keep(keep(Sluice.on(kernel)).pipe());
        Pipe second = keep(keep(Sluice.on(kernel)).pipe());
        idle("idle-" + name + "-end", () -> first.reader().read(room()));
        waits.add(keep(Pending.start(Pending.Kind.VIRTUAL, () -> second.reader().read(room())))
                .mustWait());
    }

    private void waitInCalls(String name, Kernel kernel) {
        int[] pipe = new int[2];
        assertThat(kernel.pipe2(pipe, O_CLOEXEC)).isZero();
        int epoll = (int) kernel.epollCreate1(0);
        for (int fd : new int[] {pipe[0], pipe[1], epoll}) {
            keep(() -> kernel.close(fd));
        }
        kernel.epollCtl(epoll, EPOLL_CTL_ADD, pipe[0], EPOLLIN, 1);
        idle("idle-" + name + "-read", () -> kernel.read(pipe[0], room()));
        idle("idle-" + name + "-poll", () -> kernel.poll(pipe[0], POLLIN, -1));
        idle("idle-" + name + "-epoll", () -> kernel.epollWait(epoll, new EpollEvents(1), -1));
    }

    private void idle(String name, Callable<?> call) {
        Pending<Object> one = keep(Pending.start(() -> {
            Thread.currentThread().setName(name); // Linux keeps 15 characters of it
            return call.call();
        }));
        waits.add(one.mustWait());
    }

    private static MemorySegment room() {
        return Arena.ofAuto().allocate(1);
    }

    /** Who is about to sleep has not gone to sleep yet. */
    private static void awaitSleep() throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
        while (!states().stream().allMatch(state -> state.startsWith("S"))) {
            assertThat(System.nanoTime()).as("states %s", states()).isLessThan(deadline);
            TimeUnit.MILLISECONDS.sleep(1);
        }
    }

    private static List<String> states() throws IOException {
        try (Stream<Path> tasks = Files.list(Path.of("/proc/self/task"))) {
            return ours(tasks).map(status -> status.get("State")).toList();
        }
    }

    private static Stream<Map<String, String>> ours(Stream<Path> tasks) {
        return tasks.map(IdleTest::status).filter(status -> status.get("Name").matches("(idle|sluice)-.*"));
    }

    /** Voluntary context switches by thread, of those that are named after us. */
    private static Map<String, Long> sleeps() throws IOException {
        try (Stream<Path> tasks = Files.list(Path.of("/proc/self/task"))) {
            return ours(tasks)
                    .collect(toMap(
                            status -> status.get("Name") + " " + status.get("Pid"),
                            status -> Long.parseLong(status.get("voluntary_ctxt_switches"))));
        }
    }

    private static Map<String, String> status(Path task) {
        try (Stream<String> lines = Files.lines(task.resolve("status"))) {
            return lines.map(line -> line.split(":\\s+", 2))
                    .filter(field -> field.length == 2)
                    .collect(toMap(field -> field[0], field -> field[1]));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
