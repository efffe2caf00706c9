// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench;

import com.sun.management.OperatingSystemMXBean;
import io.sluice.End;
import io.sluice.FileEnd;
import io.sluice.Listener;
import io.sluice.Sluice;
import io.sluice.SocketEnd;
import io.sluice.Source;
import io.sluice.TransferResult;
import java.io.FileInputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.locks.LockSupport;

/**
 * What does it cost to receive a file from a pipe or a socket: by a {@link io.sluice.Transfer}, and by
 * {@link FileChannel#transferFrom}? (P6.) The sender is another process, bench/c/p6.c, so that only the receiver's CPU
 * counts: that of all threads of this process.
 *
 * <pre>  FileReceiver sluice|transferFrom FILE WARM_BYTES [PORT]</pre>
 *
 * Prints "bytes seconds cpu-seconds how" of what follows the first WARM_BYTES. Half of these come in many short runs
 * and half in one long one of small pieces, for at the some thousand steps per GB of what is measured the compiler
 * would else take its time: a loop is compiled anew when it has turned tens of thousands of times. What the compiler
 * then has left to do is waited for, with the sender held back by a full pipe or socket.
 *
 * <p>Without a port the source is standard input, which is to be a pipe.
 */
final class FileReceiver {
    private static final OperatingSystemMXBean PROCESS =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    /** What a transfer uses of itself, and what sluice copy has the pipes hold that it is given. */
    private static final int PIPE_BYTES = 512 << 10;

    private static final int WARM_PIECE = 4 << 10;

    private static final long QUIET_NANOS = 300_000_000;

    private static final StandardOpenOption[] FRESH = {
        StandardOpenOption.WRITE, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING
    };

    private final long warmBytes;
    private long startNanos;
    private long startCpuNanos;

    private FileReceiver(long warmBytes) {
        this.warmBytes = warmBytes;
    }

    /** Receives once. */
    public static void main(String[] args) throws IOException {
        Path file = Path.of(args[1]);
        int port = args.length > 3 ? Integer.parseInt(args[3]) : 0;
        var receiver = new FileReceiver(Long.parseLong(args[2]));
        if (args[0].equals("sluice")) {
            receiver.bySluice(file, port);
        } else {
            receiver.byTransferFrom(file, port);
        }
    }

    private void bySluice(Path file, int port) throws IOException {
        try (Sluice sluice = Sluice.open();
                FileEnd sink = sluice.open(file, FRESH)) {
            if (port == 0) {
                Source source = sluice.source(0);
                ((End) source).resizePipe(PIPE_BYTES);
                bySluice(sluice, source, sink);
                return;
            }
            try (Listener listener = sluice.listen(loopback(port));
                    SocketEnd source = listener.accept()) {
                bySluice(sluice, source, sink);
            }
        }
    }

    private void bySluice(Sluice sluice, Source source, FileEnd sink) throws IOException {
        for (long bytes = 0; bytes < warmBytes / 2; bytes += WARM_PIECE) {
            sluice.transfer(source)
                    .to(sink)
                    .limit(Math.min(WARM_PIECE, warmBytes / 2 - bytes))
                    .run();
        }
        sluice.transfer(source)
                .to(sink)
                .limit(warmBytes - warmBytes / 2)
                .pipeSize(WARM_PIECE)
                .run();
        begin();
        TransferResult result = sluice.transfer(source).to(sink).run();
        end(result.bytes(), result.bytesByPath().keySet());
    }

    private void byTransferFrom(Path file, int port) throws IOException {
        try (FileChannel sink = FileChannel.open(file, FRESH)) {
            if (port == 0) {
                try (FileInputStream input = new FileInputStream("/dev/stdin")) {
                    byTransferFrom(input.getChannel(), sink);
                }
                return;
            }
            try (ServerSocketChannel listener = ServerSocketChannel.open().bind(loopback(port));
                    SocketChannel source = listener.accept()) {
                byTransferFrom(source, sink);
            }
        }
    }

    private void byTransferFrom(ReadableByteChannel source, FileChannel sink) throws IOException {
        for (long bytes = 0; bytes < warmBytes / 2; bytes += WARM_PIECE) {
            byTransferFrom(source, sink, bytes, Math.min(WARM_PIECE, warmBytes / 2 - bytes));
        }
        byTransferFrom(source, sink, warmBytes / 2, warmBytes - warmBytes / 2);
        begin();
        end(byTransferFrom(source, sink, warmBytes, Long.MAX_VALUE - warmBytes), "transferFrom");
    }

    private static long byTransferFrom(ReadableByteChannel source, FileChannel sink, long position, long limit)
            throws IOException {
        long bytes = 0;
        for (long moved; (moved = sink.transferFrom(source, position + bytes, limit - bytes)) > 0; ) {
            bytes += moved;
        }
        return bytes;
    }

    private static InetSocketAddress loopback(int port) {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }

    private void begin() {
        awaitCompilers();
        startNanos = System.nanoTime();
        startCpuNanos = PROCESS.getProcessCpuTime();
    }

    /** Returns when this process has done next to nothing for a while: the compilers were all that was at work. */
    private static void awaitCompilers() {
        long before;
        do {
            before = PROCESS.getProcessCpuTime();
            LockSupport.parkNanos(QUIET_NANOS);
        } while (PROCESS.getProcessCpuTime() - before > QUIET_NANOS / 50);
    }

    private void end(long bytes, Object how) {
        long cpuNanos = PROCESS.getProcessCpuTime() - startCpuNanos;
        System.out.printf("%d %.3f %.3f %s%n", bytes, (System.nanoTime() - startNanos) / 1e9, cpuNanos / 1e9, how);
    }
}
