// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import static io.sluice.kernel.Flags.S_IFCHR;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.Stat;
import io.sluice.kernel.linux.LinuxKernel;
import io.sluice.kernel.user.UserKernel;
import io.sluice.kernel.wrap.TracingKernel;
import java.io.PrintStream;
import java.nio.file.Path;

/**
 * What a command sees of the process that runs it.
 *
 * @param out where answers go
 * @param err where everything else goes
 * @param trace whether system calls are printed on {@code err}
 * @param columns how wide a line may be on {@code err}; 0 when that is no terminal
 */
record Host(PrintStream out, PrintStream err, boolean trace, int columns) {
    private static final int USUAL_COLUMNS = 80;

    /** The real one. */
    static Host process(boolean trace) {
        String columns = System.getenv("COLUMNS");
        int width = USUAL_COLUMNS;
        try {
            if (columns != null && Integer.parseInt(columns) > 0) {
                width = Integer.parseInt(columns);
            }
        } catch (NumberFormatException e) {
            // Somebody else's idea of a width; the usual one does.
        }
        return new Host(System.out, System.err, trace, width);
    }

    /** The system calls of Linux; the caller closes them. */
    Kernel linux() {
        return traced(new LinuxKernel());
    }

    /** A system in user space that sees this process's files, streams and network; the caller closes it. */
    Kernel userSpace() {
        return traced(UserKernel.builder()
                .mount("/", Path.of("/"))
                .workingDirectory(Path.of("").toAbsolutePath().toString())
                .standardStreams()
                .network(UserKernel.NetworkKind.HOST)
                .build());
    }

    /** A kernel that prints its calls, if that was asked for. */
    Kernel traced(Kernel kernel) {
        return trace ? TracingKernel.printing(kernel, err::println) : kernel;
    }

    /** Whether standard error is a terminal, with somebody before it who wants to see what goes on. */
    static boolean isWatched(Kernel kernel) {
        Stat stat = new Stat();
        return kernel.fstat(2, stat) == 0 && stat.type() == S_IFCHR && isTerminal(stat);
    }

    private static boolean isTerminal(Stat stat) {
        return io.sluice.flow.EndKind.of(stat) == io.sluice.flow.EndKind.TERMINAL;
    }
}
