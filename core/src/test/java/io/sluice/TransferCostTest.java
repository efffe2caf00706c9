// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.TransferPath;
import io.sluice.kernel.wrap.CountingKernel;
import io.sluice.testing.Stand;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * What bulk costs in system calls: counts, which no load of the machine changes, where the benchmarks measure times. On
 * the user-space kernel with files, so that nobody waits for anybody and each run makes the same calls.
 */
final class TransferCostTest extends SluiceFixture {
    private static final int MEBIBYTES = 16;

    /** Up to where the ways have been tried and the pipe has its size. */
    private static final int FIRST_CALLS = 24;

    private CountingKernel counted;

    @Override
    Stand newStand() {
        return Stand.inUserSpace();
    }

    @Override
    Kernel around(Kernel plain) {
        counted = new CountingKernel(plain);
        return counted;
    }

    private FileEnd source() throws IOException {
        return keep(sluice.open(stand.write(directory.resolve("source"), new byte[MEBIBYTES << 20])));
    }

    private FileEnd sink(String name) throws IOException {
        return keep(sluice.open(directory.resolve(name), WRITE, CREATE));
    }

    /** The calls that it took, by name. */
    private Map<String, Long> callsOf(Transfer transfer) throws IOException {
        Map<String, Long> before = counted.calls();
        assertThat(transfer.run().bytes()).isEqualTo((long) MEBIBYTES << 20);
        Map<String, Long> calls = counted.calls();
        before.forEach((name, count) -> calls.merge(name, -count, Long::sum));
        calls.values().removeIf(count -> count == 0);
        return calls;
    }

    private static long sum(Map<String, Long> calls) {
        return calls.values().stream().mapToLong(Long::longValue).sum();
    }

    /** A pipe of 512 KiB is filled and emptied twice for each MiB. */
    @Test
    void aMebibyteThroughAPipeTakesFourSplices() throws Exception {
        Map<String, Long> calls =
                callsOf(sluice.transfer(source()).to(sink("sink")).path(TransferPath.SPLICE));
        assertThat(calls.get("splice")).isLessThanOrEqualTo(4L * MEBIBYTES + 1); // that finds the end
        assertThat(sum(calls)).as("%s", calls).isLessThanOrEqualTo(4L * MEBIBYTES + FIRST_CALLS);
    }

    /**
     * One that is duplicated first is emptied into two, and asked what it holds. The mirror has a thread of its own:
     * how many pipes lie between depends on which of the two is faster, and each is made once.
     */
    @Test
    void aMirrorAddsATeeAndASpliceForEachPipeful() throws Exception {
        Map<String, Long> calls =
                callsOf(sluice.transfer(source()).to(sink("sink")).mirrorTo(sink("mirror"), WhenFull.BLOCK));
        assertThat(calls.get("splice")).as("splices, a few of them in vain").isBetween(6L * MEBIBYTES, 7L * MEBIBYTES);
        assertThat(calls.get("tee")).isBetween(2L * MEBIBYTES, 3L * MEBIBYTES);
        assertThat(sum(calls)).as("%s", calls).isLessThanOrEqualTo(16L * MEBIBYTES);
    }

    /** Which is the kernel's own affair, and asked for in large pieces. */
    @Test
    void aCopyFromFileToFileTakesACallForManyMebibytes() throws Exception {
        Map<String, Long> calls = callsOf(sluice.transfer(source()).to(sink("sink")));
        assertThat(sum(calls)).as("%s", calls).isLessThanOrEqualTo(FIRST_CALLS);
    }
}
