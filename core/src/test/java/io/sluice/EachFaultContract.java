// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.FaultRuns.Flow;
import io.sluice.FaultRuns.Outcome;
import io.sluice.FaultRuns.Run;
import io.sluice.FaultRuns.Running;
import io.sluice.kernel.Errno;
import io.sluice.kernel.wrap.FaultyKernel;
import io.sluice.testing.NoLeaks;
import io.sluice.testing.Stand;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * A run is counted, and then made again once for each of its calls and each fault that is legal for it (R4): no byte is
 * lost, doubled or out of order, what is told is what has arrived, and nothing is left behind (pitfalls 6, 22, 34, 35,
 * 68 and 70).
 */
@NoLeaks
abstract class EachFaultContract {
    private static final List<Integer> FAULTS =
            List.of(Errno.EINTR, Errno.EAGAIN, Errno.ENOSYS, Errno.EPERM, Errno.ENOMEM, Errno.EMFILE);

    final Stand stand = newStand();
    private final FaultRuns runs = new FaultRuns(stand);

    abstract Stand newStand();

    @AfterEach
    void close() throws IOException {
        stand.close();
    }

    @TestFactory
    Stream<DynamicTest> everyCallMayMeetEveryFault() {
        record Named(String name, Run run) {}
        return Stream.of(
                        new Named("file to file", runs::fileToFile),
                        new Named("file to socket", runs::fileToSocket),
                        new Named("FIFO to socket", runs::fifoToSocket),
                        new Named("socket to socket", runs::socketToSocket),
                        new Named("fan-out", runs::fanOut),
                        new Named("join", runs::join),
                        new Named("memory to socket", runs::memoryToSocket),
                        new Named("memory to pipe", runs::memoryToPipe))
                .flatMap(named -> FAULTS.stream()
                        .map(errno -> DynamicTest.dynamicTest(
                                named.name + ", " + Errno.name(errno), () -> withEach(named.run, errno))));
    }

    private void withEach(Run run, int errno) throws Exception {
        long opening = callsToOpen(run);
        long number = 1;
        while (sound(run, opening, number, errno)) {
            number++;
        }
        assertThat(number).as("calls in which something could go wrong").isGreaterThan(1);
    }

    /** Makes the run with one fault. Answers whether there was a call to meet it. */
    private boolean sound(Run run, long opening, long number, int errno) throws Exception {
        FaultyKernel faults = FaultyKernel.builder(stand.kernel())
                .failing(opening + number, errno)
                .build();
        try (Sluice plain = Sluice.on(stand.kernel());
                Sluice faulty = Sluice.on(faults);
                Running running = run.open(faulty, plain)) {
            Outcome outcome = running.go();
            boolean met = faults.calls() >= opening + number;
            String where = "call " + number + " of the run answered " + Errno.name(errno);
            outcome.flows().forEach(flow -> assertSound(flow, outcome.well(), where));
            assertThat(outcome.well() || outcome.failure() != null).as(where).isTrue();
            assertThat(outcome.well() || met).as("without a fault").isTrue();
            if (errno == Errno.EINTR || errno == Errno.EAGAIN) {
                assertThat(outcome.failure())
                        .as("what is for the moment is asked again; " + where)
                        .isNull();
            }
            if (outcome.failure() instanceof ErrnoException failure) {
                assertThat(Errno.name(failure.errno())).as(where).isEqualTo(Errno.name(errno));
            }
            return met;
        }
    }

    private static void assertSound(Flow flow, boolean well, String where) {
        byte[] beginning = Arrays.copyOf(flow.sent, Math.min(flow.sent.length, flow.arrived.length));
        assertThat(flow.arrived).as(where).isEqualTo(beginning);
        if (flow.mayBeCut) {
            assertThat(flow.told).as(where).isGreaterThanOrEqualTo(flow.arrived.length);
        } else {
            assertThat(flow.told).as(where).isEqualTo(flow.arrived.length);
        }
        if (well) {
            assertThat(flow.arrived.length).as(where).isEqualTo(flow.sent.length);
        }
    }

    private long callsToOpen(Run run) throws IOException {
        FaultyKernel counting = FaultyKernel.builder(stand.kernel()).build();
        try (Sluice plain = Sluice.on(stand.kernel());
                Sluice faulty = Sluice.on(counting);
                Running _ = run.open(faulty, plain)) {
            return counting.calls();
        }
    }
}
