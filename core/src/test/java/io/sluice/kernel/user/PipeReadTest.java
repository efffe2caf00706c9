// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EFAULT;
import static io.sluice.kernel.Flags.EPOLLOUT;
import static io.sluice.kernel.Flags.EPOLLWRNORM;
import static io.sluice.kernel.Flags.O_DIRECT;
import static io.sluice.kernel.user.Machine.PAGE;
import static io.sluice.kernel.user.Plumbing.write;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Errno;
import io.sluice.kernel.user.Machine.Running;
import io.sluice.testing.NoLeaks;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** read on a pipe itself: slots and parts of them, packets, memory that cannot be reached, sleeps. */
@NoLeaks
class PipeReadTest {
    private final Plumbing plumbing = new Plumbing();
    private final Pipe pipe = plumbing.pipe();

    @AfterEach
    void close() {
        plumbing.close();
    }

    private static MemorySegment closed() {
        try (Arena arena = Arena.ofShared()) {
            return arena.allocate(8);
        }
    }

    private List<Integer> lengths() {
        return plumbing.text(pipe).stream().map(String::length).toList();
    }

    private static String pages(double count) {
        return "p".repeat((int) (count * PAGE));
    }

    private String read(int count) {
        MemorySegment room = MemorySegment.ofArray(new byte[count]);
        long got = pipe.read(new Iov().of(room), true);
        return got < 0
                ? Errno.name((int) -got)
                : new String(room.asSlice(0, got).toArray(JAVA_BYTE), US_ASCII);
    }

    private long read(MemorySegment... rooms) {
        return pipe.read(new Iov().of(List.of(rooms)), true);
    }

    @Test
    void takesSlotsAndPartsOfTheLast() {
        plumbing.put(pipe, "abc", "def", "ghi");
        assertThat(read(0)).isEmpty();
        assertThat(read(3)).isEqualTo("abc");
        assertThat(read(4)).isEqualTo("defg");
        assertThat(read(9)).isEqualTo("hi");
        assertThat(read(0)).isEmpty();
        assertThat(read(1)).isEqualTo("EAGAIN");
        plumbing.closeEnd(pipe, false);
        assertThat(read(1)).isEmpty();
    }

    @Test
    void tellsOfAStreamThatBrokeOffWhatItWasAndNotAnEnd() {
        plumbing.put(pipe, "abc");
        pipe.lock();
        pipe.breaksOffLocked(Errno.ECONNRESET);
        pipe.unlock();
        plumbing.closeEnd(pipe, false);
        assertThat(read(9)).isEqualTo("abc");
        assertThat(read(9)).isEqualTo("ECONNRESET");
    }

    @Test
    void tellsOfTheFirstFreeSlotAlone() {
        for (int i = 0; i < 16; i++) {
            plumbing.put(pipe, "abc");
        }
        List<Integer> heard = plumbing.heardByWriters(pipe);
        assertThat(read(1)).isEqualTo("a");
        assertThat(heard).isEmpty();
        assertThat(read(2)).isEqualTo("bc");
        assertThat(heard).containsExactly(EPOLLOUT | EPOLLWRNORM);
        assertThat(read(3)).isEqualTo("abc");
        assertThat(heard).hasSize(1);
    }

    @Test
    void tellsOfASlotThatAPacketsRestHasLeft() {
        write(pipe, pages(16), O_DIRECT);
        List<Integer> heard = plumbing.heardByWriters(pipe);
        assertThat(read(1)).isEqualTo("p");
        assertThat(heard).hasSize(1);
        assertThat(lengths()).hasSize(15);
    }

    @Test
    void leavesAPacketThatItHasNoRoomLeftFor() {
        plumbing.put(pipe, "abc");
        write(pipe, "packet", O_DIRECT);
        assertThat(read(3)).isEqualTo("abc");
        assertThat(read(9)).isEqualTo("packet");
    }

    @Test
    void leavesWhatTheUserHasNoReachableRoomFor() {
        plumbing.put(pipe, "abc", "def", "ghi");
        MemorySegment three = MemorySegment.ofArray(new byte[3]);
        assertThat(read(closed())).isEqualTo(-EFAULT);
        assertThat(read(three, closed())).isEqualTo(3);
        assertThat(plumbing.text(pipe)).containsExactly("def", "ghi");
        assertThat(read(three.asSlice(0, 2), closed())).isEqualTo(-EFAULT);
        assertThat(read(three)).isEqualTo(3);
        assertThat(plumbing.text(pipe)).containsExactly("ghi");
    }

    /** Lent memory that its user takes away when it has been looked at once. */
    private static final class Fleeting extends Memory {
        private boolean looked;

        Fleeting() {
            super(1);
        }

        @Override
        MemorySegment bytes() {
            boolean before = !looked;
            looked = true;
            return before ? MemorySegment.ofArray(new byte[1]) : closed();
        }

        @Override
        void free() {}
    }

    @Test
    void leavesWhatIsGoneAndLosesWhatGoesAtThatVeryMoment() {
        pipe.resize(32 * PAGE);
        pipe.lock();
        for (int i = 0; i < 20; i++) {
            pipe.ring.add(new Fleeting(), 0, 1, 0);
        }
        pipe.unlock();
        assertThat(read(20)).isEqualTo("EFAULT");
        assertThat(pipe.ring.size()).as("what was not taken out").isEqualTo(4);
        pipe.lock();
        pipe.ring.clear();
        pipe.ring.add(new Lent(closed(), null), 0, 8, 0);
        pipe.unlock();
        assertThat(read(20)).isEqualTo("EFAULT");
        assertThat(pipe.ring.size()).isEqualTo(1);
    }

    @Test
    void sleepsUntilThereAreBytesOrTheirEnd() throws Exception {
        MemorySegment room = MemorySegment.ofArray(new byte[8]);
        Running<Long> reader =
                Machine.start(() -> pipe.read(new Iov().of(room), false)).asleep();
        plumbing.put(pipe, "abc");
        assertThat(reader.answer()).isEqualTo(3);
        Running<Long> handed =
                Machine.start(() -> pipe.read(new Iov().of(room), false)).asleep();
        assertThat(write(pipe, "defg", 0)).isEqualTo(4);
        assertThat(handed.answer()).isEqualTo(4);
        assertThat(new String(room.asSlice(0, 4).toArray(JAVA_BYTE), US_ASCII)).isEqualTo("defg");
        Running<Long> last =
                Machine.start(() -> pipe.read(new Iov().of(room), false)).asleep();
        plumbing.closeEnd(pipe, false);
        assertThat(last.answer()).isZero();
    }
}
