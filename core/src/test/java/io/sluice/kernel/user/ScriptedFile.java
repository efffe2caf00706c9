// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Flags.SEEK_SET;
import static io.sluice.kernel.Flags.SPLICE_F_MORE;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Offset;
import io.sluice.kernel.Stat;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A file for splices that answers what a test has laid out, and notes what it is asked. */
class ScriptedFile extends OpenFile {
    private final Pipe pipe;
    private final Deque<Long> answers = new ArrayDeque<>(); // bytes to move, or -errno
    private final Deque<Long> waits = new ArrayDeque<>(); // what a wait answers; none: it does not wait
    final List<String> asked = new ArrayList<>();
    boolean seekable;
    boolean splices = true;
    boolean unlocked;
    long position = -1; // none

    ScriptedFile(Pipe pipe, int statusFlags) {
        super(statusFlags);
        this.pipe = pipe;
    }

    ScriptedFile answering(Number... results) {
        Stream.of(results).map(Number::longValue).forEach(answers::add);
        return this;
    }

    ScriptedFile waiting(Number... results) {
        Stream.of(results).map(Number::longValue).forEach(waits::add);
        return this;
    }

    ScriptedFile at(long start) {
        seekable = true;
        position = start;
        return this;
    }

    ScriptedFile unlocked() {
        unlocked = true;
        return this;
    }

    private long answer(@Nullable Offset offset, long len) {
        assertThat(answers).as("not asked more often than that").isNotEmpty();
        long answer = answers.remove();
        asked.add(answer + " of " + len + (offset == null ? "" : " at " + offset.value()));
        if (offset != null && answer > 0) {
            offset.set(offset.value() + answer);
        }
        return answer;
    }

    @Override
    long fillLocked(Pipe to, @Nullable Offset offset, long len) {
        assertThat(to.locked()).isTrue();
        long answer = answer(offset, len);
        if (answer > 0) {
            to.ring.add(new Lent(Machine.bytes("x".repeat((int) answer)), null), 0, (int) answer, 0);
        }
        return answer;
    }

    @Override
    long drainLocked(Pipe from, @Nullable Offset offset, long len, int flags) {
        assertThat(len).isPositive();
        assertThat(flags & SPLICE_F_MORE).as("flags are passed on").isNotZero();
        long answer = answer(offset, len);
        for (long left = Math.max(answer, 0); left > 0; ) {
            int count = (int) Math.min(left, from.ring.length(0));
            from.ring.consume(count);
            left -= count;
        }
        return answer;
    }

    @Override
    boolean drainsUnlocked() {
        return unlocked;
    }

    @Override
    long writeClaim(Claim claim, @Nullable Offset offset) {
        assertThat(pipe.locked()).isFalse();
        assertThat(claim.bytes()).isPositive();
        return answer(offset, claim.bytes());
    }

    @Override
    boolean waitsAsSource(boolean nonblocking) {
        asked.add(nonblocking ? "waits not?" : "waits?");
        return !waits.isEmpty();
    }

    @Override
    long awaitReadable(@Nullable Offset offset, long len) {
        return await("data of " + len);
    }

    @Override
    long awaitWritable() {
        return await("room");
    }

    private long await(String what) {
        assertThat(pipe.locked()).isFalse();
        asked.add(what);
        return waits.remove();
    }

    @Override
    void endFill() {
        asked.add("end");
    }

    @Override
    boolean seekable() {
        return seekable;
    }

    @Override
    boolean hasPosition() {
        return position >= 0;
    }

    @Override
    long position() {
        return position;
    }

    @Override
    long seek(long offset, int whence) {
        assertThat(whence).isEqualTo(SEEK_SET);
        asked.add("seek " + offset);
        return offset;
    }

    @Override
    boolean splicesOut() {
        return splices;
    }

    @Override
    boolean splicesIn() {
        return splices;
    }

    @Override
    void stat(Stat stat) {
        throw new AssertionError("nobody asks");
    }
}
