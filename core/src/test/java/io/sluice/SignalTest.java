// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.TransferResult.Ending;
import io.sluice.kernel.Errno;
import io.sluice.kernel.linux.Signals;
import io.sluice.testing.NeedsLinux;
import io.sluice.testing.Pending;
import io.sluice.testing.Stand;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** Signals of the system that others take for failures, or die of. */
@NeedsLinux
final class SignalTest extends SluiceFixture {
    private static final int SIGPIPE = 13;

    @Override
    Stand newStand() {
        return Stand.onLinux();
    }

    /** Pitfall 69: a splice to a closed socket or pipe raises SIGPIPE, and has no flag against it. */
    @Test
    void aReaderThatIsGoneDoesNotKillTheProcess() throws Exception {
        for (boolean socket : new boolean[] {true, false}) {
            End sink;
            if (socket) {
                SocketEnd[] pair = unix();
                pair[1].close();
                sink = pair[0];
            } else {
                Pipe pipe = keep(sluice.pipe());
                pipe.reader().close();
                sink = pipe.writer();
            }
            Pipe source = keep(sluice.pipe());
            source.writer().write(text("lost"));
            assertThat(sluice.transfer(source.reader()).to((Sink) sink).run().ending())
                    .isEqualTo(Ending.SINK_CLOSED);
        }
        assertThat(callsNamed("splice").stream().map(call -> call.result())).contains((long) -Errno.EPIPE);
    }

    /** The JVM holds the signal back, whoever started it: what the test above relies on. */
    @Test
    void theJvmTakesCareOfSigpipe() throws Exception {
        long caughtOrIgnored = Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("SigIgn:") || line.startsWith("SigCgt:"))
                .mapToLong(line -> Long.parseUnsignedLong(line.substring(7).strip(), 16))
                .reduce(0, (a, b) -> a | b);
        assertThat(caughtOrIgnored & 1L << (SIGPIPE - 1)).isNotZero();
    }

    /** Pitfall 70, and "EINTR is retried": profilers interrupt calls all the time. */
    @Test
    void signalsThatInterruptCallsChangeNothing() throws Exception {
        Path from = Files.write(directory.resolve("from"), new byte[8 << 20]);
        Path to = directory.resolve("to");
        AtomicInteger runner = new AtomicInteger();
        AtomicBoolean done = new AtomicBoolean();
        SocketEnd[] pair = tcp();
        try (Pending<Long> receiving = Pending.start(() -> {
                    try (FileEnd file = sluice.open(to, CREATE, WRITE)) {
                        return sluice.transfer(pair[1]).to(file).run().bytes();
                    }
                });
                Pending<Long> sending = Pending.start(() -> {
                    runner.set(Signals.currentThread());
                    try (FileEnd file = sluice.open(from)) {
                        return sluice.transfer(file)
                                .to(pair[0])
                                .rate(40 << 20)
                                .run()
                                .bytes();
                    } finally {
                        pair[0].shutdownOutput();
                        done.set(true);
                    }
                })) {
            while (!done.get()) {
                if (runner.get() != 0) {
                    signal(runner.get());
                }
                // Without a pause no call would ever get to its first byte.
                LockSupport.parkNanos(100_000);
            }
            assertThat(sending.value()).isEqualTo(8 << 20);
            assertThat(receiving.value()).isEqualTo(8 << 20);
        }
        assertThat(to).hasSize(8 << 20);
    }

    private static void signal(int thread) {
        try {
            Signals.interrupt(thread);
        } catch (IllegalArgumentException ended) {
            // It has ended between the look and the signal.
        }
    }
}
