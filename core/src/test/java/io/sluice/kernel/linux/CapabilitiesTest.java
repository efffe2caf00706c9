// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.linux;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Capabilities;
import io.sluice.kernel.Capabilities.Support;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Flags;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** What the kernel of this machine is found to do; what others would be found to do is in {@link RefusedCallsTest}. */
final class CapabilitiesTest extends OnLinux {
    @Test
    void limitsAreThoseOfTheSystem() throws IOException {
        Capabilities found = kernel.capabilities();
        assertThat(found.pipeMaxSizeBytes()).isEqualTo(Integer.parseInt(line("/proc/sys/fs/pipe-max-size")));
        assertThat(found.pipeUserPagesSoft()).isEqualTo(Long.parseLong(line("/proc/sys/fs/pipe-user-pages-soft")));
        // A pipe of one byte is a pipe of one page [C01].
        assertThat(kernel.fcntl(pipe(0)[0], Flags.F_SETPIPE_SZ, 1)).isEqualTo(found.pageSizeBytes());
        assertThat(found.hugePageSizeBytes()).isIn(0L, 2L << 20, 32L << 20, 512L << 20);
    }

    private static String line(String file) throws IOException {
        return Files.readAllLines(Path.of(file)).getFirst();
    }

    @Test
    void theCallsAreTriedOnce() {
        assertThat(kernel.capabilities()).isSameAs(kernel.capabilities());
        assertThat(kernel.capabilities().splice()).isNotNull();
    }

    @Test
    void whatWasShortWhenTriedIsTriedAgain() {
        assertThat(Probe.isLasting(with(Support.SHARES))).isTrue();
        assertThat(Probe.isLasting(with(Support.refused(Errno.EPERM)))).isTrue();
        assertThat(Probe.isLasting(with(Support.refused(Errno.EMFILE)))).isFalse();
        assertThat(Probe.isLasting(with(Support.refused(Errno.ENOMEM)))).isFalse();
    }

    private static Capabilities with(Support vmsplice) {
        return new Capabilities(Support.SHARES, Support.COPIES, vmsplice, 1 << 20, 16_384, 4096, 0);
    }

    @Test
    void aSupportReadsAsAWord() {
        assertThat(Support.SHARES).hasToString("shares");
        assertThat(Support.COPIES).hasToString("copies");
        assertThat(Support.refused(Errno.EPERM)).hasToString("refused (EPERM)");
        assertThat(Support.COPIES.usable()).isTrue();
        assertThat(Support.refused(Errno.EPERM).usable()).isFalse();
    }

    @Test
    void theRealKernelHasNoFeatureOfItsOwn() {
        assertThat(kernel.feature(Runnable.class)).isEmpty();
    }
}
