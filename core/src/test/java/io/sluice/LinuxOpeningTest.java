// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class LinuxOpeningTest extends OpeningContract {
    @Override
    Kernel newKernel() {
        return new LinuxKernel();
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

    @Test
    void devicesOpenLikeFiles() throws Exception {
        FileEnd zero = keep(sluice.open(Path.of("/dev/zero")));
        assertThat(zero.read(room(100))).isEqualTo(100);
        FileEnd nowhere = keep(sluice.open(Path.of("/dev/null"), WRITE));
        nowhere.write(room(100));
        FileEnd full = keep(sluice.open(Path.of("/dev/full"), WRITE));
        assertThatThrownBy(() -> full.write(room(1)))
                .isInstanceOfSatisfying(
                        ErrnoException.class, e -> assertThat(e.errnoName()).isEqualTo("ENOSPC"));
    }
}
