// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.SendBuffers.Counts;
import io.sluice.testing.NeedsLinux;
import io.sluice.testing.Stand;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

@NeedsLinux
final class LinuxSendBuffersTest extends SendBuffersContract {
    @Override
    Stand newStand() {
        return Stand.onLinux();
    }

    /** Nothing tells when a socket's peer has read: the memory is given up at once, and none is kept in vain. */
    @Test
    void whatASocketTookIsGivenUp() throws Exception {
        SendBuffers buffers = buffers(4096);
        SocketEnd[] pair = unix();
        send(buffers, pair[0], 'a', 10);
        assertThat(read(pair[1], 20)).isEqualTo("a".repeat(10));
        send(buffers, pair[0], 'b', 10);
        assertThat(buffers.counts()).isEqualTo(new Counts(0, 2, 2));
    }

    /** A child reads from a description of its own: nobody knows what it has taken. */
    @Test
    void whatAChildProcessReadsIsGivenUpAndDoesNotChange() throws Exception {
        SendBuffers buffers = buffers(4096);
        Pipe pipe = keep(sluice.pipe());
        Process child = new ProcessBuilder("cat")
                .redirectInput(pipe.reader().redirect())
                .start();
        pipe.reader().close();
        for (char letter = 'a'; letter <= 'z'; letter++) {
            send(buffers, pipe.writer(), letter, 4096);
        }
        pipe.writer().close();
        StringBuilder expected = new StringBuilder();
        for (char letter = 'a'; letter <= 'z'; letter++) {
            expected.append(String.valueOf(letter).repeat(4096));
        }
        try (InputStream out = child.getInputStream()) {
            assertThat(new String(out.readAllBytes(), StandardCharsets.UTF_8)).isEqualTo(expected.toString());
        }
        assertThat(child.waitFor()).isZero();
        assertThat(buffers.counts().reused()).isZero();
    }
}
