// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.admin;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.relay.Manner;
import io.sluice.relay.RelayStatus;
import io.sluice.relay.RelayStatus.RouteStatus;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class HistoryTest {
    private static final long SECOND = 1_000_000_000;

    private final History history = new History(() -> status(0, 0, 0));

    private static RelayStatus status(long spliced, long copied, int sessions) {
        RouteStatus route = new RouteStatus(
                "r",
                List.of(),
                sessions,
                0,
                0,
                0,
                Map.of(),
                Map.of(Manner.SPLICED, spliced),
                Map.of(Manner.SMALL, copied - copied / 2, Manner.FIRST, copied / 2),
                List.of(),
                List.of());
        return new RelayStatus(Instant.EPOCH, true, sessions, List.of(route), List.of(), null);
    }

    @Test
    void eachSampleIsWhatHasHappenedSinceTheOneBefore() {
        history.sample(status(100, 10, 1), 0, 0);
        history.sample(status(300, 30, 2), 2 * SECOND, SECOND);
        history.sample(status(301, 30, 3), 3 * SECOND, SECOND);
        assertThat(history.columns())
                .containsEntry("splicedPerSecond", List.of(100.0, 1.0))
                .containsEntry("copiedPerSecond", List.of(10.0, 0.0))
                .containsEntry("cpu", List.of(0.5, 0.0))
                .containsEntry("sessions", List.of(2, 3));
    }

    @Test
    void aRouteThatCountsAnewIsNoTrafficBackwards() {
        history.sample(status(100, 10, 1), 0, 0);
        history.sample(status(1, 0, 1), SECOND, 0);
        assertThat(history.columns())
                .containsEntry("splicedPerSecond", List.of(0.0))
                .containsEntry("copiedPerSecond", List.of(0.0));
    }

    @Test
    void itKeepsTenMinutes() {
        for (int i = 0; i <= 700; i++) {
            history.sample(status(i, 0, i), i * SECOND, 0);
        }
        assertThat((List<?>) history.columns().get("sessions"))
                .hasSize(600)
                .last()
                .isEqualTo(700);
    }
}
