// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.CarrierChild;
import io.sluice.testing.Commands;
import java.util.List;
import org.junit.jupiter.api.Test;

/** "Waiting never holds a carrier" (pitfall 72), where there is only one. */
final class CarrierTest {
    @Test
    void anotherVirtualThreadRunsWhileAThousandWaitOnTheOnlyCarrier() throws Exception {
        Commands.Outcome outcome = Commands.run(Commands.java(
                List.of(
                        "--enable-native-access=ALL-UNNAMED",
                        "-Djdk.virtualThreadScheduler.parallelism=1",
                        "-Djdk.virtualThreadScheduler.maxPoolSize=1"),
                CarrierChild.class));
        assertThat(outcome.ok().out()).containsExactly("another virtual thread runs while 1000 wait");
    }
}
