// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.Kept;
import io.sluice.testing.PublicApi;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** What others compile against changes only together with {@code api.txt}, where the change is seen in review. */
class ApiTest {
    @Test
    void theExportedPackagesOfferWhatIsKept() throws Exception {
        String api = PublicApi.of(Path.of("target", "classes"));
        assertThat(api)
                .as("without this, a reader that misses everything would pass")
                .contains("package io.sluice\n", "public final class Sluice implements AutoCloseable")
                .doesNotContain("io.sluice.flow\n");
        Kept.holds(Path.of("api.txt"), api);
    }
}
