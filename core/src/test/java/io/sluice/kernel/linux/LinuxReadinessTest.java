// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.linux;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.EBADF;
import static io.sluice.kernel.Errno.EEXIST;
import static io.sluice.kernel.Errno.ENOENT;
import static io.sluice.kernel.Errno.EPERM;
import static io.sluice.kernel.Flags.*;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.EpollEvents;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

/** poll, epoll and eventfd against the kernel of this machine. */
final class LinuxReadinessTest extends OnLinux {

    @Test
    void pollAnswersTheEventsThatHold() {
        int[] pipe = pipe(0);
        assertThat(kernel.poll(pipe[0], POLLIN, 0)).isZero();
        assertThat(kernel.poll(pipe[1], POLLOUT | POLLWRNORM, 0)).isEqualTo(POLLOUT | POLLWRNORM);
        ok(kernel.write(pipe[1], text("x")));
        assertThat(kernel.poll(pipe[0], POLLIN, -1)).isEqualTo(POLLIN);
        ok(kernel.close(opened(kernel.dup(pipe[0]))));
        assertThat(kernel.poll(9999, POLLIN, -1)).isEqualTo(POLLNVAL);
        assertThat(kernel.poll(-1, POLLIN, 1)).isZero();
    }

    @Test
    void pollSeesTheOtherEndGo() {
        int[] pair = new int[2];
        ok(kernel.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
        opened(pair[0]);
        ok(kernel.close(pair[1]));
        assertThat(kernel.poll(pair[0], POLLIN | POLLRDHUP, -1)).isEqualTo(POLLIN | POLLHUP | POLLRDHUP);
    }

    @Test
    void pollWaitsAsLongAsItIsTold() {
        int[] pipe = pipe(0);
        long start = System.nanoTime();
        assertThat(kernel.poll(pipe[0], POLLIN, 1_030)).isZero();
        assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(1_030_000_000L);
    }

    @Test
    void epollGivesTheDatumBack() {
        int epoll = opened(kernel.epollCreate1(EPOLL_CLOEXEC));
        assertThat(kernel.fcntl(epoll, F_GETFD, 0)).isEqualTo(FD_CLOEXEC);
        int[] first = pipe(0);
        int[] second = pipe(0);
        assertThat(kernel.epollCtl(epoll, EPOLL_CTL_ADD, first[0], EPOLLIN, Long.MIN_VALUE + 1))
                .isZero();
        assertThat(kernel.epollCtl(epoll, EPOLL_CTL_ADD, first[0], EPOLLIN, 1)).isEqualTo(-EEXIST);
        assertThat(kernel.epollCtl(epoll, EPOLL_CTL_ADD, second[0], EPOLLIN, 0x0123_4567_89ab_cdefL))
                .isZero();
        EpollEvents events = new EpollEvents(8);
        assertThat(kernel.epollWait(epoll, events, 0)).isZero();

        ok(kernel.write(first[1], text("x")));
        ok(kernel.write(second[1], text("x")));
        assertThat(kernel.epollWait(epoll, events, -1)).isEqualTo(2);
        assertThat(events.events(0)).isEqualTo(EPOLLIN);
        assertThat(events.events(1)).isEqualTo(EPOLLIN);
        assertThat(new long[] {events.data(0), events.data(1)})
                .containsExactlyInAnyOrder(Long.MIN_VALUE + 1, 0x0123_4567_89ab_cdefL);

        assertThat(kernel.epollCtl(epoll, EPOLL_CTL_MOD, first[0], EPOLLIN | EPOLLET | EPOLLONESHOT, 5))
                .isZero();
        assertThat(kernel.epollCtl(epoll, EPOLL_CTL_DEL, second[0], 0, 0)).isZero();
        assertThat(kernel.epollWait(epoll, events, -1)).isEqualTo(1);
        assertThat(events.data(0)).isEqualTo(5);
        assertThat(kernel.epollWait(epoll, events, 0)).isZero();
        assertThat(kernel.epollCtl(epoll, EPOLL_CTL_DEL, second[0], 0, 0)).isEqualTo(-ENOENT);
    }

    @Test
    void epollWaitFillsTheWholeRoomAndNoMore() {
        int epoll = opened(kernel.epollCreate1(EPOLL_CLOEXEC));
        int many = 700; // more than fit in the memory that every call has
        for (int i = 0; i < many; i++) {
            int event = opened(kernel.eventfd(1, EFD_CLOEXEC));
            ok(kernel.epollCtl(epoll, EPOLL_CTL_ADD, event, EPOLLIN, i));
        }
        EpollEvents few = new EpollEvents(3);
        assertThat(kernel.epollWait(epoll, few, 0)).isEqualTo(3);
        EpollEvents room = new EpollEvents(1000);
        assertThat(kernel.epollWait(epoll, room, 0)).isEqualTo(many);
        var seen = new java.util.TreeSet<Long>();
        for (int i = 0; i < many; i++) {
            assertThat(room.events(i)).isEqualTo(EPOLLIN);
            seen.add(room.data(i));
        }
        assertThat(seen).hasSize(many).contains(0L, many - 1L);
    }

    @Test
    void epollRefusesWhatCannotWait() {
        int epoll = opened(kernel.epollCreate1(EPOLL_CLOEXEC));
        int file = opened(kernel.open("/proc/self/exe", O_RDONLY | O_CLOEXEC, 0));
        assertThat(kernel.epollCtl(epoll, EPOLL_CTL_ADD, file, EPOLLIN, 0)).isEqualTo(-EPERM);
        assertThat(kernel.epollWait(-1, new EpollEvents(1), 0)).isEqualTo(-EBADF);
    }

    @Test
    void anEventCounterCounts() {
        int counter = opened(kernel.eventfd(3, EFD_CLOEXEC | EFD_NONBLOCK));
        MemorySegment eight = arena.allocate(ValueLayout.JAVA_LONG);
        eight.set(ValueLayout.JAVA_LONG, 0, 4);
        assertThat(kernel.write(counter, eight)).isEqualTo(8);
        assertThat(kernel.read(counter, eight)).isEqualTo(8);
        assertThat(eight.get(ValueLayout.JAVA_LONG, 0)).isEqualTo(7);
        assertThat(kernel.read(counter, eight)).isEqualTo(-EAGAIN);
    }
}
