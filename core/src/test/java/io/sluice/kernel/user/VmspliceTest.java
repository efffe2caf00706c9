// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.EFAULT;
import static io.sluice.kernel.Errno.EPIPE;
import static io.sluice.kernel.Flags.EPOLLIN;
import static io.sluice.kernel.Flags.EPOLLOUT;
import static io.sluice.kernel.Flags.EPOLLRDNORM;
import static io.sluice.kernel.Flags.EPOLLWRNORM;
import static io.sluice.kernel.Flags.SPLICE_F_GIFT;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;
import static io.sluice.kernel.user.Machine.PAGE;
import static io.sluice.kernel.user.Machine.bytes;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.user.Machine.Running;
import io.sluice.testing.NoLeaks;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** vmsplice on a pipe itself: which slots memory becomes, who hears of it, and when it is given back. */
@NoLeaks
class VmspliceTest {
    private final Plumbing plumbing = new Plumbing();
    private final UserMemory memory = new UserMemory(plumbing.resources);
    private final Pipe pipe = plumbing.pipe();
    private final Ring ring = pipe.ring;
    private final Arena arena = Arena.ofShared();
    private final AtomicInteger notices = new AtomicInteger();

    @AfterEach
    void close() {
        ring.clear();
        memory.close();
        plumbing.close();
        arena.close();
    }

    private long put(List<MemorySegment> iov, int flags, @Nullable Runnable released) {
        return Vmsplice.toPipe(pipe, memory, iov, flags, released);
    }

    private long put(MemorySegment... iov) {
        return put(List.of(iov), 0, null);
    }

    private MemorySegment aligned(long length) {
        return arena.allocate(length, PAGE);
    }

    private MemorySegment mapped(long length) {
        MemorySegment[] out = new MemorySegment[1];
        assertThat(memory.map(length, false, out)).isZero();
        return out[0];
    }

    private static MemorySegment closed() {
        try (Arena gone = Arena.ofShared()) {
            return gone.allocate(8);
        }
    }

    private long take(MemorySegment... iov) {
        return Vmsplice.fromPipe(pipe, new Iov().of(List.of(iov)), 0);
    }

    private static String text(MemorySegment segment) {
        return new String(segment.toArray(JAVA_BYTE), US_ASCII);
    }

    @Test
    void makesOneSlotOfEachPageThatASegmentTouches() {
        MemorySegment pages = aligned(4 * PAGE);
        assertThat(put(pages.asSlice(0, 2 * PAGE))).isEqualTo(2 * PAGE);
        assertThat(ring.size()).isEqualTo(2);
        assertThat(put(pages.asSlice(1, PAGE))).isEqualTo(PAGE);
        assertThat(ring.size()).isEqualTo(4);
        assertThat(ring.length(2)).isEqualTo(PAGE - 1);
        assertThat(ring.length(3)).isEqualTo(1);
        assertThat(put(pages.asSlice(PAGE - 1, 1), pages.asSlice(PAGE, 1))).isEqualTo(2);
        assertThat(ring.size()).isEqualTo(6);
        assertThat(ring.marks(0)).isZero();
    }

    @Test
    void takesWhatFitsAndNoSlotMore() {
        MemorySegment pages = aligned(20 * PAGE).asSlice(100);
        assertThat(put(aligned(10 * PAGE))).isEqualTo(10 * PAGE);
        assertThat(put(pages, pages)).isEqualTo(6 * PAGE - 100);
        assertThat(ring.isFull()).isTrue();
        assertThat(ring.length(15)).isEqualTo(PAGE);
    }

    @Test
    void passesOverSegmentsWithoutBytesWhateverTheirAddress() {
        assertThat(put(MemorySegment.NULL, bytes("ab"), MemorySegment.NULL, bytes("c")))
                .isEqualTo(3);
        assertThat(ring.size()).isEqualTo(2);
        assertThat(put(List.of(MemorySegment.NULL), 0, notices::incrementAndGet))
                .isZero();
        assertThat(notices).as("it took nothing").hasValue(0);
    }

    @Test
    void refersToWhatIsMappedByItsMappingAndToTheRestAsLent() {
        MemorySegment mapped = mapped(2 * PAGE);
        assertThat(put(mapped.asSlice(PAGE + 5, 10), bytes("lent"))).isEqualTo(14);
        assertThat(ring.memory(0)).hasToString("mapping of 2 pages");
        assertThat(ring.start(0)).isEqualTo(PAGE + 5);
        assertThat(ring.memory(0).references()).isEqualTo(2);
        assertThat(ring.memory(1)).hasToString("lent memory of 4 bytes");
        assertThat(ring.start(1)).isZero();
        assertThat(ring.memory(1).references()).as("the slot's alone").isEqualTo(1);
        assertThat(put(List.of(mapped), 0, notices::incrementAndGet)).isEqualTo(2 * PAGE);
        assertThat(ring.memory(2)).as("its release will be told").hasToString("lent memory of 8192 bytes");
        assertThat(ring.memory(2).references()).isEqualTo(2);
    }

    @Test
    void tellsOnceThatAllMemoryOfACallIsReleased() {
        assertThat(put(List.of(bytes("ab"), bytes("c")), 0, notices::incrementAndGet))
                .isEqualTo(3);
        MemorySegment room = arena.allocate(2);
        assertThat(take(room)).isEqualTo(2);
        assertThat(notices).hasValue(0);
        assertThat(take(room)).isEqualTo(1);
        assertThat(notices).hasValue(1);
    }

    @Test
    void tellsNothingOfACallThatTookNothing() {
        assertThat(put(List.of(closed()), 0, notices::incrementAndGet)).isEqualTo(-EFAULT);
        assertThat(notices).hasValue(0);
    }

    @Test
    void stopsAtMemoryThatCannotBeReached() {
        assertThat(put(closed())).isEqualTo(-EFAULT);
        assertThat(put(bytes("ab"), closed(), bytes("cd"))).isEqualTo(2);
        try (Arena own = Arena.ofConfined()) {
            assertThat(put(own.allocate(8))).as("no reader could reach it").isEqualTo(-EFAULT);
            assertThat(put(bytes("c"), own.allocate(8))).isEqualTo(1);
        }
        assertThat(ring.bytes()).isEqualTo(3);
    }

    @Test
    void marksWhatIsGivenAway() {
        assertThat(put(List.of(mapped(PAGE)), SPLICE_F_GIFT, null)).isEqualTo(PAGE);
        assertThat(put(List.of(mapped(PAGE)), SPLICE_F_NONBLOCK, null)).isEqualTo(PAGE);
        assertThat(ring.marks(0)).isEqualTo(Ring.GIFT);
        assertThat(ring.marks(1)).isZero();
    }

    @Test
    void tellsThoseWhoWatchForData() {
        List<Integer> heard = plumbing.heardByReaders(pipe);
        assertThat(put(bytes("a"))).isEqualTo(1);
        assertThat(heard).containsExactly(EPOLLIN | EPOLLRDNORM);
        assertThat(put(MemorySegment.NULL)).isZero();
        assertThat(put(closed())).isEqualTo(-EFAULT);
        assertThat(heard).as("nothing was added").hasSize(1);
    }

    @Test
    void waitsForRoomUnlessItMayNot() throws Exception {
        assertThat(put(List.of(aligned(20 * PAGE)), SPLICE_F_NONBLOCK, null)).isEqualTo(16 * PAGE);
        assertThat(put(List.of(bytes("a")), SPLICE_F_NONBLOCK, null)).isEqualTo(-EAGAIN);
        Running<Long> sleeper = Machine.start(() -> put(bytes("a"))).asleep();
        assertThat(take(aligned(PAGE))).isEqualTo(PAGE);
        assertThat(sleeper.answer()).isEqualTo(1);
        assertThat(ring.length(15)).isEqualTo(1);
    }

    @Test
    void breaksWhereNobodyReads() {
        Pipe unread = plumbing.pipe();
        plumbing.closeEnd(unread, true);
        assertThat(Vmsplice.toPipe(unread, memory, List.of(bytes("a")), 0, null))
                .isEqualTo(-EPIPE);
    }

    @Test
    void copiesOutSlotBySlotAndPartsOfSlots() {
        put(bytes("abc"), bytes("def"));
        List<Integer> heard = plumbing.heardByWriters(pipe);
        MemorySegment one = arena.allocate(1);
        MemorySegment three = arena.allocate(3);
        assertThat(take(one)).isEqualTo(1);
        assertThat(heard).as("no slot is free that was not").isEmpty();
        assertThat(take(MemorySegment.NULL, three)).isEqualTo(3);
        assertThat(text(one) + text(three)).isEqualTo("abcd");
        assertThat(heard).containsExactly(EPOLLOUT | EPOLLWRNORM);
        assertThat(take(three)).isEqualTo(2);
        assertThat(text(three)).isEqualTo("efd");
        assertThat(ring.isEmpty()).isTrue();
    }

    @Test
    void keepsTheSlotThatCannotBeCopied() {
        put(bytes("abc"), bytes("def"));
        MemorySegment three = arena.allocate(3);
        assertThat(take(closed())).isEqualTo(-EFAULT);
        assertThat(take(three, closed())).isEqualTo(3);
        assertThat(ring.bytes()).isEqualTo(3);
        assertThat(take(three)).isEqualTo(3);
        assertThat(text(three)).isEqualTo("def");
    }

    @Test
    void waitsForDataUnlessItMayNot() throws Exception {
        MemorySegment room = arena.allocate(3);
        assertThat(Vmsplice.fromPipe(pipe, new Iov().of(room), SPLICE_F_NONBLOCK))
                .isEqualTo(-EAGAIN);
        Running<Long> sleeper = Machine.start(() -> take(room)).asleep();
        put(bytes("abc"));
        assertThat(sleeper.answer()).isEqualTo(3);
        assertThat(text(room)).isEqualTo("abc");
        plumbing.closeEnd(pipe, false);
        assertThat(take(room)).as("nobody can write").isZero();
    }

    @Test
    void keepsMappedBytesWhenTheirOwnerUnmapsThem() {
        MemorySegment mapped = mapped(PAGE);
        mapped.fill((byte) 'm');
        put(mapped);
        Memory owner = Objects.requireNonNull(memory.find(mapped));
        assertThat(memory.unmap(mapped)).isZero();
        assertThat(owner.references()).isEqualTo(1);
        MemorySegment room = arena.allocate(PAGE);
        assertThat(take(room)).isEqualTo(PAGE);
        assertThat(room.get(JAVA_BYTE, PAGE - 1)).isEqualTo((byte) 'm');
        assertThat(owner.references()).isZero();
    }
}
