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

/**
 * What does it cost to receive a file from a pipe or a socket: by a {@link io.sluice.Transfer}, and by
 * {@link FileChannel#transferFrom}? (P6.) The sender is another process, bench/c/p6.c, so that only the receiver's CPU
 * counts: that of all threads of this process.
 *
 * <pre>  FileReceiver sluice|transferFrom FILE WARM_BYTES [PORT]</pre>
 *
 * Prints "bytes seconds cpu-seconds how" of what follows the first WARM_BYTES, during which the JVM compiles.
 *
 * <p>Without a port the source is standard input, which is to be a pipe.
 */
final class FileReceiver {
    private static final OperatingSystemMXBean PROCESS =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    /** What a transfer uses of itself, and what sluice copy has the pipes hold that it is given. */
    private static final int PIPE_BYTES = 512 << 10;

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
        sluice.transfer(source).to(sink).limit(warmBytes).run();
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
        byTransferFrom(source, sink, 0, warmBytes);
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
        startNanos = System.nanoTime();
        startCpuNanos = PROCESS.getProcessCpuTime();
    }

    private void end(long bytes, Object how) {
        long cpuNanos = PROCESS.getProcessCpuTime() - startCpuNanos;
        System.out.printf("%d %.3f %.3f %s%n", bytes, (System.nanoTime() - startNanos) / 1e9, cpuNanos / 1e9, how);
    }
}
