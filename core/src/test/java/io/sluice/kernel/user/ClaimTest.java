// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EFAULT;
import static io.sluice.kernel.Errno.ENOSPC;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.NoLeaks;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The oldest bytes of a pipe on their way to the host: which they are, and what became of them. */
@NoLeaks
class ClaimTest {
    private static final long ALL = Long.MAX_VALUE;

    private final Arena arena = Arena.ofShared();
    private final Ring ring = new Ring(4);
    private final List<Lent> memories = new ArrayList<>();

    @AfterEach
    void close() {
        ring.clear();
        assertThat(memories)
                .allSatisfy(memory -> assertThat(memory.references()).isZero());
        arena.close();
    }

    /** A slot with that text, its first byte not the first of its memory. */
    private Lent slot(Arena owner, String text) {
        return slot(owner.allocateFrom("-" + text), text.length());
    }

    private Lent slot(MemorySegment bytes, int length) {
        Lent memory = new Lent(bytes, null);
        memories.add(memory);
        ring.add(memory, 1, length, 0);
        return memory;
    }

    /** A host that takes {@code most} bytes of each call and {@code room} in all. */
    private static final class Host implements Claim.Sink {
        final StringBuilder got = new StringBuilder();
        final List<Boolean> direct = new ArrayList<>();
        private final int most;
        private final int room;

        Host(int most, int room) {
            this.most = most;
            this.room = room;
        }

        @Override
        public int write(ByteBuffer bytes, long done) {
            assertThat(done).isEqualTo(got.length());
            direct.add(bytes.isDirect());
            byte[] taken = new byte[Math.min(bytes.remaining(), Math.min(most, room - got.length()))];
            bytes.get(taken);
            got.append(new String(taken, US_ASCII));
            return taken.length;
        }
    }

    private static Host host() {
        return new Host(Integer.MAX_VALUE, Integer.MAX_VALUE);
    }

    @Test
    void holdsTheOldestBytesUpToAsManyAsAreWanted() {
        Lent first = slot(arena, "abc");
        Lent second = slot(arena, "def");
        Lent third = slot(arena, "ghi");
        Claim claim = new Claim(ring, 5);
        assertThat(claim.bytes()).isEqualTo(5);
        assertThat(List.of(first.references(), second.references(), third.references()))
                .containsExactly(2, 2, 1);
        Host host = host();
        assertThat(claim.writeTo(ALL, host)).isEqualTo(5);
        assertThat(host.got).hasToString("abcde");
        assertThat(host.direct).as("no copy of native memory").containsExactly(true, true);
        claim.release();
        assertThat(List.of(first.references(), second.references(), third.references()))
                .containsExactly(1, 1, 1);
        assertThat(ring.bytes()).as("nothing is consumed").isEqualTo(9);
    }

    @Test
    void holdsNoSlotMoreThanItsBytesNeed() {
        slot(arena, "abc");
        Lent second = slot(arena, "def");
        Claim claim = new Claim(ring, 3);
        assertThat(claim.bytes()).isEqualTo(3);
        assertThat(second.references()).isEqualTo(1);
        claim.release();
    }

    @Test
    void holdsAllThereIsWhenMoreIsWanted() {
        slot(arena, "abc");
        slot(arena, "def");
        Claim claim = new Claim(ring, 100);
        assertThat(claim.bytes()).isEqualTo(6);
        Host host = host();
        assertThat(claim.writeTo(ALL, host)).isEqualTo(6);
        assertThat(host.got).hasToString("abcdef");
        claim.release();
    }

    @Test
    void writesNoMoreThanItIsTold() {
        slot(arena, "abc");
        slot(arena, "def");
        Claim claim = new Claim(ring, ALL);
        Host host = host();
        assertThat(claim.writeTo(4, host)).isEqualTo(4);
        assertThat(host.got).hasToString("abcd");
        claim.release();
    }

    @Test
    void writesUntilTheHostTakesNoMore() {
        slot(arena, "abc");
        slot(arena, "def");
        Claim claim = new Claim(ring, ALL);
        Host slow = new Host(2, 100);
        assertThat(claim.writeTo(ALL, slow)).isEqualTo(6);
        assertThat(slow.got).hasToString("abcdef");
        Host small = new Host(2, 5);
        assertThat(claim.writeTo(ALL, small)).isEqualTo(5);
        assertThat(small.got).hasToString("abcde");
        claim.release();
    }

    @Test
    void copiesArraysThatNoChannelTakes() {
        MemorySegment array = MemorySegment.ofArray(new long[1]);
        MemorySegment.copy(MemorySegment.ofArray("-longs--".getBytes(US_ASCII)), 0, array, 0, 8);
        slot(array, 5);
        Claim claim = new Claim(ring, ALL);
        Host host = host();
        assertThat(claim.writeTo(ALL, host)).isEqualTo(5);
        assertThat(host.got).hasToString("longs");
        claim.release();
    }

    @Test
    void isAFaultWhereMemoryIsGoneAndNothingCameBeforeIt() {
        slot(arena, "abc");
        try (Arena other = Arena.ofShared()) {
            slot(other, "def");
        }
        Claim claim = new Claim(ring, ALL);
        assertThat(claim.writeTo(0, host())).as("nobody looks").isZero();
        assertThat(claim.writeTo(3, host())).isEqualTo(3);
        assertThat(claim.writeTo(ALL, host())).isEqualTo(3);
        claim.release();
        ring.consume(3);
        Claim gone = new Claim(ring, ALL);
        assertThat(gone.writeTo(0, host())).as("nobody looks").isZero();
        assertThat(gone.writeTo(ALL, host())).isEqualTo(-EFAULT);
        gone.release();
    }

    @Test
    void answersTheHostsErrorWhenNothingCameBeforeIt() {
        slot(arena, "abc");
        slot(arena, "def");
        Claim claim = new Claim(ring, ALL);
        assertThat(claim.writeTo(ALL, (bytes, done) -> {
                    throw new IOException("No space left on device");
                }))
                .isEqualTo(-ENOSPC);
        Host host = host();
        assertThat(claim.writeTo(ALL, (bytes, done) -> {
                    if (done > 0) {
                        throw new IOException("No space left on device");
                    }
                    return host.write(bytes, done);
                }))
                .isEqualTo(3);
        claim.release();
    }

    @Test
    void isAFaultWhenMemoryGoesAtThatVeryMoment() {
        slot(arena, "abc");
        slot(arena, "def");
        Claim claim = new Claim(ring, ALL);
        assertThat(claim.writeTo(ALL, (bytes, done) -> {
                    throw new IllegalStateException("Already closed");
                }))
                .isEqualTo(-EFAULT);
        Host host = host();
        assertThat(claim.writeTo(ALL, (bytes, done) -> {
                    if (done > 0) {
                        throw new IllegalStateException("Already closed");
                    }
                    return host.write(bytes, done);
                }))
                .isEqualTo(3);
        claim.release();
    }
}
