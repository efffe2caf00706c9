// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance.fuzz;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Every program of a number of calls out of a small alphabet, over two pipes of one or two slots: small rings fill,
 * wrap and run empty within a few calls, so what can go wrong there goes wrong here. A program is compared after each
 * call, so the shorter ones are among the longer. For one thread.
 */
public final class Enumeration implements AutoCloseable {
    /** The longest programs whose number is worth a thought: those of nine calls would take years. */
    public static final int MOST_CALLS = 8;

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

    /** One pipe or the other, of one slot or of two. */
    private static final int SETTINGS = 4;

    /** With every call non-blocking there is nothing to be patient for. */
    private static final long NO_PATIENCE = 0;

    private final Kernels kernels = new Kernels();
    private final int calls;
    private final long programs;

    /** All programs of that many calls. */
    public Enumeration(int calls) {
        this.calls = Objects.checkIndex(calls, MOST_CALLS + 1);
        long all = SETTINGS;
        for (int call = 0; call < calls; call++) {
            all *= ALPHABET.size();
        }
        programs = all;
    }

    /** How many programs there are. */
    public long programs() {
        return programs;
    }

    /**
     * Runs one of them.
     *
     * @param number from 0 on; written in as many digits as there are calls, each digit is a call
     * @return the difference; null when the kernels agree
     */
    public @Nullable Difference run(long number) {
        List<String> program = program(Objects.checkIndex(number, programs));
        kernels.beginProgram();
        try (Twin twin = new Twin(kernels, false, NO_PATIENCE)) {
            for (String line : program) {
                String difference = twin.run(line);
                if (difference != null) {
                    return new Difference(number, program, difference, twin.transcript());
                }
            }
            String difference = twin.end();
            return difference == null ? null : new Difference(number, program, difference, twin.transcript());
        }
    }

    private List<String> program(long number) {
        List<String> program = new ArrayList<>();
        long rest = number / SETTINGS;
        for (int call = 0; call < calls; call++) {
            program.addFirst(ALPHABET.get((int) (rest % ALPHABET.size())));
            rest /= ALPHABET.size();
        }
        int slots = (int) (number % SETTINGS);
        program.addAll(
                0,
                List.of(
                        "pipe A slots=" + (1 + (slots & 1)) + " NONBLOCK",
                        "pipe B slots=" + (1 + (slots >> 1)) + " NONBLOCK",
                        "mem M pat(2,0,8192)"));
        return program;
    }

    @Override
    public void close() {
        kernels.close();
    }
}
