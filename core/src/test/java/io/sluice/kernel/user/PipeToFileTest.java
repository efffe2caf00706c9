// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.EBADF;
import static io.sluice.kernel.Errno.EINTR;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.EIO;
import static io.sluice.kernel.Errno.ENOSPC;
import static io.sluice.kernel.Errno.ESPIPE;
import static io.sluice.kernel.Flags.O_APPEND;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_RDWR;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.Flags.SPLICE_F_MORE;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Offset;
import io.sluice.kernel.user.Machine.Running;
import io.sluice.testing.NoLeaks;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * splice out of a pipe: its checks, what is asked of the file, with the lock and without, and when what is waited for.
 */
@NoLeaks
class PipeToFileTest {
    private final Plumbing plumbing = new Plumbing();
    private final Pipe pipe = plumbing.pipe();
    private final OpenFile reads = new PipeEnd(pipe, O_RDONLY);

    @AfterEach
    void close() {
        plumbing.close();
    }

    private ScriptedFile other(Number... answers) {
        return new ScriptedFile(pipe, O_RDWR).answering(answers);
    }

    private void put(String... slots) {
        plumbing.put(pipe, slots);
    }

    private long drain(ScriptedFile to, @Nullable Offset offset, long len, int flags) {
        return Splice.splice(reads, null, to, offset, len, flags | SPLICE_F_MORE);
    }

    private long drain(ScriptedFile to, long len) {
        return drain(to, null, len, 0);
    }

    @Test
    void takesNoOffsetForThePipe() {
        ScriptedFile other = other().at(0);
        assertThat(Splice.splice(reads, new Offset(0), other, null, 1, 0)).isEqualTo(-ESPIPE);
        assertThat(other.asked).isEmpty();
    }

    @Test
    void readsWhatMayBeReadAndWritesWhatMayBeWritten() {
        assertThat(Splice.splice(new PipeEnd(pipe, O_WRONLY), null, other(), null, 1, 0))
                .isEqualTo(-EBADF);
        assertThat(drain(new ScriptedFile(pipe, O_RDONLY), 1)).isEqualTo(-EBADF);
    }

    @Test
    void refusesPlacesWhereNothingCanBe() {
        put("data");
        ScriptedFile none = other().at(0);
        for (long len : new long[] {-1, Long.MIN_VALUE}) {
            assertThat(drain(other(), len)).isEqualTo(-EINVAL);
            assertThat(drain(none, new Offset(0), len, 0)).isEqualTo(-EINVAL);
        }
        for (long offset : new long[] {-1, Long.MAX_VALUE, Long.MIN_VALUE}) {
            assertThat(drain(none, new Offset(offset), 10, 0)).isEqualTo(-EINVAL);
        }
        assertThat(drain(other().at(Long.MAX_VALUE), 10)).isEqualTo(-EINVAL);
        assertThat(drain(other(), new Offset(0), 10, 0)).as("no place at all").isEqualTo(-EINVAL);
        assertThat(none.asked).isEmpty();
    }

    @Test
    void movesTheOffsetGivenOrElseThePositionOnceAllIsDone() {
        put("data");
        ScriptedFile own = other(2).at(0);
        assertThat(drain(own, 2)).isEqualTo(2);
        assertThat(own.asked).containsExactly("2 of 2 at 0", "seek 2");
        ScriptedFile given = other(2).at(0);
        Offset offset = new Offset(12);
        assertThat(drain(given, offset, 2, 0)).isEqualTo(2);
        assertThat(given.asked).containsExactly("2 of 2 at 12");
        assertThat(offset.value()).isEqualTo(14);
    }

    @Test
    void drainsSlotAfterSlotUpToWhatIsAskedFor() {
        put("abc", "def", "ghi");
        List<Integer> heard = plumbing.heardByWriters(pipe);
        ScriptedFile sink = other(2, 1, 3, 1);
        assertThat(drain(sink, 7)).isEqualTo(7);
        assertThat(sink.asked).containsExactly("2 of 7", "1 of 5", "3 of 4", "1 of 1");
        assertThat(plumbing.text(pipe)).containsExactly("hi");
        assertThat(heard).hasSize(1);
        assertThat(drain(other(1), 1)).isEqualTo(1);
        assertThat(heard).as("no slot is free that was not").hasSize(1);
        assertThat(drain(other(1), 100)).as("all there is").isEqualTo(1);
        assertThat(heard).hasSize(2);
    }

    @Test
    void refusesWhatTakesNoBytesBeforeItWaitsForAny() {
        ScriptedFile full = other();
        full.splices = false;
        assertThat(drain(full, 1)).isEqualTo(-EINVAL);
        assertThat(drain(new ScriptedFile(pipe, O_WRONLY | O_APPEND), 1)).isEqualTo(-EINVAL);
    }

    @Test
    void waitsForBytesUnlessItMayNot() throws Exception {
        for (boolean unlocked : new boolean[] {false, true}) {
            ScriptedFile sink = other(4);
            sink.unlocked = unlocked;
            assertThat(drain(sink, null, 4, SPLICE_F_NONBLOCK)).isEqualTo(-EAGAIN);
            OpenFile quick = new PipeEnd(pipe, O_RDONLY | O_NONBLOCK);
            assertThat(Splice.splice(quick, null, sink, null, 4, SPLICE_F_MORE)).isEqualTo(-EAGAIN);
            Running<Long> sleeper = Machine.start(() -> drain(sink, 4)).asleep();
            put("come");
            assertThat(sleeper.answer()).isEqualTo(4);
            put("here");
            sink.answering(4);
            assertThat(drain(sink, null, 4, SPLICE_F_NONBLOCK)).isEqualTo(4);
            Thread.currentThread().interrupt();
            assertThat(drain(sink, 4)).isEqualTo(-EINTR);
        }
        plumbing.closeEnd(pipe, false);
        assertThat(drain(other(), 4)).as("nobody can write").isZero();
        assertThat(drain(other().unlocked(), 4)).isZero();
        assertThat(drain(other().unlocked(), null, 4, SPLICE_F_NONBLOCK)).isZero();
    }

    @Test
    void answersTheSinksErrorWhenNothingCameBeforeIt() {
        put("abc", "def");
        assertThat(drain(other(-ENOSPC), 9)).isEqualTo(-ENOSPC);
        assertThat(drain(other(3, -ENOSPC), 9)).isEqualTo(3);
        assertThat(plumbing.text(pipe)).containsExactly("def");
    }

    @Test
    void waitsForTheSinkWithoutTheLock() {
        put("abc", "def");
        ScriptedFile sink = other(-EAGAIN, 2, -EAGAIN, 1, 3).waiting(0, 0);
        assertThat(drain(sink, 6)).isEqualTo(6);
        assertThat(sink.asked).containsExactly("-11 of 6", "room", "2 of 6", "-11 of 4", "room", "1 of 4", "3 of 3");
    }

    @Test
    void doesNotWaitForASinkThatIsNotWaitedFor() {
        put("abc", "def");
        assertThat(drain(new ScriptedFile(pipe, O_RDWR | O_NONBLOCK).answering(-EAGAIN), 6))
                .isEqualTo(-EAGAIN);
        assertThat(drain(new ScriptedFile(pipe, O_RDWR | O_NONBLOCK).answering(2, -EAGAIN), 6))
                .isEqualTo(2);
        assertThat(drain(other(-EAGAIN).waiting(-EIO), 6)).isEqualTo(-EIO);
        assertThat(drain(other(1, -EAGAIN).waiting(-EIO), 6)).isEqualTo(1);
        assertThat(plumbing.text(pipe)).containsExactly("def");
    }

    @Test
    void endsWithWhatItHasWhenOthersTakeTheRestMeanwhile() {
        put("abc", "def");
        ScriptedFile sink = new ScriptedFile(pipe, O_RDWR) {
            @Override
            long awaitWritable() {
                plumbing.take(pipe, 3);
                return 0;
            }
        };
        sink.answering(3, -EAGAIN);
        assertThat(drain(sink, 6)).isEqualTo(3);
    }

    // To what may take long.

    @Test
    void claimsWhatIsWrittenWithoutTheLock() {
        put("abc", "def", "ghi");
        ScriptedFile host = other(7).unlocked();
        assertThat(drain(host, 7)).isEqualTo(7);
        assertThat(host.asked).containsExactly("7 of 7");
        assertThat(plumbing.text(pipe)).containsExactly("hi");
        assertThat(pipe.claimedLocked()).isFalse();
        ScriptedFile small = other(1, 1).unlocked();
        assertThat(drain(small, 9)).isEqualTo(2);
        assertThat(small.asked).containsExactly("1 of 2", "1 of 1");
        assertThat(drain(other().unlocked(), 0)).isZero();
    }

    @Test
    void asksForNoMoreThanIsLeft() {
        put("abc", "def");
        ScriptedFile host = other(2, 2).unlocked();
        assertThat(drain(host, 4)).isEqualTo(4);
        assertThat(host.asked).containsExactly("2 of 4", "2 of 2");
        assertThat(plumbing.text(pipe)).containsExactly("ef");
    }

    @Test
    void consumesNothingThatTheHostRefuses() {
        put("abc", "def");
        assertThat(drain(other(-ENOSPC).unlocked(), 6)).isEqualTo(-ENOSPC);
        assertThat(drain(other(0).unlocked(), 6)).isZero();
        assertThat(drain(other(4, -ENOSPC).unlocked(), 6)).isEqualTo(4);
        assertThat(plumbing.text(pipe)).containsExactly("ef");
    }
}
