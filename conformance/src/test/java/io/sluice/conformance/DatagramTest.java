// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static io.sluice.conformance.Rig.assertErrno;
import static io.sluice.kernel.Flags.AF_UNIX;
import static io.sluice.kernel.Flags.F_SETFL;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.SOCK_DGRAM;
import static io.sluice.kernel.Flags.SOCK_SEQPACKET;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.conformance.Rig.PipeEnds;
import io.sluice.kernel.Errno;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** splice between pipes and sockets that keep message boundaries. */
class DatagramTest {
    private static final int[] TYPES = {SOCK_DGRAM, SOCK_SEQPACKET};

    @OnEachKernel
    @Holds("H12")
    void oneCallTakesOneDatagramAndLosesWhatDoesNotFit(Rig rig) {
        for (int type : TYPES) {
            int[] socket = rig.socketpair(AF_UNIX, type);
            PipeEnds pipe = rig.pipe();
            rig.write(socket[0], "abcdef");
            rig.write(socket[0], "gh");

            assertThat(rig.kernel().splice(socket[1], null, pipe.w(), null, 3, 0))
                    .isEqualTo(3);
            assertThat(rig.kernel().splice(socket[1], null, pipe.w(), null, 100, 0))
                    .isEqualTo(2);
            assertErrno(rig.kernel().splice(nonblocking(rig, socket[1]), null, pipe.w(), null, 100, 0), Errno.EAGAIN);
            assertThat(rig.read(pipe.r())).isEqualTo("abcgh");
        }
    }

    private static int nonblocking(Rig rig, int socket) {
        assertThat(rig.kernel().fcntl(socket, F_SETFL, O_NONBLOCK)).isZero();
        return socket;
    }

    @OnEachKernel
    @Holds("H12")
    void anEmptySocketSleepsEvenWithSpliceFNonblock(Rig rig) {
        for (int type : TYPES) {
            int[] socket = rig.socketpair(AF_UNIX, type);
            PipeEnds pipe = rig.pipe();

            Pending splice = rig.start(
                            () -> rig.kernel().splice(socket[1], null, pipe.w(), null, 10, SPLICE_F_NONBLOCK))
                    .mustSleep();

            rig.write(socket[0], "abc");
            assertThat(splice.answer()).isEqualTo(3);
        }
    }

    @OnEachKernel
    @Holds("H12")
    void theBuffersThatOneCallGathersAreOneDatagram(Rig rig) {
        for (int type : TYPES) {
            int[] socket = rig.socketpair(AF_UNIX, type);
            PipeEnds pipe = rig.pipe();
            rig.write(pipe.w(), "ab");
            assertThat(rig.kernel().vmsplice(pipe.w(), List.of(rig.memory("cd")), 0))
                    .isEqualTo(2);
            rig.write(pipe.w(), "ef");

            assertThat(rig.kernel().splice(pipe.r(), null, socket[0], null, 5, 0))
                    .isEqualTo(5);
            assertThat(rig.kernel().splice(pipe.r(), null, socket[0], null, 5, 0))
                    .isEqualTo(1);

            assertThat(rig.read(socket[1])).isEqualTo("abcde");
            assertThat(rig.read(socket[1])).isEqualTo("f");
        }
    }

    @OnEachKernel
    @Holds("H12")
    void aDatagramIsACopy(Rig rig) {
        for (int type : TYPES) {
            int[] socket = rig.socketpair(AF_UNIX, type);
            PipeEnds pipe = rig.pipe();
            MemorySegment memory = rig.memory("abc");
            assertThat(rig.kernel().vmsplice(pipe.w(), List.of(memory), 0)).isEqualTo(3);
            assertThat(rig.kernel().splice(pipe.r(), null, socket[0], null, 10, 0))
                    .isEqualTo(3);

            memory.fill((byte) 'Z');

            assertThat(rig.read(socket[1])).isEqualTo("abc");
        }
    }
}
