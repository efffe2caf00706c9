// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.EPOLLIN;
import static io.sluice.kernel.Flags.EPOLLOUT;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.TransferResult.Ending;
import io.sluice.kernel.Flags;
import io.sluice.kernel.wrap.TracingKernel;
import io.sluice.testing.Pending;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * "Outcomes are values": would-block is resolved to the side that caused it, and the end of either side is an answer
 * and no exception; for each kind of source with each kind of sink.
 */
abstract class OutcomeContract extends SluiceFixture {
    /** Both sides of a stream: what goes in and where it comes out, and how each side is ended. */
    record Line(Sink in, Source out) {}

    enum Kind {
        PIPE {
            @Override
            Line of(OutcomeContract t) throws IOException {
                Pipe pipe = t.keep(t.sluice.pipe());
                return new Line(pipe.writer(), pipe.reader());
            }
        },
        INHERITED_PIPE {
            @Override
            Line of(OutcomeContract t) throws IOException {
                int[] fds = new int[2];
                t.kernel.pipe2(fds, Flags.O_CLOEXEC);
                return t.adopted(fds[1], fds[0]);
            }
        },
        TCP {
            @Override
            Line of(OutcomeContract t) throws IOException {
                SocketEnd[] pair = t.tcp();
                return new Line(pair[0], pair[1]);
            }
        },
        UNIX {
            @Override
            Line of(OutcomeContract t) throws IOException {
                SocketEnd[] pair = t.unix();
                return new Line(pair[0], pair[1]);
            }
        },
        INHERITED_SOCKET {
            @Override
            Line of(OutcomeContract t) throws IOException {
                int[] fds = new int[2];
                t.kernel.socketpair(Flags.AF_UNIX, Flags.SOCK_STREAM | Flags.SOCK_CLOEXEC, 0, fds);
                return t.adopted(fds[0], fds[1]);
            }
        };

        abstract Line of(OutcomeContract t) throws IOException;
    }

    private Line adopted(int in, int out) throws IOException {
        Line line = new Line(keep(sluice.sink(in)), keep(sluice.source(out)));
        kernel.close(in);
        kernel.close(out);
        return line;
    }

    static Stream<Arguments> pairs() {
        return Arrays.stream(Kind.values())
                .flatMap(source -> Arrays.stream(Kind.values()).map(sink -> Arguments.of(source, sink)));
    }

    private Pending<TransferResult> transfer(Source from, Sink to) {
        return Pending.start(
                        Pending.Kind.VIRTUAL, () -> sluice.transfer(from).to(to).run())
                .mustWait();
    }

    /** What the thread that waits has asked the poller for last. */
    private TracingKernel.Call armed() {
        return callsNamed("epoll_ctl").stream()
                .filter(call -> call.thread().isVirtual())
                .toList()
                .getLast();
    }

    @ParameterizedTest
    @MethodSource("pairs")
    void anEmptySourceIsWaitedForOnItsOwnSide(Kind from, Kind to) throws Exception {
        Line source = from.of(this);
        Line sink = to.of(this);
        try (Pending<TransferResult> running = transfer(source.out, sink.in)) {
            assertThat(armed().integer(2)).isEqualTo(((End) source.out).endpoint.fd());
            assertThat(armed().integer(3) & (EPOLLIN | EPOLLOUT)).isEqualTo(EPOLLIN);
            ((End) source.in).writeAll(text("late"));
            assertThat(read((End) sink.out, 10)).isEqualTo("late");
            source.in.close();
            assertThat(running.value().ending()).isEqualTo(Ending.SOURCE_ENDED);
            assertThat(running.value().bytes()).isEqualTo(4);
        }
    }

    @ParameterizedTest
    @MethodSource("pairs")
    void aFullSinkIsWaitedForOnItsOwnSide(Kind from, Kind to) throws Exception {
        Line source = from.of(this);
        Line sink = to.of(this);
        FileEnd zero = keep(sluice.open(Path.of("/dev/zero")));
        long bytes = 32 << 20;
        try (Pending<TransferResult> feeding = Pending.start(
                        () -> sluice.transfer(zero).to(source.in).limit(bytes).run());
                Pending<TransferResult> running = Pending.start(
                        Pending.Kind.VIRTUAL,
                        () -> sluice.transfer(source.out)
                                .to(sink.in)
                                .limit(bytes)
                                .run())) {
            // Until both are full it may wait for its source at times.
            int full = ((End) sink.in).endpoint.fd();
            do {
                feeding.mustWait();
                running.mustWait();
            } while (armed().integer(2) != full);
            assertThat(armed().integer(3) & (EPOLLIN | EPOLLOUT)).isEqualTo(EPOLLOUT);
            for (long left = bytes; left > 0; ) {
                left -= ((End) sink.out).readSome(room(1 << 16));
            }
            assertThat(running.value().bytes()).isEqualTo(bytes);
            assertThat(running.value().ending()).isEqualTo(Ending.LIMIT_REACHED);
        }
    }

    @ParameterizedTest
    @MethodSource("pairs")
    void theEndOfTheSourceIsAnAnswer(Kind from, Kind to) throws Exception {
        Line source = from.of(this);
        Line sink = to.of(this);
        source.in.close();
        TransferResult result = sluice.transfer(source.out).to(sink.in).run();
        assertThat(result.ending()).isEqualTo(Ending.SOURCE_ENDED);
        assertThat(result.bytes()).isZero();
    }

    @ParameterizedTest
    @MethodSource("pairs")
    void aSinkWhoseReaderIsGoneIsAnAnswer(Kind from, Kind to) throws Exception {
        Line source = from.of(this);
        Line sink = to.of(this);
        sink.out.close();
        try (Pending<TransferResult> running = Pending.start(
                        () -> sluice.transfer(source.out).to(sink.in).run());
                Pending<Void> feeding = Pending.start(() -> {
                    // TCP learns of it with the answer to the first bytes.
                    while (!running.isDone()) {
                        ((End) source.in).writeAll(text("x"));
                    }
                    return null;
                })) {
            assertThat(running.value().ending()).isEqualTo(Ending.SINK_CLOSED);
            feeding.thread().interrupt();
        }
    }
}
