// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EFAULT;
import static io.sluice.kernel.Errno.EINTR;
import static io.sluice.kernel.Flags.EPOLLET;
import static io.sluice.kernel.Flags.EPOLLIN;
import static io.sluice.kernel.Flags.EPOLLOUT;
import static io.sluice.kernel.Flags.EPOLLRDNORM;
import static io.sluice.kernel.Flags.EPOLLWRNORM;
import static io.sluice.kernel.Flags.EPOLL_CTL_ADD;
import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static io.sluice.kernel.Flags.O_DIRECT;
import static io.sluice.kernel.Flags.O_WRONLY;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.EpollEvents;
import io.sluice.kernel.user.Machine.Running;
import io.sluice.testing.NoLeaks;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Bytes that go from a writer straight to a reader that sleeps: seen by the page that they do not take. */
@NoLeaks
class HandoverTest {
    private static final String TWO_PAGES = "ab".repeat(Machine.PAGE);
    private static final String THREE_PAGES = "abc".repeat(Machine.PAGE);

    private final Machine m = new Machine(UserKernel.builder().pages(2));
    private final int[] pipe = m.pipe();

    /** Beside the machine's: what the calls of a pipe alone do, with one page. */
    private final Plumbing plumbing = new Plumbing(1);

    @AfterEach
    void close() {
        m.close();
        plumbing.close();
    }

    private static Running<Long> reader(Pipe of, int room) {
        Iov iov = new Iov().of(MemorySegment.ofArray(new byte[room]));
        return Machine.start(() -> of.read(iov, false)).asleep();
    }

    private static long write(Pipe to, int count) {
        return to.write(new Iov().of(MemorySegment.ofArray(new byte[count])), new PipeEnd(to, O_WRONLY));
    }

    private Running<String> reader(int room) {
        return Machine.start(() -> m.read(pipe[0], room)).asleep();
    }

    @Test
    void takesNoPageWhenAReaderSleepsWithRoom() throws Exception {
        assertThat(m.write(pipe[1], THREE_PAGES)).isEqualTo(2 * Machine.PAGE); // as many as there are
        assertThat(m.read(pipe[0], 3 * Machine.PAGE)).hasSize(2 * Machine.PAGE);
        Running<String> reader = reader(4 * Machine.PAGE);
        assertThat(m.write(pipe[1], THREE_PAGES)).isEqualTo(3 * Machine.PAGE);
        assertThat(reader.answer()).isEqualTo(THREE_PAGES);
        assertThat(m.slots(pipe[0])).isZero();
    }

    @Test
    void takesPagesWhenTheReaderHasTooLittleRoom() throws Exception {
        Running<String> reader = reader(3);
        assertThat(m.write(pipe[1], "abcdef")).isEqualTo(6);
        assertThat(reader.answer()).isEqualTo("abc");
        assertThat(m.read(pipe[0], 6)).isEqualTo("def");
    }

    @Test
    void takesPagesForWhatThePipeCouldNotHoldAtOnce() throws Exception {
        m.kernel.fcntl(pipe[1], F_SETPIPE_SZ, Machine.PAGE);
        Running<String> reader = reader(2 * Machine.PAGE);
        Running<Long> writer = Machine.start(() -> m.write(pipe[1], TWO_PAGES));
        assertThat(reader.answer()).hasSize(Machine.PAGE);
        assertThat(m.read(pipe[0], 2 * Machine.PAGE)).hasSize(Machine.PAGE);
        assertThat(writer.answer()).isEqualTo(2 * Machine.PAGE);
    }

    @Test
    void keepsPacketsApart() throws Exception {
        int[] packets = new int[2];
        assertThat(m.kernel.pipe2(packets, O_DIRECT)).isZero();
        Running<String> reader =
                Machine.start(() -> m.read(packets[0], 2 * Machine.PAGE)).asleep();
        Running<Long> writer = Machine.start(() -> m.write(packets[1], TWO_PAGES));
        assertThat(reader.answer()).hasSize(Machine.PAGE);
        assertThat(m.read(packets[0], 2 * Machine.PAGE)).hasSize(Machine.PAGE);
        assertThat(writer.answer()).isEqualTo(2 * Machine.PAGE);
    }

    @Test
    void servesReadersInTheirTurn() throws Exception {
        Running<String> first = reader(8);
        Running<String> second = reader(8);
        assertThat(m.write(pipe[1], "one")).isEqualTo(3);
        assertThat(m.write(pipe[1], "two")).isEqualTo(3);
        assertThat(first.answer() + second.answer()).isIn("onetwo", "twoone");
        Running<String> third = reader(8);
        assertThat(m.write(pipe[1], "three")).isEqualTo(5);
        assertThat(third.answer()).isEqualTo("three");
    }

    /** A reader that slept because the oldest bytes were on their way to the host once got the newest of all. */
    @Test
    void keepsBehindWhatThePipeHoldsWhileItsOldestBytesAreClaimed() throws Exception {
        Pipe claimed = plumbing.pipe();
        assertThat(Plumbing.write(claimed, "abcd", 0)).isEqualTo(4);
        claimed.lock();
        Claim claim = claimed.claimLocked(2);
        claimed.unlock();
        byte[] room = new byte[8];
        Running<Long> reader = Machine.start(() -> claimed.read(new Iov().of(MemorySegment.ofArray(room)), false))
                .asleep();
        assertThat(Plumbing.write(claimed, "ef", 0)).isEqualTo(2);
        claimed.endClaim(claim, 2);
        assertThat(reader.answer()).isEqualTo(4);
        assertThat(new String(room, 0, 4, US_ASCII)).isEqualTo("cdef");
    }

    @Test
    void leavesTheBytesInThePipeWhenTheReadersMemoryIsGone() throws Exception {
        Arena arena = Arena.ofShared();
        MemorySegment room = arena.allocate(8);
        Running<Long> reader = Machine.start(() -> m.kernel.read(pipe[0], room)).asleep();
        arena.close();
        assertThat(m.write(pipe[1], "kept")).isEqualTo(4);
        assertThat(reader.answer()).isEqualTo(-EFAULT);
        assertThat(m.read(pipe[0], 8)).isEqualTo("kept");
    }

    @Test
    void leavesMemoryThatItsThreadOwnsAloneToThatThread() throws Exception {
        Running<Byte> reader = Machine.start(() -> {
                    try (Arena own = Arena.ofConfined()) {
                        MemorySegment room = own.allocate(8);
                        assertThat(m.kernel.read(pipe[0], room)).isEqualTo(4);
                        return room.get(JAVA_BYTE, 3);
                    }
                })
                .asleep();
        assertThat(m.write(pipe[1], "mine")).isEqualTo(4);
        assertThat(reader.answer()).isEqualTo((byte) 'e');
    }

    @Test
    void leavesTheWritersFaultToTheWriter() throws Exception {
        Running<String> reader = reader(8);
        Arena arena = Arena.ofShared();
        MemorySegment gone = arena.allocate(4);
        arena.close();
        assertThat(m.kernel.write(pipe[1], gone)).isEqualTo(-EFAULT);
        assertThat(m.write(pipe[1], "next")).isEqualTo(4);
        assertThat(reader.answer()).isEqualTo("next");
    }

    @Test
    void takesNoPageForWhatFillsTheReadersRoomOrThePipe() throws Exception {
        Pipe small = plumbing.pipe();
        assertThat(small.resize(4 * Machine.PAGE)).isEqualTo(4 * Machine.PAGE);
        Running<Long> exact = reader(small, 3 * Machine.PAGE);
        assertThat(write(small, 3 * Machine.PAGE)).isEqualTo(3 * Machine.PAGE);
        assertThat(exact.answer()).isEqualTo(3 * Machine.PAGE);
        Running<Long> roomy = reader(small, 9 * Machine.PAGE);
        assertThat(write(small, 4 * Machine.PAGE)).isEqualTo(4 * Machine.PAGE);
        assertThat(roomy.answer()).isEqualTo(4 * Machine.PAGE);
    }

    @Test
    void takesPagesForMoreThanShouldHoldTheLock() throws Exception {
        Pipe large = plumbing.pipe();
        assertThat(large.resize(32 * Machine.PAGE)).isEqualTo(32 * Machine.PAGE);
        Running<Long> most = reader(large, 17 * Machine.PAGE);
        assertThat(write(large, 16 * Machine.PAGE)).isEqualTo(16 * Machine.PAGE);
        assertThat(most.answer()).isEqualTo(16 * Machine.PAGE);
        Running<Long> more = reader(large, 17 * Machine.PAGE);
        assertThat(write(large, 16 * Machine.PAGE + 1)).isPositive();
        assertThat(more.answer()).as("the page there is").isEqualTo(Machine.PAGE);
    }

    @Test
    void tellsThoseWhoWatchWhatTheBytesWouldHaveDone() throws Exception {
        Pipe watched = plumbing.pipe();
        List<Integer> readSide = plumbing.heardByReaders(watched);
        List<Integer> writeSide = plumbing.heardByWriters(watched);
        Running<Long> first = reader(watched, 16 * Machine.PAGE);
        assertThat(write(watched, 15 * Machine.PAGE)).isEqualTo(15 * Machine.PAGE);
        assertThat(first.answer()).isEqualTo(15 * Machine.PAGE);
        assertThat(readSide).containsExactly(EPOLLIN | EPOLLRDNORM);
        assertThat(writeSide).as("a slot was free all the time").isEmpty();
        Running<Long> second = reader(watched, 16 * Machine.PAGE);
        assertThat(write(watched, 15 * Machine.PAGE + 1)).isEqualTo(15 * Machine.PAGE + 1);
        assertThat(second.answer()).isEqualTo(15 * Machine.PAGE + 1);
        assertThat(readSide).hasSize(2);
        assertThat(writeSide).containsExactly(EPOLLOUT | EPOLLWRNORM);
    }

    @Test
    void canBeSeenToBePossibleWhileAReaderSleepsWithRoom() throws Exception {
        Pipe offered = plumbing.pipe();
        assertThat(offered.looksOffered()).isFalse();
        Running<Long> reader = reader(offered, 8);
        assertThat(offered.looksOffered()).isTrue();
        assertThat(write(offered, 8)).isEqualTo(8);
        assertThat(reader.answer()).isEqualTo(8);
        assertThat(offered.looksOffered()).isFalse();
    }

    @Test
    void looksOnNoLongerThanAReaderTakesWhenThereIsNone() {
        for (int i = 0; i < 50; i++) { // the first looks may well be late: code that is not compiled yet
            Pipe unread = plumbing.pipe();
            assertThat(write(unread, 8 * Machine.PAGE)).as("the page there is").isEqualTo(Machine.PAGE);
            plumbing.take(unread, Machine.PAGE);
        }
    }

    @Test
    void isNewsForThoseWhoWatch() throws Exception {
        int epoll = (int) m.kernel.epollCreate1(0);
        assertThat(m.kernel.epollCtl(epoll, EPOLL_CTL_ADD, pipe[0], EPOLLIN | EPOLLET, 7))
                .isZero();
        EpollEvents events = new EpollEvents(1);
        Running<String> reader = reader(8);
        assertThat(m.write(pipe[1], "seen")).isEqualTo(4);
        assertThat(reader.answer()).isEqualTo("seen");
        assertThat(m.kernel.epollWait(epoll, events, 0)).isZero(); // and looks for itself: nothing is there any more
        Running<Long> watcher =
                Machine.start(() -> m.kernel.epollWait(epoll, events, -1)).asleep();
        assertThat(m.write(pipe[1], "more")).isEqualTo(4);
        assertThat(watcher.answer()).isEqualTo(1);
        assertThat(m.read(pipe[0], 8)).isEqualTo("more");
    }

    @Test
    void anInterruptedReaderGetsNothingAndNothingIsLost() throws Exception {
        Running<Long> reader = Machine.start(
                        () -> m.kernel.read(pipe[0], Arena.global().allocate(8)))
                .asleep();
        reader.thread().interrupt();
        assertThat(reader.answer()).isEqualTo(-EINTR);
        assertThat(m.write(pipe[1], "later")).isEqualTo(5);
        assertThat(m.read(pipe[0], 8)).isEqualTo("later");
    }
}
