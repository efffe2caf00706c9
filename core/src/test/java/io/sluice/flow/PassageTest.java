// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.kernel.Flags.O_NONBLOCK;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.user.UserKernels;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which bytes of a pipe are proven to have been copied, whoever took them and in whatever order. */
final class PassageTest {
    private final Kernel kernel = UserKernels.inMemory();
    private final MemorySegment room = Arena.ofAuto().allocate(4096);
    private final int[] pipe = newPipe();
    private final int[] onward = newPipe();
    private final Passage passage = new Passage();

    private int[] newPipe() {
        int[] fds = new int[2];
        assertThat(kernel.pipe2(fds, O_NONBLOCK)).isZero();
        return fds;
    }

    @AfterEach
    void close() {
        kernel.close();
    }

    private void write(int bytes) {
        assertThat(kernel.write(pipe[1], room.asSlice(0, bytes))).isEqualTo(bytes);
    }

    private void read(int bytes) {
        assertThat(passage.read(kernel, pipe[0], room.asSlice(0, bytes))).isEqualTo(bytes);
    }

    private void splice(int bytes) {
        assertThat(passage.splice(kernel, pipe[0], onward[1], bytes, 0)).isEqualTo(bytes);
    }

    private long end() {
        return passage.end(kernel, pipe[1]);
    }

    private boolean isSettled(long end) {
        return passage.isSettled(end, 0);
    }

    @Test
    void bytesAreSettledWhenTheLastOfThemWasRead() {
        write(10);
        long end = end();
        read(9);
        assertThat(isSettled(end)).isFalse();
        read(1);
        assertThat(isSettled(end)).isTrue();
    }

    @Test
    void whatIsWrittenLaterIsNotWaitedFor() {
        write(10);
        long end = end();
        write(10);
        read(10);
        assertThat(isSettled(end)).isTrue();
        assertThat(isSettled(end())).isFalse();
    }

    @Test
    void bytesOnTheirWayAreSettledWhenAFileHasThem() {
        write(10);
        long end = end();
        splice(10);
        passage.arrivedInFile(9);
        assertThat(isSettled(end)).isFalse();
        passage.arrivedInFile(1);
        assertThat(isSettled(end)).isTrue();
    }

    /** The later reader is done first; its count says nothing about the earlier bytes. */
    @Test
    void bytesReadBehindOthersThatAreOnTheirWaySettleNothing() {
        write(10);
        long end = end();
        write(10);
        splice(10);
        read(10);
        assertThat(isSettled(end)).isFalse();
        passage.arrivedInFile(10);
        assertThat(isSettled(end)).isTrue();
    }

    /** What is already out of the pipe when memory is lent must not count towards it when it arrives. */
    @Test
    void bytesOnTheirWayWhenOthersAreLentDoNotStandForThem() {
        write(10);
        splice(10);
        write(5);
        long end = end();
        passage.arrivedInFile(10);
        assertThat(isSettled(end)).isFalse();
        read(5);
        assertThat(isSettled(end)).isTrue();
    }

    @Test
    void afterAnEscapeNothingLentBeforeIsSettled() {
        write(10);
        long end = end();
        long before = passage.escapes();
        splice(10);
        passage.escaped(10);
        assertThat(passage.isSettled(end, before)).isFalse();
        write(10);
        long later = end();
        long now = passage.escapes();
        read(10);
        assertThat(passage.isSettled(later, now)).isTrue();
    }

    @Test
    void onceHandedOutNothingIsSettled() {
        write(10);
        long end = end();
        read(10);
        passage.handOut();
        assertThat(isSettled(end)).isFalse();
    }

    @Test
    void aPipeThatCannotBeAskedSettlesNothing() {
        write(10);
        assertThat(passage.end(kernel, 99)).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void moreArrivingThanWasTakenIsAMistake() {
        assertThatThrownBy(() -> passage.arrivedInFile(1)).isInstanceOf(IllegalStateException.class);
    }
}
