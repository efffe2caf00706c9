// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static io.sluice.conformance.Rig.room;
import static io.sluice.kernel.Flags.EPOLLERR;
import static io.sluice.kernel.Flags.EPOLLET;
import static io.sluice.kernel.Flags.EPOLLHUP;
import static io.sluice.kernel.Flags.EPOLLIN;
import static io.sluice.kernel.Flags.EPOLLOUT;
import static io.sluice.kernel.Flags.EPOLL_CTL_ADD;
import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static io.sluice.kernel.Flags.O_RDONLY;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.conformance.Rig.PipeEnds;
import io.sluice.kernel.EpollEvents;
import java.util.List;

/** epoll on pipe ends, edge and level. */
class EpollTest {
    @OnEachKernel
    @Holds("N07")
    void everythingPutInIsANewEdgeEvenIfThePipeWasReadableAlready(Rig rig) {
        PipeEnds pipe = rig.pipe();
        PipeEnds source = rig.pipe();
        rig.write(source.w(), "abcdef");
        int file = rig.file("abc", O_RDONLY);
        int epoll = epoll(rig, pipe.r(), EPOLLIN | EPOLLET);
        assertThat(next(rig, epoll)).isZero();

        rig.write(pipe.w(), "x");
        assertOneEdge(rig, epoll, EPOLLIN);
        rig.write(pipe.w(), "y"); // merges, and is an edge all the same
        assertOneEdge(rig, epoll, EPOLLIN);
        assertThat(rig.kernel().splice(file, null, pipe.w(), null, 1, 0)).isEqualTo(1);
        assertOneEdge(rig, epoll, EPOLLIN);
        assertThat(rig.kernel().splice(source.r(), null, pipe.w(), null, 1, 0)).isEqualTo(1);
        assertOneEdge(rig, epoll, EPOLLIN);
        assertThat(rig.kernel().tee(source.r(), pipe.w(), 1, 0)).isEqualTo(1);
        assertOneEdge(rig, epoll, EPOLLIN);
        assertThat(rig.kernel().vmsplice(pipe.w(), List.of(rig.memory("z")), 0)).isEqualTo(1);
        assertOneEdge(rig, epoll, EPOLLIN);
    }

    @OnEachKernel
    @Holds("N07")
    void readingIsNoEdgeForInput(Rig rig) {
        PipeEnds pipe = rig.pipe();
        int epoll = epoll(rig, pipe.r(), EPOLLIN | EPOLLET);
        rig.write(pipe.w(), "abc");
        assertOneEdge(rig, epoll, EPOLLIN);

        assertThat(rig.kernel().read(pipe.r(), room(1))).isEqualTo(1);
        assertThat(next(rig, epoll)).isZero();
        assertThat(rig.kernel().read(pipe.r(), room(9))).isEqualTo(2);
        assertThat(next(rig, epoll)).isZero();
    }

    @OnEachKernel
    @Holds("N07")
    void theLastWritersCloseIsAnEdgeWithHangUp(Rig rig) {
        PipeEnds holding = rig.pipe();
        int epoll = epoll(rig, holding.r(), EPOLLIN | EPOLLET);
        rig.write(holding.w(), "abc");
        assertOneEdge(rig, epoll, EPOLLIN);
        rig.close(holding.w());
        assertOneEdge(rig, epoll, EPOLLIN | EPOLLHUP);

        PipeEnds empty = rig.pipe();
        int other = epoll(rig, empty.r(), EPOLLIN | EPOLLET);
        rig.close(empty.w());
        assertOneEdge(rig, other, EPOLLHUP);
    }

    @OnEachKernel
    @Holds("N08")
    void theFirstFreeSlotIsAnEdgeForOutputAPartialReadAndFurtherSlotsAreNone(Rig rig) {
        PipeEnds pipe = rig.pipe();
        assertThat(rig.kernel().fcntl(pipe.w(), F_SETPIPE_SZ, 3 * 4096)).isEqualTo(4 * 4096);
        int epoll = epoll(rig, pipe.w(), EPOLLOUT | EPOLLET);
        assertOneEdge(rig, epoll, EPOLLOUT); // writable from the start
        assertThat(rig.kernel().write(pipe.w(), room(4 * 4096))).isEqualTo(4 * 4096);
        assertThat(next(rig, epoll)).isZero();

        assertThat(rig.kernel().read(pipe.r(), room(4095))).isEqualTo(4095);
        assertThat(next(rig, epoll)).isZero();
        assertThat(rig.kernel().read(pipe.r(), room(1))).isEqualTo(1);
        assertOneEdge(rig, epoll, EPOLLOUT);
        assertThat(rig.kernel().read(pipe.r(), room(4096))).isEqualTo(4096);
        assertThat(next(rig, epoll)).isZero();

        rig.close(pipe.r());
        assertOneEdge(rig, epoll, EPOLLOUT | EPOLLERR);
    }

    @OnEachKernel
    @Holds("N08")
    void aSlotFreedBySpliceIsAnEdgeForOutput(Rig rig) {
        PipeEnds pipe = rig.pipe();
        PipeEnds other = rig.pipe();
        assertThat(rig.kernel().fcntl(pipe.w(), F_SETPIPE_SZ, 4096)).isEqualTo(4096);
        rig.write(pipe.w(), "ab");
        int epoll = epoll(rig, pipe.w(), EPOLLOUT | EPOLLET);
        assertThat(next(rig, epoll)).isZero();

        assertThat(rig.kernel().splice(pipe.r(), null, other.w(), null, 1, 0)).isEqualTo(1);
        assertThat(next(rig, epoll)).isZero();
        assertThat(rig.kernel().splice(pipe.r(), null, other.w(), null, 1, 0)).isEqualTo(1);
        assertOneEdge(rig, epoll, EPOLLOUT);
    }

    @OnEachKernel
    @Holds("N09")
    void levelTriggeredInputRepeatsWhileBytesRemain(Rig rig) {
        PipeEnds pipe = rig.pipe();
        int epoll = epoll(rig, pipe.r(), EPOLLIN);
        assertThat(next(rig, epoll)).isZero();
        rig.write(pipe.w(), "ab");
        assertThat(next(rig, epoll)).isEqualTo(EPOLLIN);
        assertThat(next(rig, epoll)).isEqualTo(EPOLLIN);
        assertThat(rig.kernel().read(pipe.r(), room(1))).isEqualTo(1);
        assertThat(next(rig, epoll)).isEqualTo(EPOLLIN);
        assertThat(rig.kernel().read(pipe.r(), room(1))).isEqualTo(1);
        assertThat(next(rig, epoll)).isZero();
    }

    @OnEachKernel
    @Holds("N09")
    void levelTriggeredHangUpRepeatsForGood(Rig rig) {
        PipeEnds pipe = rig.pipe();
        int epoll = epoll(rig, pipe.r(), 0);
        rig.close(pipe.w());
        assertThat(next(rig, epoll)).isEqualTo(EPOLLHUP);
        assertThat(next(rig, epoll)).isEqualTo(EPOLLHUP);
    }

    @OnEachKernel
    @Holds({"N06", "N07"})
    void aSleepingWaitIsWokenByTheEdge(Rig rig) {
        PipeEnds pipe = rig.pipe();
        PipeEnds source = rig.pipe();
        rig.write(source.w(), "abc");
        int epoll = epoll(rig, pipe.r(), EPOLLIN | EPOLLET);
        EpollEvents events = new EpollEvents(1);

        Pending wait =
                rig.start(() -> rig.kernel().epollWait(epoll, events, -1)).mustSleep();
        assertThat(rig.kernel().splice(source.r(), null, pipe.w(), null, 3, 0)).isEqualTo(3);

        assertThat(wait.answer()).isEqualTo(1);
        assertThat(events.events(0)).isEqualTo(EPOLLIN);
    }

    /** An epoll instance with one interest; the datum is the descriptor. */
    private static int epoll(Rig rig, int fd, int events) {
        int epoll = rig.keep(rig.kernel().epollCreate1(0));
        assertThat(rig.kernel().epollCtl(epoll, EPOLL_CTL_ADD, fd, events, fd)).isZero();
        return epoll;
    }

    private static void assertOneEdge(Rig rig, int epoll, int events) {
        assertThat(next(rig, epoll)).isEqualTo(events);
        assertThat(next(rig, epoll)).as("the same edge again").isZero();
    }

    /** The events that hold now; 0: none. */
    private static int next(Rig rig, int epoll) {
        EpollEvents events = new EpollEvents(4);
        long count = rig.kernel().epollWait(epoll, events, 0);
        assertThat(count).isBetween(0L, 1L);
        return count == 0 ? 0 : events.events(0);
    }
}
