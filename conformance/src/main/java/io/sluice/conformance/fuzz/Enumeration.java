// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance.fuzz;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Every program of a number of calls out of a small alphabet, over two pipes of one or two slots: small rings fill,
 * wrap and run empty within a few calls, so what can go wrong there goes wrong here. A program is compared after each
 * call, so the shorter ones are among the longer.
 */
public final class Enumeration implements AutoCloseable {
    private static final List<String> ALPHABET = List.of(
            "write A.w \"x\"",
            "write A.w pat(1,0,4096)",
            "write B.w \"y\"",
            "read A.r 1",
            "read A.r 5000",
            "read B.r 3",
            "splice A.r B.w 1",
            "splice A.r B.w 8192",
            "splice B.r A.w 8192",
            "tee A.r B.w 8192",
            "vmsplice A.w M+4090:10 NONBLOCK",
            "setsz B.w 4096",
            "setsz B.w 8192");

    /** With every call non-blocking there is nothing to be patient for. */
    private static final long NO_PATIENCE = 0;

    private final Kernels kernels = new Kernels();
    private long programs;

    /** How many programs have been run. */
    public long programs() {
        return programs;
    }

    /**
     * Runs every program of that many calls.
     *
     * @param found is given each difference
     */
    public void run(int calls, Consumer<Difference> found) {
        for (int slots = 0; slots < 4; slots++) {
            List<String> setting = List.of(
                    "pipe A slots=" + (1 + (slots & 1)) + " NONBLOCK",
                    "pipe B slots=" + (1 + (slots >> 1)) + " NONBLOCK",
                    "mem M pat(2,0,8192)");
            extend(setting, calls, found);
        }
    }

    private void extend(List<String> program, int callsLeft, Consumer<Difference> found) {
        if (callsLeft == 0) {
            play(program, found);
            return;
        }
        for (String call : ALPHABET) {
            List<String> longer = new ArrayList<>(program);
            longer.add(call);
            extend(longer, callsLeft - 1, found);
        }
    }

    private void play(List<String> program, Consumer<Difference> found) {
        kernels.beginProgram();
        programs++;
        try (Twin twin = new Twin(kernels, false, NO_PATIENCE)) {
            for (String line : program) {
                String difference = twin.run(line);
                if (difference != null) {
                    found.accept(new Difference(programs, program, difference, twin.transcript()));
                    return;
                }
            }
            String difference = twin.end();
            if (difference != null) {
                found.accept(new Difference(programs, program, difference, twin.transcript()));
            }
        }
    }

    @Override
    public void close() {
        kernels.close();
    }
}
