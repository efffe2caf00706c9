// SPDX-License-Identifier: Apache-2.0
package io.sluice.testing;

import io.sluice.Sink;
import io.sluice.Sluice;
import io.sluice.Source;
import io.sluice.TransferResult;
import io.sluice.kernel.Flags;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Pipe;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A program that adopts what it was started with. Its argument chooses what. */
public final class AdoptingChild {
    private AdoptingChild() {}

    /** Says on standard output, or for {@code streams} on standard error, what came of it. */
    public static void main(String[] arguments) throws IOException {
        switch (arguments[0]) {
            case "channel" -> channel();
            case "stream" -> stream(arguments[1]);
            case "streams" -> streams();
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    private static void channel() throws IOException {
        Pipe pipe = Pipe.open();
        try (Sluice sluice = Sluice.open();
                Source source = sluice.source(pipe.source())) {
            System.out.println(source.isOpen() ? "adopted" : "closed");
        } catch (UnsupportedOperationException e) {
            System.out.println(e.getMessage());
        }
    }

    private static void stream(String file) throws IOException {
        try (Sluice sluice = Sluice.open();
                InputStream in = new FileInputStream(file);
                Source source = sluice.source(in);
                Sink nowhere = sluice.open(Path.of("/dev/null"), StandardOpenOption.WRITE)) {
            long bytes = sluice.transfer(source).to(nowhere).run().bytes();
            System.out.println(source.getClass().getSimpleName() + ", " + bytes + " bytes");
        }
    }

    /** Standard input to standard output. */
    private static void streams() throws IOException {
        try (Sluice sluice = Sluice.open();
                Source in = sluice.source(0);
                Sink out = sluice.sink(1)) {
            TransferResult result = sluice.transfer(in).to(out).run();
            boolean blocking = true;
            for (int fd = 0; fd < 2; fd++) {
                blocking &= (sluice.kernel().fcntl(fd, Flags.F_GETFL, 0) & Flags.O_NONBLOCK) == 0;
            }
            System.err.println(result.bytesByPath() + (blocking ? ", still blocking" : ", made non-blocking"));
        }
    }
}
