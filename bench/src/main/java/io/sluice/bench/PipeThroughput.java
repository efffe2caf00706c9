// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench;

import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;

import io.sluice.kernel.Errno;
import io.sluice.kernel.linux.LinuxKernel;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * How fast do references go through a pipe from Java? (P2.) The peer is bench/c/p2.c, which makes the same calls, of
 * the same sizes, on the same kind of memory; bench/p2.sh runs both in turn.
 *
 * <pre>  PipeThroughput sleeping|spinning|copying PIECE_BYTES SECONDS     prints GiB/s after a warm-up</pre>
 */
final class PipeThroughput {
    private static final int PIPE_BYTES = 1 << 20;
    private static final int HUGE_BYTES = 2 << 20;

    /** Until then the compilers take a core, and on a machine of two cores that is one of the two that are measured. */
    private static final int WARM_UP_SECONDS = 3;

    private final LinuxKernel kernel = new LinuxKernel();
    private final int[] ends = new int[2];
    private final boolean copying;
    private final int flags;
    private final int pieceBytes;
    private volatile boolean stopped;

    private PipeThroughput(String mode, int pieceBytes) {
        this.copying = mode.equals("copying");
        this.flags = mode.equals("spinning") ? SPLICE_F_NONBLOCK : 0;
        this.pieceBytes = pieceBytes;
        check(kernel.pipe2(ends, O_CLOEXEC));
        check(kernel.fcntl(ends[0], F_SETPIPE_SZ, PIPE_BYTES));
    }

    /** Measures one round. */
    public static void main(String[] args) throws InterruptedException {
        var round = new PipeThroughput(args[0], Integer.parseInt(args[1]));
        Thread feeder = Thread.ofPlatform().start(round::feed);
        System.out.printf("%.2f%n", round.empty(Double.parseDouble(args[2])));
        feeder.join();
    }

    /** Fills the pipe from huge pages until stopped. */
    private void feed() {
        List<MemorySegment> pieces = pieces();
        List<List<MemorySegment>> vectors = pieces.stream().map(List::of).toList();
        for (int at = 0; !stopped; at = (at + 1) % pieces.size()) {
            for (long put = 0; put < pieceBytes && !stopped; ) {
                MemorySegment rest = put == 0 ? pieces.get(at) : pieces.get(at).asSlice(put);
                List<MemorySegment> vector = put == 0 ? vectors.get(at) : List.of(rest);
                put += retryable(copying ? kernel.write(ends[1], rest) : kernel.vmsplice(ends[1], vector, flags));
            }
        }
        check(kernel.close(ends[1]));
    }

    /** Empties the pipe; answers GiB per second. */
    private double empty(double seconds) {
        int sink = (int) check(kernel.open("/dev/null", O_WRONLY | O_CLOEXEC, 0));
        MemorySegment buffer = pieces().getFirst();
        long start = System.nanoTime() + WARM_UP_SECONDS * 1_000_000_000L;
        boolean measuring = false;
        double rate = 0;
        long bytes = 0;
        for (long calls = 0; ; calls++) {
            long taken = copying
                    ? kernel.read(ends[0], buffer)
                    : kernel.splice(ends[0], null, sink, null, pieceBytes, flags);
            if (taken == 0) {
                break;
            }
            bytes += retryable(taken);
            if (calls % 64 != 0 || stopped) {
                continue;
            }
            long now = System.nanoTime();
            if (!measuring && now >= start) {
                measuring = true;
                bytes = 0;
                start = now;
            } else if (measuring && now >= start + seconds * 1e9) {
                rate = bytes / ((now - start) / 1e9) / (1 << 30);
                stopped = true;
            }
        }
        check(kernel.close(sink));
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
