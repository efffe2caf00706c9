// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.conformance.fuzz.Difference;
import io.sluice.conformance.fuzz.Enumeration;
import io.sluice.conformance.fuzz.Fuzzer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The two kernels answer every program alike: random ones, and all short ones. */
@NeedsLinux
class ComparisonTest {
    /** The seed of the first program; each run takes a fresh one unless it is told to repeat another's. */
    private static final long SEED =
            Long.getLong("fuzz.seed", ThreadLocalRandom.current().nextLong(1L << 48));

    private static final long CALLS = Long.getLong("fuzz.calls", 200_000);
    private static final int LENGTH = Integer.getInteger("fuzz.length", 3);

    @Test
    @Timeout(600)
    void noRandomProgramTellsTheUserSpaceKernelFromLinux() {
        try (Fuzzer fuzzer = new Fuzzer()) {
            for (long seed = SEED; fuzzer.calls() < CALLS; seed++) {
                Difference difference = fuzzer.run(seed);
                assertThat(difference)
                        .as("a program begun with -Dfuzz.seed=%d", seed)
                        .isNull();
            }
        }
    }

    @Test
    @Timeout(3600)
    void noShortProgramOverSmallPipesTellsThemApart() {
        List<Difference> differences = new ArrayList<>();
        try (Enumeration enumeration = new Enumeration(LENGTH)) {
            assertThat(enumeration.programs()).isEqualTo(4 * Math.round(Math.pow(13, LENGTH)));
            for (long number = 0; number < enumeration.programs(); number++) {
                Difference difference = enumeration.run(number);
                if (difference != null) {
                    differences.add(difference);
                }
            }
        }
        assertThat(differences).isEmpty();
    }
}
