// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.ESPIPE;
import static io.sluice.kernel.Flags.F_GETPIPE_SZ;
import static io.sluice.kernel.Flags.F_GET_SEALS;
import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_RDWR;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.Flags.POLLERR;
import static io.sluice.kernel.Flags.POLLHUP;
import static io.sluice.kernel.Flags.POLLIN;
import static io.sluice.kernel.Flags.POLLOUT;
import static io.sluice.kernel.Flags.POLLRDNORM;
import static io.sluice.kernel.Flags.POLLWRNORM;
import static io.sluice.kernel.Flags.S_IFIFO;
import static io.sluice.kernel.user.Machine.PAGE;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Stat;
import io.sluice.testing.NoLeaks;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What one end of a pipe shows and passes on: an end without a name, one of a FIFO, both in one. */
@NoLeaks
class PipeEndTest {
    private static final int IN = POLLIN | POLLRDNORM;
    private static final int OUT = POLLOUT | POLLWRNORM;

    private final Plumbing plumbing = new Plumbing();
    private final Pipe pipe = plumbing.pipe();
    private final PipeEnd reads = new PipeEnd(pipe, O_RDONLY);
    private final PipeEnd writes = new PipeEnd(pipe, O_WRONLY);

    @AfterEach
    void close() {
        plumbing.close();
    }

    private static Iov bytes(int count) {
        return new Iov().of(MemorySegment.ofArray(new byte[count]));
    }

    /** The name of a pipe in a tree that is not there. */
    private final class Name implements PipeName {
        private final Fifo inode = new Fifo(plumbing.resources, 0640);
        final List<Boolean> closed = new ArrayList<>();

        @Override
        public Inode inode() {
            return inode;
        }

        @Override
        public void stat(Stat stat) {
            inode.stat(stat);
        }

        @Override
        public void close(Pipe of, boolean read, boolean write) {
            assertThat(of).isSameAs(pipe);
            closed.add(read);
            closed.add(write);
        }
    }

    @Test
    void readsAndWritesItsPipe() {
        assertThat(reads.pipe()).isSameAs(pipe);
        assertThat(writes.write(bytes(10), false)).isEqualTo(10);
        assertThat(reads.fionread()).isEqualTo(10);
        assertThat(reads.read(bytes(4), false)).isEqualTo(4);
        assertThat(pipe.ring.bytes()).isEqualTo(6);
    }

    @Test
    void hasACapacityButNoSpaceToSetAside() {
        assertThat(reads.control(F_GETPIPE_SZ, 0)).isEqualTo(16 * PAGE);
        assertThat(writes.control(F_SETPIPE_SZ, 3 * PAGE)).isEqualTo(4 * PAGE);
        assertThat(reads.control(F_GETPIPE_SZ, 0)).isEqualTo(4 * PAGE);
        assertThat(reads.control(F_GET_SEALS, 0)).isEqualTo(-EINVAL);
        assertThat(writes.allocate(0, 0, 1)).isEqualTo(-ESPIPE);
    }

    @Test
    void closesItsSideAlone() {
        writes.release();
        assertThat(pipe.hasWriterLocked()).isFalse();
        assertThat(pipe.hasReaderLocked()).isTrue();
        reads.release();
        assertThat(pipe.hasReaderLocked()).isFalse();
    }

    @Test
    void showsWhatAPipeIs() {
        Stat stat = new Stat();
        reads.stat(stat);
        assertThat(reads.inode()).isNull();
        assertThat(stat.dev()).isEqualTo(Device.PIPE_FILES);
        assertThat(stat.ino()).isEqualTo(pipe.sequence()).isPositive();
        assertThat(stat.mode()).isEqualTo(S_IFIFO | 0600);
        assertThat(stat.nlink()).isEqualTo(1);
        assertThat(stat.blksize()).isEqualTo(PAGE);
        assertThat(reads).hasToString("read end of pipe " + pipe.sequence());
        assertThat(writes).hasToString("write end of pipe " + pipe.sequence());
    }

    @Test
    void leavesToItsNameWhatIsTheNames() {
        Name name = new Name();
        PipeEnd both = new PipeEnd(pipe, name, O_RDWR, -1);
        Stat stat = new Stat();
        both.stat(stat);
        assertThat(stat.mode()).isEqualTo(S_IFIFO | 0640);
        assertThat(stat.ino()).isEqualTo(name.inode.number);
        assertThat(both.inode()).isSameAs(name.inode);
        assertThat(both).hasToString("both ends of pipe " + pipe.sequence());
        both.release();
        new PipeEnd(pipe, name, O_RDONLY, -1).release();
        assertThat(name.closed).containsExactly(true, true, true, false);
        assertThat(pipe.hasReaderLocked()).as("the name closes").isTrue();
    }

    @Test
    void isReadyForDataAndForRoom() {
        PipeEnd both = new PipeEnd(pipe, O_RDWR);
        assertThat(reads.readiness()).isZero();
        assertThat(writes.readiness()).isEqualTo(OUT);
        assertThat(both.readiness()).isEqualTo(OUT);
        writes.write(bytes(1), false);
        assertThat(reads.readiness()).isEqualTo(IN);
        assertThat(both.readiness()).isEqualTo(IN | OUT);
        writes.write(bytes(15 * PAGE), false);
        assertThat(writes.readiness()).isZero();
        assertThat(both.readiness()).isEqualTo(IN);
    }

    @Test
    void showsThatTheOtherSideIsGone() {
        writes.write(bytes(1), false);
        plumbing.closeEnd(pipe, false);
        assertThat(reads.readiness()).isEqualTo(IN | POLLHUP);
        reads.read(bytes(1), false);
        assertThat(reads.readiness()).isEqualTo(POLLHUP);
        Pipe unread = plumbing.pipe();
        plumbing.closeEnd(unread, true);
        assertThat(new PipeEnd(unread, O_WRONLY).readiness()).isEqualTo(OUT | POLLERR);
    }

    @Test
    void showsNoHangUpBeforeAWriterHasCome() {
        plumbing.closeEnd(pipe, false);
        PipeEnd early = new PipeEnd(pipe, new Name(), O_RDONLY, pipe.writeEndsEverLocked());
        assertThat(early.readiness()).isZero();
        pipe.lock();
        pipe.openEndLocked(false, true);
        pipe.unlock();
        assertThat(early.readiness()).isZero();
        plumbing.closeEnd(pipe, false);
        assertThat(early.readiness()).isEqualTo(POLLHUP);
    }

    @Test
    void tellsThoseWhoWatchItsSide() {
        List<Integer> readSide = new ArrayList<>();
        List<Integer> writeSide = new ArrayList<>();
        Watch readWatch = readSide::add;
        assertThat(reads.watch(readWatch)).isTrue();
        assertThat(writes.watch(writeSide::add)).isTrue();
        writes.write(bytes(PAGE), false);
        assertThat(readSide).containsExactly(IN);
        assertThat(writeSide).isEmpty();
        reads.unwatch(readWatch);
        writes.write(bytes(PAGE), false);
        assertThat(readSide).hasSize(1);
    }
}
