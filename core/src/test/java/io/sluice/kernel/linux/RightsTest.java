// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.linux;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.EBADF;
import static io.sluice.kernel.Errno.ENODATA;
import static io.sluice.kernel.Errno.ENOTSOCK;
import static io.sluice.kernel.Errno.EPIPE;
import static io.sluice.kernel.Flags.*;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.sluice.kernel.DescriptorPassing;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Descriptors that travel over a Unix socket of this machine. */
final class RightsTest extends OnLinux {
    private final DescriptorPassing passing =
            kernel.feature(DescriptorPassing.class).orElseThrow();

    private int[] sockets() {
        int[] fds = new int[2];
        ok(kernel.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds));
        opened(fds[0]);
        opened(fds[1]);
        return fds;
    }

    private List<Integer> received(int socket, int word) {
        List<Integer> fds = new ArrayList<>();
        assertThat(passing.receive(socket, fds)).isEqualTo(word);
        fds.forEach(this::opened);
        return fds;
    }

    @Test
    void whatArrivesIsTheThingItselfUnderAnotherNumber() {
        int[] road = sockets();
        int[] pipe = pipe(0);

        assertThat(passing.send(road[0], (byte) 'p', List.of(pipe[0], pipe[1]))).isEqualTo(1);
        List<Integer> there = received(road[1], 'p');

        assertThat(there).hasSize(2).doesNotContain(pipe[0], pipe[1]);
        assertThat(kernel.write(there.get(1), text("by another name"))).isEqualTo(15);
        assertThat(readText(pipe[0])).isEqualTo("by another name");
        assertThat(kernel.fcntl(there.getFirst(), F_GETFD, 0)).isEqualTo(FD_CLOEXEC);
    }

    @Test
    void itOutlivesTheSendersOwn() {
        int[] road = sockets();
        int[] pipe = new int[2];
        ok(kernel.pipe2(pipe, O_CLOEXEC));
        ok(kernel.write(pipe[1], text("still here")));
        assertThat(passing.send(road[0], (byte) 0, List.of(pipe[0]))).isEqualTo(1);
        kernel.close(pipe[0]);
        kernel.close(pipe[1]);

        assertThat(readText(received(road[1], 0).getFirst())).isEqualTo("still here");
    }

    @Test
    void asManyAsAMessageMayHold() {
        int[] road = sockets();
        int fd = pipe(0)[0];
        assertThat(passing.send(road[0], (byte) -1, Collections.nCopies(DescriptorPassing.MAX_DESCRIPTORS, fd)))
                .isEqualTo(1);
        assertThat(received(road[1], 255)).hasSize(DescriptorPassing.MAX_DESCRIPTORS);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> passing.send(
                        road[0], (byte) 0, Collections.nCopies(DescriptorPassing.MAX_DESCRIPTORS + 1, fd)));
    }

    @Test
    void messagesKeepTheirBounds() {
        int[] road = sockets();
        int[] pipe = pipe(0);
        passing.send(road[0], (byte) 1, List.of(pipe[0]));
        passing.send(road[0], (byte) 2, List.of());
        passing.send(road[0], (byte) 3, List.of(pipe[1], pipe[0]));
        assertThat(received(road[1], 1)).hasSize(1);
        assertThat(received(road[1], 2)).isEmpty();
        assertThat(received(road[1], 3)).hasSize(2);
    }

    @Test
    void whatCannotBeSentOrReceivedSaysWhy() {
        int[] road = sockets();
        int[] pipe = pipe(0);
        assertThat(passing.send(road[0], (byte) 0, List.of(123_456))).isEqualTo(-EBADF);
        assertThat(passing.send(pipe[1], (byte) 0, List.of())).isEqualTo(-ENOTSOCK);
        assertThat(passing.receive(road[1], new ArrayList<>())).isEqualTo(-EAGAIN);
        assertThat(passing.receive(pipe[0], new ArrayList<>())).isEqualTo(-ENOTSOCK);
        kernel.shutdown(road[0], SHUT_WR);
        assertThat(passing.receive(road[1], new ArrayList<>())).isEqualTo(-ENODATA);
        kernel.shutdown(road[1], SHUT_RD);
        assertThat(passing.send(road[0], (byte) 0, List.of())).isEqualTo(-EPIPE);
    }
}
