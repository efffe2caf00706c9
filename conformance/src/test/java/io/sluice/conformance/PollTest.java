// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static io.sluice.conformance.Rig.bytes;
import static io.sluice.conformance.Rig.room;
import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.Flags.POLLERR;
import static io.sluice.kernel.Flags.POLLHUP;
import static io.sluice.kernel.Flags.POLLIN;
import static io.sluice.kernel.Flags.POLLNVAL;
import static io.sluice.kernel.Flags.POLLOUT;
import static io.sluice.kernel.Flags.POLLRDNORM;
import static io.sluice.kernel.Flags.POLLWRNORM;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.conformance.Rig.PipeEnds;
import java.util.List;
import java.util.function.LongSupplier;

/** poll of pipe ends: exact masks, and what wakes a poll that sleeps. */
class PollTest {
    private static final int EVERYTHING = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;

    @OnEachKernel
    @Holds("N01")
    void readinessHasTwoNamesForEachDirectionAndNeverTheOtherOnes(Rig rig) {
        PipeEnds pipe = oneSlot(rig);
        assertThat(rig.kernel().poll(pipe.r(), EVERYTHING, 0)).isZero();
        assertThat(rig.kernel().poll(pipe.w(), EVERYTHING, 0)).isEqualTo(POLLOUT | POLLWRNORM);

        rig.write(pipe.w(), "x");

        assertThat(rig.kernel().poll(pipe.r(), EVERYTHING, 0)).isEqualTo(POLLIN | POLLRDNORM);
        assertThat(rig.kernel().poll(pipe.w(), EVERYTHING, 0)).isZero();
    }

    @OnEachKernel
    @Holds("N01")
    void onlyWhatWasAskedForIsAnswered(Rig rig) {
        PipeEnds pipe = rig.pipe();
        rig.write(pipe.w(), "x");

        assertThat(rig.kernel().poll(pipe.r(), POLLRDNORM, 0)).isEqualTo(POLLRDNORM);
        assertThat(rig.kernel().poll(pipe.r(), POLLOUT, 0)).isZero();
        assertThat(rig.kernel().poll(pipe.w(), POLLIN, 0)).isZero();
    }

    @OnEachKernel
    @Holds({"N04", "N05"})
    void hangUpAndErrorAreReportedEvenIfNotAskedFor(Rig rig) {
        PipeEnds unwritten = rig.pipe();
        rig.close(unwritten.w());
        assertThat(rig.kernel().poll(unwritten.r(), 0, -1)).isEqualTo(POLLHUP);

        PipeEnds unread = rig.pipe();
        rig.close(unread.r());
        assertThat(rig.kernel().poll(unread.w(), 0, -1)).isEqualTo(POLLERR);
    }

    @OnEachKernel
    @Holds("N06")
    void aSleepingPollForInputIsWokenByWhateverPutsBytesIn(Rig rig) {
        PipeEnds pipe = rig.pipe();
        PipeEnds source = rig.pipe();
        rig.write(source.w(), "abcdef");
        int file = rig.file("abc", O_RDONLY);

        wokenForInput(rig, pipe, () -> rig.kernel().write(pipe.w(), bytes("x")));
        wokenForInput(rig, pipe, () -> rig.kernel().splice(file, null, pipe.w(), null, 1, 0));
        wokenForInput(rig, pipe, () -> rig.kernel().tee(source.r(), pipe.w(), 1, 0));
        wokenForInput(rig, pipe, () -> rig.kernel().splice(source.r(), null, pipe.w(), null, 1, 0));
        wokenForInput(rig, pipe, () -> rig.kernel().vmsplice(pipe.w(), List.of(rig.memory("x")), 0));
    }

    private static void wokenForInput(Rig rig, PipeEnds pipe, LongSupplier oneByte) {
        Pending poll = rig.start(() -> rig.kernel().poll(pipe.r(), POLLIN, -1)).mustSleep();
        assertThat(oneByte.getAsLong()).isEqualTo(1);
        assertThat(poll.answer()).isEqualTo(POLLIN);
        assertThat(rig.kernel().read(pipe.r(), room(10))).isEqualTo(1);
    }

    @OnEachKernel
    @Holds("N06")
    void aSleepingPollForOutputIsWokenByWhateverFreesASlot(Rig rig) {
        PipeEnds pipe = oneSlot(rig);
        PipeEnds other = rig.pipe();
        int sink = rig.keep(rig.kernel().open("/dev/null", O_WRONLY, 0));

        wokenForOutput(rig, pipe, () -> rig.kernel().read(pipe.r(), room(1)));
        wokenForOutput(rig, pipe, () -> rig.kernel().splice(pipe.r(), null, sink, null, 1, 0));
        wokenForOutput(rig, pipe, () -> rig.kernel().splice(pipe.r(), null, other.w(), null, 1, 0));
        wokenForOutput(rig, pipe, () -> rig.kernel().vmsplice(pipe.r(), List.of(room(1)), 0));
    }

    private static void wokenForOutput(Rig rig, PipeEnds pipe, LongSupplier freeing) {
        rig.write(pipe.w(), "x");
        Pending poll = rig.start(() -> rig.kernel().poll(pipe.w(), POLLOUT, -1)).mustSleep();
        assertThat(freeing.getAsLong()).isEqualTo(1);
        assertThat(poll.answer()).isEqualTo(POLLOUT);
    }

    @OnEachKernel
    @Holds({"N04", "N05"})
    void aSleepingPollIsWokenByTheOtherEndsClose(Rig rig) {
        PipeEnds unwritten = rig.pipe();
        Pending input =
                rig.start(() -> rig.kernel().poll(unwritten.r(), POLLIN, -1)).mustSleep();
        rig.close(unwritten.w());
        assertThat(input.answer()).isEqualTo(POLLHUP);

        PipeEnds unread = oneSlot(rig);
        rig.write(unread.w(), "x");
        Pending output =
                rig.start(() -> rig.kernel().poll(unread.w(), POLLOUT, -1)).mustSleep();
        rig.close(unread.r());
        assertThat(output.answer()).isEqualTo(POLLERR);
    }

    @OnEachKernel
    @Holds("N12")
    void anUnusedNumberAnswersPollnval(Rig rig) {
        assertThat(rig.kernel().poll(Rig.BADFD, POLLIN | POLLOUT, -1)).isEqualTo(POLLNVAL);
        assertThat(rig.kernel().poll(Rig.BADFD, 0, 0)).isEqualTo(POLLNVAL);
    }

    private static PipeEnds oneSlot(Rig rig) {
        PipeEnds pipe = rig.pipe();
        assertThat(rig.kernel().fcntl(pipe.w(), F_SETPIPE_SZ, 4096)).isEqualTo(4096);
        return pipe;
    }
}
