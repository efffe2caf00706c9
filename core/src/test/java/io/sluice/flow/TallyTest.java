// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.TransferPath;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What is kept of what happened to one sink's bytes. */
class TallyTest {
    private final Tally tally = new Tally();

    /** A number for each, so that it shows which were kept. */
    private static List<Fallback> refusals(int count) {
        return IntStream.rangeClosed(1, count)
                .mapToObj(errno -> new Fallback(TransferPath.SPLICE, "splice", errno))
                .toList();
    }

    @Test
    void theFirst32RefusalsAreKeptAndTheListStopsGrowing() {
        refusals(32).forEach(tally::fellBack);
        assertThat(tally.fallbacks()).isEqualTo(refusals(32));
        refusals(1000).forEach(tally::fellBack);
        assertThat(tally.fallbacks()).isEqualTo(refusals(32));
    }

    @Test
    void bytesAreStillCountedWhenRefusalsAreNot() {
        refusals(1000).forEach(tally::fellBack);
        tally.moved(TransferPath.COPY, 3);
        tally.moved(TransferPath.SPLICE, 4);
        assertThat(tally.bytes(TransferPath.COPY)).isEqualTo(3);
        assertThat(tally.bytes()).isEqualTo(7);
    }

    @Test
    void whatWasAskedForBeforeDoesNotChangeLater() {
        refusals(1).forEach(tally::fellBack);
        List<Fallback> before = tally.fallbacks();
        refusals(2).forEach(tally::fellBack);
        assertThat(before).isEqualTo(refusals(1));
    }
}
