// SPDX-License-Identifier: Apache-2.0
package io.sluice.testing;

import io.sluice.kernel.Capabilities;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Flags;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;
import java.lang.foreign.Arena;
import java.util.List;

/** A program that says how the kernel treats it. Its argument chooses what it does. */
public final class LinuxKernelChild {
    private LinuxKernelChild() {}

    /** Prints one finding a line. */
    public static void main(String[] arguments) {
        switch (arguments[0]) {
            case "construct" -> {
                construct();
                construct();
            }
            case "capabilities" -> capabilities();
            case "pipes" -> pipes(Integer.parseInt(arguments[1]));
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    private static void construct() {
        try (Kernel kernel = new LinuxKernel()) {
            System.out.println("constructed " + kernel.getClass().getSimpleName());
        } catch (UnsupportedOperationException e) {
            System.out.println(e.getMessage());
        }
    }

    private static void capabilities() {
        Kernel kernel = new LinuxKernel();
        Capabilities found = kernel.capabilities();
        System.out.println("splice " + found.splice());
        System.out.println("tee " + found.tee());
        System.out.println("vmsplice " + found.vmsplice());
        int[] pipe = new int[2];
        System.out.println("pipe2 answers " + answer(kernel.pipe2(pipe, Flags.O_CLOEXEC)));
        System.out.println("splice answers " + answer(kernel.splice(-1, null, pipe[1], null, 1, 0)));
        try (Arena arena = Arena.ofConfined()) {
            System.out.println("vmsplice answers " + answer(kernel.vmsplice(pipe[1], List.of(arena.allocate(3)), 0)));
            System.out.println("write answers " + answer(kernel.write(pipe[1], arena.allocate(5))));
        }
    }

    /** Opens pipes of 1 MiB as long as it is let, and then one of the default size. */
    private static void pipes(int most) {
        Kernel kernel = new LinuxKernel();
        int[] pipe = new int[2];
        long result = 0;
        int grown = 0;
        while (grown < most && result >= 0) {
            kernel.pipe2(pipe, Flags.O_CLOEXEC);
            result = kernel.fcntl(pipe[1], Flags.F_SETPIPE_SZ, 1 << 20);
            grown++;
        }
        System.out.println("growing answers " + answer(result));
        System.out.println("pipe2 answers " + answer(kernel.pipe2(pipe, Flags.O_CLOEXEC)));
        System.out.println("size " + kernel.fcntl(pipe[0], Flags.F_GETPIPE_SZ, 0));
    }

    private static String answer(long result) {
        return result < 0 ? Errno.name((int) result) : Long.toString(result);
    }
}
