// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EBADF;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.EMFILE;
import static io.sluice.kernel.Flags.FD_CLOEXEC;
import static io.sluice.kernel.Flags.O_PATH;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Stat;
import io.sluice.testing.NoLeaks;
import io.sluice.testing.Pending;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Numbers for open files: the lowest that is free, up to the limit, and a reference for each. */
@NoLeaks
class DescriptorTableTest {
    /** More than a new table has room for. */
    private static final int LIMIT = 150;

    private static final class File extends OpenFile {
        int closed;

        File() {
            this(0);
        }

        File(int statusFlags) {
            super(statusFlags);
        }

        @Override
        void stat(Stat stat) {
            throw new AssertionError("nobody asks");
        }

        @Override
        void closed() {
            closed++;
        }
    }

    private final DescriptorTable table = new DescriptorTable(LIMIT);

    /** Another thread finds its lock free. */
    @AfterEach
    void leavesItsLockFree() {
        List<Integer> here = table.descriptors();
        assertThat(Pending.start(table::descriptors).value()).isEqualTo(here);
    }

    private File put() {
        File file = new File();
        assertThat(table.install(file, false)).isNotNegative();
        return file;
    }

    private void put(int files) {
        IntStream.range(0, files).forEach(i -> put());
    }

    private void closeAll() {
        for (int fd : table.descriptors()) {
            remove(fd);
        }
    }

    private void remove(int fd) {
        OpenFile file = table.remove(fd);
        assertThat(file).isNotNull();
        file.release();
    }

    @Test
    void givesTheLowestNumberThatIsFree() {
        put(4);
        assertThat(table.descriptors()).containsExactly(0, 1, 2, 3);
        remove(2);
        remove(1);
        File second = new File();
        assertThat(table.install(second, false)).isEqualTo(1);
        assertThat(table.acquireAny(1)).isSameAs(second);
        assertThat(table.install(new File(), false)).isEqualTo(2);
        assertThat(table.install(new File(), false)).isEqualTo(4);
    }

    @Test
    void givesANumberFromACertainOneOnAndRemembersThoseBelow() {
        assertThat(table.install(new File(), false, 140)).isEqualTo(140);
        assertThat(table.install(new File(), false, 10)).isEqualTo(10);
        assertThat(table.install(new File(), false, 10)).isEqualTo(11);
        assertThat(table.install(new File(), false)).isZero();
        assertThat(table.install(new File(), false)).isEqualTo(1);
        assertThat(table.descriptors()).containsExactly(0, 1, 10, 11, 140);
    }

    @Test
    void isFullAtItsLimitAndNotBefore() {
        File first = put();
        assertThat(table.isFull()).isFalse();
        put(LIMIT - 2);
        File last = new File();
        assertThat(table.isFull()).isFalse();
        assertThat(table.install(last, false)).isEqualTo(LIMIT - 1);
        assertThat(table.isFull()).isTrue();
        File tooMany = new File();
        assertThat(table.install(tooMany, false)).isEqualTo(-EMFILE);
        assertThat(tooMany.closed).as("stays the caller's").isZero();
        assertThat(table.descriptors()).hasSize(LIMIT);
        assertThat(table.acquire(0)).isSameAs(first);
        assertThat(table.acquire(LIMIT - 1)).isSameAs(last);
        assertThat(table.acquire(LIMIT)).isNull();
        remove(70);
        assertThat(table.isFull()).isFalse();
    }

    @Test
    void staysWithinALimitThatIsSmall() {
        DescriptorTable small = new DescriptorTable(2);
        assertThat(small.isFull()).isFalse();
        assertThat(small.install(new File(), false)).isZero();
        assertThat(small.install(new File(), false)).isEqualTo(1);
        assertThat(small.install(new File(), false)).isEqualTo(-EMFILE);
        assertThat(small.isFull()).isTrue();
    }

    @Test
    void hasNothingUnderANumberThatItDidNotGive() {
        put();
        for (int fd : new int[] {-1, 1, 63, 64, 1000}) {
            assertThat(table.acquire(fd)).isNull();
            assertThat(table.acquireAny(fd)).isNull();
            assertThat(table.remove(fd)).isNull();
            assertThat(table.descriptorFlags(fd)).isEqualTo(-EBADF);
            assertThat(table.setDescriptorFlags(fd, 0)).isEqualTo(-EBADF);
            assertThat(table.duplicate(fd, 0, false)).isEqualTo(-EBADF);
        }
    }

    @Test
    void takesAReferenceForWhoeverLooksAFileUp() {
        File file = put();
        assertThat(table.acquire(0)).isSameAs(file);
        remove(0);
        assertThat(file.closed).isZero();
        file.release();
        assertThat(file.closed).isEqualTo(1);
    }

    @Test
    void doesNotAnswerAFileThatHasBeenClosedMeanwhile() {
        File file = put();
        file.release();
        assertThat(table.acquire(0)).isNull();
        assertThat(table.acquireAny(0)).isNull();
    }

    @Test
    void answersAFileOpenedForItsPathOnlyWhereThatWillDo() {
        File path = new File(O_PATH);
        assertThat(table.install(path, false)).isZero();
        assertThat(table.acquire(0)).isNull();
        assertThat(table.acquireAny(0)).isSameAs(path);
        path.release();
        assertThat(path.closed).isZero();
        remove(0);
        assertThat(path.closed).isEqualTo(1);
    }

    @Test
    void givesTwoNumbersOrNone() {
        put(3);
        remove(1);
        File one = new File();
        File two = new File();
        int[] fds = {-1, -1};
        assertThat(table.installPair(one, two, true, fds)).isZero();
        assertThat(fds).containsExactly(1, 3);
        assertThat(table.acquire(1)).isSameAs(one);
        assertThat(table.acquire(3)).isSameAs(two);
        assertThat(table.descriptorFlags(1)).isEqualTo(FD_CLOEXEC);
        assertThat(table.descriptorFlags(3)).isEqualTo(FD_CLOEXEC);
        put(LIMIT - 5);
        int[] untouched = {-1, -1};
        assertThat(table.installPair(new File(), new File(), false, untouched)).isEqualTo(-EMFILE);
        put();
        assertThat(table.installPair(new File(), new File(), false, untouched)).isEqualTo(-EMFILE);
        assertThat(untouched).containsExactly(-1, -1);
        closeAll();
        assertThat(table.installPair(new File(), new File(), false, fds)).isZero();
        assertThat(fds).containsExactly(0, 1);
    }

    @Test
    void knowsWhichAreClosedAtExec() {
        assertThat(table.install(new File(), true)).isZero();
        assertThat(table.install(new File(), false)).isEqualTo(1);
        assertThat(table.descriptorFlags(0)).isEqualTo(FD_CLOEXEC);
        assertThat(table.descriptorFlags(1)).isZero();
        assertThat(table.setDescriptorFlags(0, ~FD_CLOEXEC)).isZero();
        assertThat(table.setDescriptorFlags(1, FD_CLOEXEC)).isZero();
        assertThat(table.descriptorFlags(0)).isZero();
        assertThat(table.descriptorFlags(1)).isEqualTo(FD_CLOEXEC);
        put(LIMIT - 2);
        assertThat(table.descriptorFlags(1)).as("in a larger table").isEqualTo(FD_CLOEXEC);
        assertThat(table.descriptorFlags(LIMIT)).isEqualTo(-EBADF);
        remove(1);
        put();
        assertThat(table.descriptorFlags(1)).as("of another file").isZero();
    }

    @Test
    void givesAFileOneMoreNumber() {
        File file = put();
        assertThat(table.duplicate(0, 0, false)).isEqualTo(1);
        assertThat(table.duplicate(0, LIMIT - 1, true)).isEqualTo(LIMIT - 1);
        assertThat(table.descriptorFlags(1)).isZero();
        assertThat(table.descriptorFlags(LIMIT - 1)).isEqualTo(FD_CLOEXEC);
        remove(0);
        assertThat(table.duplicate(1, 0, false)).as("the first of all").isZero();
        remove(0);
        remove(1);
        assertThat(file.closed).isZero();
        assertThat(table.acquireAny(LIMIT - 1)).isSameAs(file);
        file.release();
        remove(LIMIT - 1);
        assertThat(file.closed).isEqualTo(1);
    }

    @Test
    void refusesNumbersThatNobodyCanHave() {
        File file = put();
        assertThat(table.duplicate(0, -1, false)).isEqualTo(-EINVAL);
        assertThat(table.duplicate(0, LIMIT, false)).isEqualTo(-EINVAL);
        put(LIMIT - 1);
        assertThat(table.duplicate(0, 0, false)).isEqualTo(-EMFILE);
        remove(0);
        assertThat(file.closed).as("refused, it took no reference").isEqualTo(1);
    }

    @Test
    void givesNoNumberMoreOnceTheKernelEnds() {
        File file = put();
        table.close();
        assertThat(table.isFull()).isTrue();
        assertThat(table.install(new File(), false)).isEqualTo(-EMFILE);
        assertThat(table.duplicate(0, 0, false)).isEqualTo(-EINVAL);
        assertThat(table.remove(0)).isSameAs(file);
    }
}
