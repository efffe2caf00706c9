// SPDX-License-Identifier: Apache-2.0
package io.sluice.testing;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** A terminal of the test's own: what is written to the master is typed, what the terminal shows is read from it. */
public final class Pty implements AutoCloseable {
    private static final int O_RDWR = 2;
    private static final int O_NOCTTY = 0400;
    private static final int O_CLOEXEC = 02000000;

    private final int master;
    private final int terminal;

    private Pty(int master, int terminal) {
        this.master = master;
        this.terminal = terminal;
    }

    /** Opens a master and its terminal, both in blocking mode. */
    public static Pty open() {
        try (Arena arena = Arena.ofConfined()) {
            int master = (int) function("posix_openpt", JAVA_INT).invoke(O_RDWR | O_NOCTTY | O_CLOEXEC);
            check((int) function("grantpt", JAVA_INT).invoke(master));
            check((int) function("unlockpt", JAVA_INT).invoke(master));
            MemorySegment name = arena.allocate(64);
            check((int) function("ptsname_r", JAVA_INT, ADDRESS, ADDRESS)
                    .invoke(master, name, MemorySegment.ofAddress(64)));
            int terminal = (int) function("open", ADDRESS, JAVA_INT).invoke(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
            check(terminal < 0 ? terminal : 0);
            return new Pty(master, terminal);
        } catch (Throwable t) {
            throw new AssertionError("no terminal can be made", t);
        }
    }

    /** The terminal's own descriptor, as a process has it for its standard streams. */
    public int terminal() {
        return terminal;
    }

    /** The descriptor of whoever types and looks. */
    public int master() {
        return master;
    }

    @Override
    public void close() {
        try {
            check((int) function("close", JAVA_INT).invoke(terminal));
            check((int) function("close", JAVA_INT).invoke(master));
        } catch (Throwable t) {
            throw new AssertionError("the terminal cannot be closed", t);
        }
    }

    private static void check(int result) {
        if (result != 0) {
            throw new AssertionError("the call answered " + result);
        }
    }

    @SuppressWarnings("restricted")
    private static MethodHandle function(String name, MemoryLayout... arguments) {
        return Linker.nativeLinker()
                .downcallHandle(
                        Linker.nativeLinker().defaultLookup().findOrThrow(name),
                        FunctionDescriptor.of(JAVA_INT, arguments));
    }
}
