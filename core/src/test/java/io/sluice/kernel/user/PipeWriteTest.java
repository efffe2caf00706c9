// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.EFAULT;
import static io.sluice.kernel.Errno.EINTR;
import static io.sluice.kernel.Errno.ENOMEM;
import static io.sluice.kernel.Errno.EPIPE;
import static io.sluice.kernel.Flags.EPOLLIN;
import static io.sluice.kernel.Flags.EPOLLRDNORM;
import static io.sluice.kernel.Flags.O_DIRECT;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.user.Machine.PAGE;
import static io.sluice.kernel.user.Machine.bytes;
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
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** write on a pipe itself: slots, merging, packets, memory that cannot be reached, sleeps. */
@NoLeaks
class PipeWriteTest {
    private static final int PAGES = 40;

    private final Plumbing plumbing = new Plumbing(PAGES);
    private final Pipe pipe = plumbing.pipe();
    private final PipeEnd end = new PipeEnd(pipe, O_WRONLY);

    @AfterEach
    void close() {
        plumbing.close();
    }

    private static String pages(double count) {
        return "p".repeat((int) (count * PAGE));
    }

    private static MemorySegment closed() {
        try (Arena arena = Arena.ofShared()) {
            return arena.allocate(8);
        }
    }

    private List<Integer> lengths() {
        return plumbing.text(pipe).stream().map(String::length).toList();
    }

    /** A write that may sleep. */
    private Running<Long> writing(String text) {
        return Machine.start(() -> pipe.write(new Iov().of(bytes(text)), end));
    }

    private String read(int count) {
        MemorySegment room = MemorySegment.ofArray(new byte[count]);
        long got = pipe.read(new Iov().of(room), true);
        return got < 0
                ? Errno.name((int) -got)
                : new String(room.asSlice(0, got).toArray(JAVA_BYTE), US_ASCII);
    }

    @Test
    void makesASlotOfEachPage() {
        List<Integer> heard = plumbing.heardByReaders(pipe);
        assertThat(write(pipe, pages(3), 0)).isEqualTo(3 * PAGE);
        assertThat(lengths()).containsExactly(PAGE, PAGE, PAGE);
        assertThat(write(pipe, pages(2) + "+", 0)).isEqualTo(2 * PAGE + 1);
        assertThat(lengths()).containsExactly(PAGE, PAGE, PAGE, PAGE, PAGE, 1);
        assertThat(pipe.ring.marks(5)).isEqualTo(Ring.MERGEABLE);
        assertThat(heard).hasSize(2).containsOnly(EPOLLIN | EPOLLRDNORM);
        assertThat(read(6 * PAGE)).isEqualTo(pages(5) + "+");
    }

    @Test
    void mergesWhatIsLeftBesideWholePagesIntoTheNewestSlot() {
        write(pipe, "abc", 0);
        List<Integer> heard = plumbing.heardByReaders(pipe);
        assertThat(write(pipe, "def", 0)).isEqualTo(3);
        assertThat(heard).hasSize(1);
        assertThat(plumbing.text(pipe)).containsExactly("abcdef");
        assertThat(write(pipe, "gh" + pages(1), 0)).isEqualTo(PAGE + 2);
        assertThat(lengths()).containsExactly(8, PAGE);
        assertThat(read(9)).isEqualTo("abcdefghp");
        assertThat(write(pipe, "i", 0)).as("a slot that is full to its end").isEqualTo(1);
        assertThat(lengths()).containsExactly(PAGE - 1, 1);
        assertThat(write(pipe, pages(1).substring(1), 0))
                .as("to the end of the page")
                .isEqualTo(PAGE - 1);
        assertThat(lengths()).containsExactly(PAGE - 1, PAGE);
        assertThat(write(pipe, "x", 0)).isEqualTo(1);
        assertThat(lengths()).containsExactly(PAGE - 1, PAGE, 1);
    }

    @Test
    void mergesIntoNoSlotThatNoWriteMadeOrThatBeganLater() {
        plumbing.put(pipe, "other");
        write(pipe, "ab", 0);
        assertThat(plumbing.text(pipe)).containsExactly("other", "ab");
        assertThat(read(6)).isEqualTo("othera");
        assertThat(write(pipe, pages(1).substring(2), 0)).isEqualTo(PAGE - 2);
        assertThat(lengths()).containsExactly(PAGE - 1);
        assertThat(write(pipe, "c", 0)).as("what was read does not come back").isEqualTo(1);
        assertThat(lengths()).containsExactly(PAGE - 1, 1);
    }

    @Test
    void keepsPacketsApartUnlessTheFlagIsGone() {
        assertThat(write(pipe, "ab", O_DIRECT)).isEqualTo(2);
        assertThat(write(pipe, "cd", O_DIRECT)).isEqualTo(2);
        assertThat(pipe.ring.marks(1)).isEqualTo(Ring.PACKET);
        assertThat(write(pipe, "ef", 0)).isEqualTo(2);
        assertThat(plumbing.text(pipe)).containsExactly("ab", "cd", "ef");
        assertThat(read(1)).isEqualTo("a");
        assertThat(read(9))
                .as("a packet's rest is lost, and one read takes one")
                .isEqualTo("cd");
        assertThat(read(9)).isEqualTo("ef");
    }

    @Test
    void takesWhatFitsAndThenNothing() {
        assertThat(write(pipe, "", 0)).isZero();
        assertThat(write(pipe, pages(20), 0)).isEqualTo(16 * PAGE);
        assertThat(write(pipe, "x", 0)).isEqualTo(-EAGAIN);
        assertThat(write(pipe, pages(1), 0)).isEqualTo(-EAGAIN);
        assertThat(write(pipe, pages(2), 0)).isEqualTo(-EAGAIN);
        assertThat(read(3 * PAGE)).hasSize(3 * PAGE);
        assertThat(write(pipe, pages(20), 0)).isEqualTo(3 * PAGE);
        plumbing.closeEnd(pipe, true);
        assertThat(write(pipe, "", 0)).isZero();
        assertThat(write(pipe, "x", 0)).isEqualTo(-EPIPE);
        assertThat(plumbing.resources.sigpipes.sum()).isEqualTo(1);
    }

    @Test
    void addsMoreThanItCanFillAtOnce() {
        assertThat(pipe.resize(32 * PAGE)).isEqualTo(32 * PAGE);
        assertThat(write(pipe, pages(20.5), 0)).isEqualTo(20 * PAGE + PAGE / 2);
        assertThat(lengths()).hasSize(21);
        assertThat(read(33 * PAGE)).as("in one read").hasSize(20 * PAGE + PAGE / 2);
    }

    @Test
    void endsWhereMemoryIsUsedUp() {
        Pipe other = plumbing.pipe();
        assertThat(pipe.resize(64 * PAGE)).isEqualTo(64 * PAGE);
        assertThat(write(pipe, pages(50), 0)).isEqualTo((long) PAGES * PAGE);
        assertThat(write(pipe, "x", 0)).isEqualTo(-ENOMEM);
        assertThat(write(other, pages(2), 0)).isEqualTo(-ENOMEM);
        assertThat(other.ring.isEmpty()).isTrue();
    }

    @Test
    void isAFaultWhereTheWritersMemoryIsGone() {
        OpenFile quick = new PipeEnd(pipe, O_WRONLY | O_NONBLOCK);
        assertThat(pipe.write(new Iov().of(closed()), quick)).isEqualTo(-EFAULT);
        assertThat(pipe.ring.isEmpty()).isTrue();
        write(pipe, "ab", 0);
        assertThat(pipe.write(new Iov().of(closed()), quick)).as("merging, too").isEqualTo(-EFAULT);
        assertThat(pipe.write(new Iov().of(List.of(bytes(pages(1)), closed())), quick))
                .as("what could be merged")
                .isEqualTo(8);
        assertThat(plumbing.resources.pages.inUse()).isEqualTo(1);
        try (Plumbing scarce = new Plumbing(1)) {
            Pipe last = scarce.pipe();
            write(last, "ab", 0);
            assertThat(last.write(new Iov().of(closed()), quick))
                    .as("no page is needed to tell")
                    .isEqualTo(-EFAULT);
        }
    }

    @Test
    void fillsItsNextPageBeforeItSleeps() throws Exception {
        write(pipe, pages(16), 0);
        Running<Long> writer = writing("late").asleep();
        assertThat(plumbing.resources.pages.inUse()).isEqualTo(17);
        assertThat(read(PAGE)).hasSize(PAGE);
        assertThat(writer.answer()).isEqualTo(4);
        assertThat(lengths()).hasSize(16).endsWith(4);
    }

    @Test
    void answersWhatCameBeforeAnInterrupt() throws Exception {
        Running<Long> half = writing(pages(20)).asleep();
        half.thread().interrupt();
        assertThat(half.answer()).isEqualTo(16 * PAGE);
        Running<Long> none = writing("late").asleep();
        none.thread().interrupt();
        assertThat(none.answer()).isEqualTo(-EINTR);
        Running<Long> changed = writing("late").asleep();
        end.setStatusFlags(O_NONBLOCK, O_NONBLOCK);
        changed.thread().interrupt();
        assertThat(changed.answer()).as("the flag is seen first").isEqualTo(-EAGAIN);
        assertThat(plumbing.resources.pages.inUse())
                .as("what was filled in vain is back")
                .isEqualTo(16);
    }

    /** What happens when the pipe's lock is first let go during a call that may not sleep, or after it. */
    private long meanwhile(String text, Runnable others) {
        AtomicBoolean happened = new AtomicBoolean();
        pipe.watch(
                events -> {
                    if (!happened.getAndSet(true)) {
                        others.run();
                    }
                },
                true,
                false);
        pipe.lock();
        try {
            pipe.tellReadersLocked(EPOLLIN);
            return write(pipe, text, 0);
        } finally {
            pipe.unlock();
        }
    }

    @Test
    void letsNobodyInBetweenItsTryToMergeAndItsPage() {
        write(pipe, pages(1).substring(1), 0);
        assertThat(meanwhile("ab", () -> write(pipe, "c", 0))).isEqualTo(2);
        assertThat(lengths()).containsExactly(PAGE - 1, 3);
        assertThat(meanwhile(pages(1), () -> write(pipe, "d", 0))).isEqualTo(PAGE);
        assertThat(lengths()).containsExactly(PAGE - 1, 3, PAGE, 1);
    }

    @Test
    void doesNotLetGoOfAFullPipeWhenItMayNotSleep() {
        write(pipe, pages(16), 0);
        assertThat(meanwhile("late", () -> read(PAGE))).isEqualTo(-EAGAIN);
        assertThat(lengths()).hasSize(15);
    }
}
