// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.EINTR;
import static io.sluice.kernel.Errno.EPIPE;
import static io.sluice.kernel.Flags.EPOLLOUT;
import static io.sluice.kernel.Flags.EPOLLWRNORM;
import static io.sluice.kernel.user.Waitable.ANY_EVENT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.kernel.user.Machine.Running;
import io.sluice.testing.NoLeaks;
import java.util.List;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A pipe itself: its ends, what is waited for, and what is claimed of it. */
@NoLeaks
class PipeTest {
    private final Plumbing plumbing = new Plumbing();
    private final Pipe pipe = plumbing.pipe();

    @AfterEach
    void close() {
        plumbing.close();
    }

    private void fillUp() {
        while (!pipe.ring.isFull()) {
            plumbing.put(pipe, "full");
        }
    }

    private long locked(LongSupplier call) {
        pipe.lock();
        try {
            return call.getAsLong();
        } finally {
            pipe.unlock();
        }
    }

    private Running<Long> room() {
        return Machine.start(() -> locked(() -> pipe.awaitRoomLocked(false)));
    }

    private Running<Long> data() {
        return Machine.start(() -> locked(() -> pipe.awaitDataLocked(false)));
    }

    private void open(boolean reads, boolean writes) {
        pipe.lock();
        pipe.openEndLocked(reads, writes);
        pipe.unlock();
    }

    // Ends.

    @Test
    void countsItsEndsNowAndEver() {
        open(true, false);
        open(true, true);
        assertThat(pipe.readEndsLocked()).isEqualTo(3);
        assertThat(pipe.writeEndsLocked()).isEqualTo(2);
        assertThat(pipe.closeEnd(true, true)).isFalse();
        assertThat(pipe.closeEnd(true, false)).isFalse();
        assertThat(pipe.readEndsLocked()).isEqualTo(1);
        assertThat(pipe.writeEndsLocked()).isEqualTo(1);
        assertThat(pipe.readEndsEverLocked()).isEqualTo(3);
        assertThat(pipe.writeEndsEverLocked()).isEqualTo(2);
        assertThat(pipe.hasReaderLocked()).isTrue();
        assertThat(pipe.closeEnd(true, false)).isFalse();
        assertThat(pipe.hasReaderLocked()).isFalse();
        assertThat(pipe.hasWriterLocked()).isTrue();
        assertThat(pipe.closeEnd(false, true)).isTrue();
        assertThat(pipe.hasWriterLocked()).isFalse();
    }

    @Test
    void isRememberedUntilItsLastEndIsClosed() {
        Pipe other = Pipe.withBothEnds(plumbing.resources);
        assertThat(other.sequence()).isEqualTo(pipe.sequence() + 1);
        assertThat(other.resources()).isSameAs(plumbing.resources);
        assertThat(plumbing.resources.objects()).containsExactlyInAnyOrder(pipe, other);
        plumbing.put(other, "unread");
        Memory unread = other.ring.memory(0);
        assertThat(other.closeEnd(true, false)).isFalse();
        assertThat(plumbing.resources.objects()).contains(other);
        assertThat(unread.references()).isEqualTo(1);
        assertThat(other.closeEnd(false, true)).isTrue();
        assertThat(plumbing.resources.objects()).containsExactly(pipe);
        assertThat(unread.references()).as("given back").isZero();
    }

    @Test
    void hasNoMoreEndsToCloseThanWereOpened() {
        plumbing.closeEnd(pipe, true);
        assertThatThrownBy(() -> pipe.closeEnd(true, false))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("-1 read ends, 1 write ends");
        open(true, false);
        plumbing.closeEnd(pipe, false);
        open(true, false);
        assertThatThrownBy(() -> pipe.closeEnd(false, true))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("1 read ends, -1 write ends");
        open(false, true);
    }

    @Test
    void tellsBothSidesWhenTheLastEndOfOneIsClosed() {
        open(true, true);
        List<Integer> readSide = plumbing.heardByReaders(pipe);
        List<Integer> writeSide = plumbing.heardByWriters(pipe);
        plumbing.closeEnd(pipe, true);
        plumbing.closeEnd(pipe, false);
        assertThat(readSide).isEmpty();
        assertThat(writeSide).isEmpty();
        plumbing.closeEnd(pipe, true);
        assertThat(readSide).containsExactly(ANY_EVENT);
        assertThat(writeSide).containsExactly(ANY_EVENT);
        open(true, false);
        plumbing.closeEnd(pipe, false);
        assertThat(readSide).hasSize(2);
        assertThat(writeSide).hasSize(2);
    }

    // Waits.

    @Test
    void isReadableWithBytesOrWithoutWriters() {
        assertThat(pipe.readableLocked()).isFalse();
        assertThat(pipe.writableLocked()).isTrue();
        fillUp();
        assertThat(pipe.readableLocked()).isTrue();
        assertThat(pipe.writableLocked()).isFalse();
        plumbing.closeEnd(pipe, true);
        assertThat(pipe.writableLocked()).as("to fail at once").isTrue();
        Pipe ended = plumbing.pipe();
        plumbing.closeEnd(ended, false);
        assertThat(ended.readableLocked()).as("to end at once").isTrue();
    }

    @Test
    void waitsForRoom() throws Exception {
        assertThat(locked(() -> pipe.awaitRoomLocked(false))).isZero();
        fillUp();
        assertThat(locked(() -> pipe.awaitRoomLocked(true))).isEqualTo(-EAGAIN);
        Running<Long> writer = room().asleep();
        plumbing.take(pipe, 4);
        assertThat(writer.answer()).isZero();
        fillUp();
        Running<Long> interrupted = room().asleep();
        interrupted.thread().interrupt();
        assertThat(interrupted.answer()).isEqualTo(-EINTR);
        Running<Long> broken = room().asleep();
        plumbing.closeEnd(pipe, true);
        assertThat(broken.answer()).isEqualTo(-EPIPE);
        assertThat(plumbing.resources.sigpipes.sum()).isEqualTo(1);
    }

    @Test
    void waitsForBytes() throws Exception {
        assertThat(locked(() -> pipe.awaitDataLocked(true))).isEqualTo(-EAGAIN);
        Running<Long> reader = data().asleep();
        plumbing.put(pipe, "data");
        assertThat(reader.answer()).isEqualTo(1);
        assertThat(locked(() -> pipe.awaitDataLocked(true))).isEqualTo(1);
        plumbing.take(pipe, 4);
        Running<Long> interrupted = data().asleep();
        interrupted.thread().interrupt();
        assertThat(interrupted.answer()).isEqualTo(-EINTR);
        Running<Long> ended = data().asleep();
        plumbing.closeEnd(pipe, false);
        assertThat(ended.answer()).isZero();
    }

    // Claims.

    private Claim claim(long most) {
        pipe.lock();
        try {
            return pipe.claimLocked(most);
        } finally {
            pipe.unlock();
        }
    }

    @Test
    void isClaimedByOneAtATime() {
        plumbing.put(pipe, "abc");
        Claim claim = claim(2);
        assertThat(claim.bytes()).isEqualTo(2);
        assertThat(pipe.claimedLocked()).isTrue();
        assertThat(pipe.readableLocked()).isFalse();
        assertThatThrownBy(() -> claim(1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("pipe " + pipe.sequence() + " is claimed twice");
        pipe.endClaim(claim, 0);
        assertThat(pipe.claimedLocked()).isFalse();
        assertThat(plumbing.text(pipe)).containsExactly("abc");
    }

    @Test
    void losesWhatWasWrittenOfAClaim() {
        plumbing.put(pipe, "abc", "def", "ghi");
        Memory first = pipe.ring.memory(0);
        List<Integer> heard = plumbing.heardByWriters(pipe);
        pipe.endClaim(claim(9), 2);
        assertThat(heard).as("no slot is free that was not").isEmpty();
        assertThat(plumbing.text(pipe)).containsExactly("c", "def", "ghi");
        assertThat(first.references()).isEqualTo(1);
        pipe.endClaim(claim(9), 5);
        assertThat(heard).containsExactly(EPOLLOUT | EPOLLWRNORM);
        assertThat(plumbing.text(pipe)).containsExactly("hi");
        assertThat(first.references()).isZero();
    }

    @Test
    void letsReadersWaitForTheEndOfAClaimEvenThoseWhoMayNotSleep() throws Exception {
        plumbing.put(pipe, "abc");
        Claim claim = claim(9);
        Running<Long> reader =
                Machine.start(() -> locked(() -> pipe.awaitDataLocked(true))).asleep();
        pipe.endClaim(claim, 2);
        assertThat(reader.answer()).isEqualTo(1);
        Claim rest = claim(9);
        plumbing.closeEnd(pipe, false);
        Running<Long> last = data().asleep();
        pipe.endClaim(rest, 1);
        assertThat(last.answer()).isZero();
    }

    @Test
    void countsItsBytes() {
        assertThat(pipe.fionread()).isZero();
        plumbing.put(pipe, "abc", "de");
        assertThat(pipe.fionread()).isEqualTo(5);
    }
}
