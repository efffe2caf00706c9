// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class ActivationTest {
    private static final long PID = 4711;

    @Test
    void socketsForThisProcessHaveTheNumbersFromThreeOn() throws IOException {
        assertThat(Activation.descriptors(Map.of("LISTEN_PID", "4711", "LISTEN_FDS", "2"), PID))
                .containsExactly(3, 4);
    }

    @Test
    void socketsForAnotherProcessAreNotTouched() throws IOException {
        assertThat(Activation.descriptors(Map.of("LISTEN_PID", "1", "LISTEN_FDS", "2"), PID))
                .isEmpty();
        assertThat(Activation.descriptors(Map.of("LISTEN_FDS", "2"), PID)).isEmpty();
        assertThat(Activation.descriptors(Map.of(), PID)).isEmpty();
    }

    @Test
    void aNumberThatIsNoneIsRefused() {
        for (String count : new String[] {"", "-1", "two", "99999999999"}) {
            assertThatThrownBy(() -> Activation.descriptors(Map.of("LISTEN_PID", "4711", "LISTEN_FDS", count), PID))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("'" + count + "'");
        }
    }
}
