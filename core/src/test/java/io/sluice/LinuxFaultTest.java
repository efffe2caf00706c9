// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.NeedsLinux;
import io.sluice.testing.Stand;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;

@NeedsLinux
final class LinuxFaultTest extends FaultContract {
    @Override
    Stand newStand() {
        return Stand.onLinux();
    }

    /** A kernel in user space has no such files. */
    @Test
    void aFileThatClaimsToBeEmptyIsReadAllTheSame() throws Exception {
        // pitfall 53: files of /proc
        Path to = stand.directory().resolve("to");
        try (FileEnd source = sluice.open(Path.of("/proc/self/cmdline"));
                FileEnd sink = sluice.open(to, StandardOpenOption.WRITE, StandardOpenOption.CREATE)) {
            assertThat(sluice.transfer(source).to(sink).run().bytes()).isPositive();
        }
        assertThat(stand.read(to)).isNotEmpty();
    }
}
