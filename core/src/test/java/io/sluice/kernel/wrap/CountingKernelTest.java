// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.wrap;

import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Errno;
import io.sluice.kernel.user.UserKernels;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class CountingKernelTest {
    @Test
    void countsCallsBytesAndFailuresByName() {
        CountingKernel kernel = new CountingKernel(UserKernels.inMemory());
        int[] pipe = new int[2];
        kernel.pipe2(pipe, O_CLOEXEC | O_NONBLOCK);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(100);
            kernel.write(pipe[1], buffer);
            kernel.write(pipe[1], buffer.asSlice(0, 11));
            kernel.write(pipe[0], buffer);
            kernel.read(pipe[0], buffer);
            kernel.read(pipe[0], buffer);
            kernel.read(pipe[0], buffer);
        }
        kernel.close(pipe[0]);
        kernel.close(pipe[1]);

        assertThat(kernel.calls()).isEqualTo(Map.of("pipe2", 1L, "write", 3L, "read", 3L, "close", 2L));
        assertThat(kernel.calls("write")).isEqualTo(3);
        assertThat(kernel.calls("splice")).isZero();
        assertThat(kernel.bytes("write")).isEqualTo(111);
        assertThat(kernel.bytes("read")).isEqualTo(111);
        assertThat(kernel.failures("write", Errno.EBADF)).isEqualTo(1);
        assertThat(kernel.failures("read", Errno.EAGAIN)).isEqualTo(1);
        assertThat(kernel.failures("read", Errno.EBADF)).isZero();
        assertThat(kernel.toString()).contains("read").contains("EAGAIN 1").contains("111 bytes");
    }
}
