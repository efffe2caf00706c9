// SPDX-License-Identifier: Apache-2.0
package io.sluice.testing;

import io.sluice.Sink;
import io.sluice.Sluice;
import io.sluice.Source;
import io.sluice.TransferResult;
import io.sluice.kernel.Flags;
import java.io.IOException;
import java.nio.channels.Pipe;

/** A program that adopts what it was started with. Its argument chooses what. */
public final class AdoptingChild {
    private AdoptingChild() {}

    /** Says on standard output, or for {@code streams} on standard error, what came of it. */
    public static void main(String[] arguments) throws IOException {
        switch (arguments[0]) {
            case "channel" -> channel();
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
