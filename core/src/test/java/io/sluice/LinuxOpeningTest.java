// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.kernel.Errno;
import io.sluice.testing.NeedsLinux;
import io.sluice.testing.Stand;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;

@NeedsLinux
final class LinuxOpeningTest extends OpeningContract {
    @Override
    Stand newStand() {
        return Stand.onLinux();
    }

    @Test
    void aFileThatMayNotBeReadIsNamed() throws Exception {
        Path file = Files.writeString(directory.resolve("secret"), "x");
        Files.setPosixFilePermissions(file, Set.of());
        assumeTrue(!Files.isReadable(file), "this user may read everything: nothing is refused");
        assertThatThrownBy(() -> sluice.open(file))
                .isInstanceOfSatisfying(
                        ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EACCES));
    }

    /** Not even root may write to a program that runs. */
    @Test
    void whatMayNotBeWrittenIsRefusedUnderTheKernelsName() {
        Path program = Path.of(System.getProperty("java.home"), "bin", "java");
        assertThatThrownBy(() -> sluice.open(program, WRITE))
                .isInstanceOfSatisfying(
                        ErrnoException.class, e -> assertThat(e.errnoName()).isIn("ETXTBSY", "EACCES", "EROFS"));
    }
}
