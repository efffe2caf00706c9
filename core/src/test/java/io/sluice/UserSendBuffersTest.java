// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.Stand;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

final class UserSendBuffersTest extends SendBuffersContract {
    @Override
    Stand newStand() {
        return Stand.inUserSpace();
    }

    /** The kernel in user space tells when a socket's peer has read. */
    @Test
    void whatASocketsPeerHasReadIsLentAgainAfterTheNotice() throws Exception {
        SendBuffers buffers = buffers(4096);
        SocketEnd[] pair = unix();
        long sent = send(buffers, pair[0], 'a', 10);
        assertThat(next(buffers)).isNotEqualTo(sent);
        SendBuffer other = buffers.lease(); // so that nothing but what was sent is kept
        assertThat(read(pair[1], 20)).isEqualTo("a".repeat(10));
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
        long address = 0;
        while (address != sent && System.nanoTime() < deadline) {
            LockSupport.parkNanos(100_000);
            SendBuffer buffer = buffers.lease();
            address = buffer.segment().address();
            keep(buffer);
        }
        other.close();
        assertThat(address).isEqualTo(sent);
    }
}
