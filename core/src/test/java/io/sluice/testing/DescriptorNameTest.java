// SPDX-License-Identifier: Apache-2.0
package io.sluice.testing;

import static io.sluice.kernel.Flags.AF_INET;
import static io.sluice.kernel.Flags.O_CREAT;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_RDWR;
import static io.sluice.kernel.Flags.SOCK_STREAM;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.user.UserKernels;
import java.lang.foreign.Arena;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class DescriptorNameTest {
    private final Kernel kernel = UserKernels.inMemory();

    @AfterEach
    void close() {
        kernel.close();
    }

    private String name(long fd) {
        assertThat(fd).isNotNegative();
        return DescriptorName.of(kernel, (int) fd);
    }

    @Test
    void aPipeEndSaysWhoElseHoldsThePipeAndWhatIsInIt() {
        int[] pipe = new int[2];
        assertThat(kernel.pipe2(pipe, 0)).isZero();
        kernel.write(pipe[1], Arena.ofAuto().allocateFrom(JAVA_BYTE, new byte[5]));
        assertThat(name(pipe[1]))
                .matches("1: write end of pipe \\d+, with 5 bytes and open at 1 read and 1 write ends");
        kernel.close(pipe[1]);
        assertThat(name(pipe[0])).matches("0: read end of pipe \\d+, with 5 bytes and open at 1 read and 0 write ends");
        kernel.mkfifo("/tmp/fifo", 0600);
        assertThat(name(kernel.open("/tmp/fifo", O_RDWR, 0))).startsWith("1: both ends of pipe ");
    }

    @Test
    void aSocketSaysItsAddresses() {
        int listener = (int) kernel.socket(AF_INET, SOCK_STREAM, 0);
        kernel.bind(listener, new InetSocketAddress(InetAddress.getLoopbackAddress(), 7000));
        kernel.listen(listener, 1);
        assertThat(name(listener)).matches("0: socket at .*127\\.0\\.0\\.1:7000, ENOTCONN");
        int client = (int) kernel.socket(AF_INET, SOCK_STREAM, 0);
        assertThat(kernel.connect(client, new InetSocketAddress(InetAddress.getLoopbackAddress(), 7000)))
                .isZero();
        assertThat(name(client)).matches("1: socket at .*127\\.0\\.0\\.1:\\d+, peer .*127\\.0\\.0\\.1:7000");
    }

    @Test
    void everyOtherSaysItsKind() {
        assertThat(name(kernel.epollCreate1(0))).isEqualTo("0: epoll");
        assertThat(name(kernel.eventfd(3, 0))).isEqualTo("1: eventfd");
        int file = (int) kernel.open("/tmp/file", O_RDWR | O_CREAT, 0600);
        kernel.ftruncate(file, 70);
        assertThat(name(file)).matches("2: file \\d+ of 70 bytes");
        assertThat(name(kernel.open("/dev/null", O_RDONLY, 0))).isEqualTo("3: device 1:3");
        assertThat(name(kernel.open("/tmp", O_RDONLY, 0))).matches("4: directory \\d+");
        assertThat(DescriptorName.of(kernel, 5)).isEqualTo("5: EBADF");
    }
}
