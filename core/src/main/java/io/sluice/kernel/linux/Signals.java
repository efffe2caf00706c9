// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.sluice.kernel.Errno;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;
import java.util.List;

/**
 * Ends a sleeping system call of one thread with EINTR, as tests of interruption need it [O01]: a real-time signal that
 * Java does not use, sent to that thread alone, with a handler that does nothing and without SA_RESTART. For tests and
 * tools: the handler is the process's, once for all.
 */
public final class Signals {
    /** Between the numbers that the C libraries keep for themselves (32 to 34) and the last (64). */
    private static final int SIGNAL = 50;

    /** struct sigaction of glibc and musl: handler, mask (128 bytes), flags, restorer. */
    private static final int SIGACTION_BYTES = 152;

    private static final Scratch.Pool SCRATCHES = new Scratch.Pool();

    static {
        install();
    }

    private Signals() {}

    /** The calling platform thread, as {@link #interrupt} and {@code /proc/self/task} know it: gettid(2). */
    public static int currentThread() {
        return (int) plain(Numbers.GETTID, 0, 0, 0);
    }

    /**
     * Sends the signal to a thread of this process: its sleeping call answers EINTR; one that does not sleep notices
     * nothing.
     */
    public static void interrupt(int thread) {
        long result = plain(Numbers.TGKILL, plain(Numbers.GETPID, 0, 0, 0), thread, SIGNAL);
        if (result < 0) {
            throw new IllegalArgumentException(
                    "thread " + thread + " cannot be signalled: tgkill answered " + Errno.name((int) result));
        }
    }

    private static long plain(long number, long a, long b, long c) {
        Scratch s = SCRATCHES.take();
        try {
            return SystemCall.call(s, number, a, b, c, 0, 0, 0);
        } finally {
            SCRATCHES.giveBack(s);
        }
    }

    /** Through the C library, because the kernel's own structure needs a return trampoline that the library knows. */
    private static void install() {
        // A handler is called with one argument; getppid ignores it, may be called in a handler and changes nothing.
        long handler =
                Linker.nativeLinker().defaultLookup().findOrThrow("getppid").address();
        MethodHandle sigaction = SystemCall.link("sigaction", List.of(JAVA_LONG, JAVA_LONG, JAVA_LONG));
        Scratch s = SCRATCHES.take();
        try {
            s.block.put(0, new byte[SIGACTION_BYTES]).putLong(0, handler);
            // The flags stay 0, so without SA_RESTART.
            int returned = (int) (long) sigaction.invokeExact(s.errno, (long) SIGNAL, s.blockAddress, 0L);
            long result = s.result(returned);
            if (result != 0) {
                throw new IllegalStateException("sigaction answered " + Errno.name((int) result));
            }
        } catch (Throwable t) {
            throw SystemCall.unexpected(t);
        } finally {
            SCRATCHES.giveBack(s);
        }
    }
}
