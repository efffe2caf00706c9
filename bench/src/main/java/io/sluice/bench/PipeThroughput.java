// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench;

import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;
import static java.nio.charset.StandardCharsets.US_ASCII;

import io.sluice.kernel.Errno;
import io.sluice.kernel.linux.LinuxKernel;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * How fast do references go through a pipe from Java? (P2.) The peer is bench/c/p2.c, which makes the same calls, of
 * the same sizes, on the same kind of memory; bench/p2.sh has both measure in turn.
 *
 * <pre>  PipeThroughput sleeping|spinning|copying PIECE_BYTES SECONDS</pre>
 *
 * Says "ready" when it is warm; then, for each line of its input, measures so long and prints GiB/s. Between two rounds
 * it only waits for the next line.
 */
final class PipeThroughput {
    private static final int PIPE_BYTES = 1 << 20;
    private static final int HUGE_BYTES = 2 << 20;

    /** Until then the compilers take a core, and on a machine of two cores that is one of the two that are measured. */
    private static final int WARM_UP_SECONDS = 3;

    private final LinuxKernel kernel = new LinuxKernel();
    private final int sink = (int) check(kernel.open("/dev/null", O_WRONLY | O_CLOEXEC, 0));
    private final boolean copying;
    private final int flags;
    private final int pieceBytes;
    private final List<MemorySegment> source;
    private final MemorySegment target;

    private PipeThroughput(String mode, int pieceBytes) {
        this.copying = mode.equals("copying");
        this.flags = mode.equals("spinning") ? SPLICE_F_NONBLOCK : 0;
        this.pieceBytes = pieceBytes;
        this.source = pieces();
        this.target = pieces().getFirst();
    }

    /** Measures a round for each line of the input. */
    public static void main(String[] args) throws IOException, InterruptedException {
        var throughput = new PipeThroughput(args[0], Integer.parseInt(args[1]));
        double seconds = Double.parseDouble(args[2]);
        for (double warm = 0; warm < WARM_UP_SECONDS; warm += seconds) {
            throughput.measure(seconds);
        }
        System.out.println("ready");
        var lines = new BufferedReader(new InputStreamReader(System.in, US_ASCII));
        while (lines.readLine() != null) {
            System.out.printf("%.2f%n", throughput.measure(seconds));
        }
    }

    private double measure(double seconds) throws InterruptedException {
        var ends = new int[2];
        check(kernel.pipe2(ends, O_CLOEXEC));
        check(kernel.fcntl(ends[0], F_SETPIPE_SZ, PIPE_BYTES));
        var stopped = new AtomicBoolean();
        Thread feeder = Thread.ofPlatform().start(() -> feed(ends[1], stopped));
        double rate = empty(ends[0], seconds, stopped);
        feeder.join();
        return rate;
    }

    /** Fills the pipe from huge pages until stopped. */
    private void feed(int pipe, AtomicBoolean stopped) {
        List<List<MemorySegment>> vectors = source.stream().map(List::of).toList();
        for (int at = 0; !stopped.getOpaque(); at = (at + 1) % source.size()) {
            for (long put = 0; put < pieceBytes && !stopped.getOpaque(); ) {
                MemorySegment rest = put == 0 ? source.get(at) : source.get(at).asSlice(put);
                List<MemorySegment> vector = put == 0 ? vectors.get(at) : List.of(rest);
                put += retryable(copying ? kernel.write(pipe, rest) : kernel.vmsplice(pipe, vector, flags));
            }
        }
        check(kernel.close(pipe));
    }

    /** Empties the pipe; answers GiB per second. */
    private double empty(int pipe, double seconds, AtomicBoolean stopped) {
        long start = System.nanoTime();
        double rate = 0;
        long bytes = 0;
        for (long calls = 1; ; calls++) {
            long taken = copying ? kernel.read(pipe, target) : kernel.splice(pipe, null, sink, null, pieceBytes, flags);
            if (taken == 0) {
                break;
            }
            bytes += retryable(taken);
            if (calls % 64 != 0 || rate > 0) {
                continue;
            }
            double elapsed = (System.nanoTime() - start) / 1e9;
            if (elapsed >= seconds) {
                rate = bytes / elapsed / (1 << 30);
                stopped.set(true);
            }
        }
        check(kernel.close(pipe));
        return rate;
    }

    /** Memory of huge pages, mapped, advised and then touched, in pieces. */
    private List<MemorySegment> pieces() {
        var mapped = new MemorySegment[1];
        check(kernel.mmap(HUGE_BYTES, true, mapped));
        mapped[0].fill((byte) 1);
        var pieces = new ArrayList<MemorySegment>();
        for (long at = 0; at < HUGE_BYTES; at += pieceBytes) {
            pieces.add(mapped[0].asSlice(at, pieceBytes));
        }
        return pieces;
    }

    /** Bytes moved: none by a call that would have blocked. */
    private static long retryable(long result) {
        return result == -Errno.EAGAIN ? 0 : check(result);
    }

    private static long check(long result) {
        if (result < 0) {
            throw new IllegalStateException(Errno.name((int) -result));
        }
        return result;
    }
}
