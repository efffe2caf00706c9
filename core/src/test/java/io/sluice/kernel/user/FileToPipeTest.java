// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.EBADF;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.EIO;
import static io.sluice.kernel.Errno.EPIPE;
import static io.sluice.kernel.Errno.ESPIPE;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_RDWR;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Offset;
import io.sluice.kernel.user.Machine.Running;
import io.sluice.testing.NoLeaks;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** splice into a pipe: its checks, what is asked of the file, and when what is waited for. */
@NoLeaks
class FileToPipeTest {
    private final Plumbing plumbing = new Plumbing();
    private final Pipe pipe = plumbing.pipe();
    private final OpenFile writes = new PipeEnd(pipe, O_WRONLY);

    @AfterEach
    void close() {
        plumbing.close();
    }

    private ScriptedFile other(Number... answers) {
        return new ScriptedFile(pipe, O_RDWR).answering(answers);
    }

    private long fill(ScriptedFile from, @Nullable Offset offset, long len, int flags) {
        return Splice.splice(from, offset, writes, null, len, flags);
    }

    private long fill(ScriptedFile from, long len) {
        return fill(from, null, len, 0);
    }

    private void fillUp() {
        for (int i = 0; i < 16; i++) {
            plumbing.put(pipe, "full");
        }
    }

    @Test
    void needsAPipeOnOneSideAndNoOffsetForIt() {
        ScriptedFile other = other().at(0);
        assertThat(Splice.splice(other, null, other(), null, 1, 0)).isEqualTo(-EINVAL);
        assertThat(Splice.splice(other, null, writes, new Offset(0), 1, 0)).isEqualTo(-ESPIPE);
        assertThat(other.asked).isEmpty();
    }

    @Test
    void readsWhatMayBeReadAndWritesWhatMayBeWritten() {
        assertThat(Splice.splice(other(), null, new PipeEnd(pipe, O_RDONLY), null, 1, 0))
                .isEqualTo(-EBADF);
        assertThat(fill(new ScriptedFile(pipe, O_WRONLY), 1)).isEqualTo(-EBADF);
    }

    @Test
    void refusesPlacesWhereNothingCanBe() {
        ScriptedFile none = other().at(0);
        for (long len : new long[] {-1, Long.MIN_VALUE}) {
            assertThat(fill(other(), len)).isEqualTo(-EINVAL);
            assertThat(fill(none, new Offset(0), len, 0)).isEqualTo(-EINVAL);
        }
        for (long offset : new long[] {-1, Long.MAX_VALUE, Long.MIN_VALUE}) {
            assertThat(fill(none, new Offset(offset), 10, 0)).isEqualTo(-EINVAL);
        }
        assertThat(fill(other().at(Long.MAX_VALUE), 10)).isEqualTo(-EINVAL);
        assertThat(fill(other(), new Offset(0), 10, 0)).as("no place at all").isEqualTo(-EINVAL);
        assertThat(none.asked).isEmpty();
    }

    @Test
    void movesTheOffsetGivenOrElseThePositionOnceAllIsDone() {
        ScriptedFile given = other(5).at(100);
        Offset offset = new Offset(7);
        assertThat(fill(given, offset, 10, 0)).isEqualTo(5);
        assertThat(given.asked).containsExactly("5 of 10 at 7", "end");
        assertThat(offset.value()).isEqualTo(12);
        ScriptedFile own = other(5).at(100);
        assertThat(fill(own, 10)).isEqualTo(5);
        assertThat(own.asked).containsExactly("5 of 10 at 100", "end", "seek 105");
    }

    @Test
    void setsThePositionEvenWhereNothingCouldBeMoved() {
        ScriptedFile refused = other(-EIO).at(3);
        assertThat(fill(refused, 10)).isEqualTo(-EIO);
        assertThat(refused.asked).containsExactly("-5 of 10 at 3", "end", "seek 3");
        ScriptedFile invalid = other(-EINVAL).at(3);
        assertThat(fill(invalid, 10)).isEqualTo(-EINVAL);
        assertThat(invalid.asked).containsExactly("-22 of 10 at 3", "end");
    }

    @Test
    void fillsOnceAndTellsThoseWhoWatch() {
        List<Integer> heard = plumbing.heardByReaders(pipe);
        ScriptedFile end = other(0);
        assertThat(fill(end, 10)).isZero();
        assertThat(heard).as("nothing came").isEmpty();
        assertThat(fill(other(0).at(0), new Offset(0), 0, 0)).isZero();
        assertThat(fill(other(0), 0)).isZero();
        assertThat(fill(other(3), 10)).isEqualTo(3);
        assertThat(heard).hasSize(1);
        assertThat(plumbing.text(pipe)).containsExactly("xxx");
    }

    @Test
    void wantsRoomBeforeItLooksAtTheSource() {
        ScriptedFile never = other();
        never.splices = false;
        assertThat(fill(never, 1)).isEqualTo(-EINVAL);
        fillUp();
        assertThat(fill(never, null, 1, SPLICE_F_NONBLOCK)).isEqualTo(-EAGAIN);
        OpenFile quick = new PipeEnd(pipe, O_WRONLY | O_NONBLOCK);
        assertThat(Splice.splice(never, null, quick, null, 1, 0)).isEqualTo(-EAGAIN);
        assertThat(never.asked).containsExactly("end", "end", "end");
        plumbing.closeEnd(pipe, true);
        assertThat(fill(never, 1)).isEqualTo(-EPIPE);
    }

    @Test
    void waitsForRoomWhenItMay() throws Exception {
        fillUp();
        ScriptedFile source = other(2);
        Running<Long> sleeper = Machine.start(() -> fill(source, 2)).asleep();
        assertThat(source.asked).isEmpty();
        plumbing.take(pipe, 4);
        assertThat(sleeper.answer()).isEqualTo(2);
    }

    @Test
    void waitsForTheSourceWithoutTheLock() {
        ScriptedFile source = other(-EAGAIN, -EAGAIN, 4).waiting(0, 0);
        assertThat(fill(source, 9)).isEqualTo(4);
        assertThat(source.asked)
                .containsExactly("-11 of 9", "waits?", "data of 9", "-11 of 9", "waits?", "data of 9", "4 of 9", "end");
    }

    @Test
    void asksTheSourceWhetherItIsWaitedFor() {
        ScriptedFile source = other(-EAGAIN);
        assertThat(fill(source, null, 9, SPLICE_F_NONBLOCK)).isEqualTo(-EAGAIN);
        assertThat(source.asked).containsExactly("-11 of 9", "waits not?", "end");
        ScriptedFile broken = other(-EAGAIN).waiting(-EIO);
        assertThat(fill(broken, 9)).isEqualTo(-EIO);
        assertThat(broken.asked).containsExactly("-11 of 9", "waits?", "data of 9", "end");
    }
}
