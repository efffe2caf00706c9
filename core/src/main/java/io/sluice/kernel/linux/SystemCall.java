// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.sluice.kernel.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The way into the kernel: the C library's {@code syscall} function, in three shapes of call.
 *
 * <ul>
 *   <li>six integers; pointers among them are addresses of our own {@link Scratch} memory;
 *   <li>a descriptor, a caller's segment that the linker holds open during the call, and integers;
 *   <li>an iovec array in scratch memory, and behind the arguments one segment for each arena that must stay open, with
 *       room for one, for eight or for sixty-four of them: a callee ignores arguments that it does not ask for.
 * </ul>
 *
 * <p>Why not the functions named splice, tee and so on: with glibc they are cancellation points, which costs a process
 * with several threads 40 to 50 ns a call; every function more is milliseconds of linking at start; and a call that the
 * C library or the kernel lacks is in this way answered ENOSYS by the kernel itself. {@code syscall} is variadic; on
 * x86-64 and aarch64 Linux variadic integers travel like named ones.
 *
 * <p>Each shape is linked on first use, in a holder of its own that makes the handle a constant to the compiler.
 */
final class SystemCall {
    /** How many arenas a vectored call holds open at little cost. */
    static final int FEW_HOLDS = 8;

    /** How many it can hold open: the linker's code grows with the square of it, and 64 take 100 ms to link. */
    static final int MANY_HOLDS = 64;

    /** The shapes linked so far in this process; a native image has to be told of each before it is built. */
    static final List<FunctionDescriptor> LINKED = new CopyOnWriteArrayList<>();

    private static final class Longs {
        static final MethodHandle SYSCALL = link("syscall", Collections.nCopies(7, JAVA_LONG));
    }

    private static final class Buffer {
        static final MethodHandle SYSCALL =
                link("syscall", List.of(JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));
    }

    private static final class Vector {
        static final MethodHandle SYSCALL = link("syscall", arguments(1));

        static List<MemoryLayout> arguments(int holds) {
            var arguments = new ArrayList<MemoryLayout>(Collections.nCopies(7, JAVA_LONG));
            arguments.addAll(Collections.nCopies(holds, ADDRESS));
            return arguments;
        }
    }

    private static final class FewArenasVector {
        static final MethodHandle SYSCALL = link("syscall", Vector.arguments(FEW_HOLDS));
    }

    private static final class ManyArenasVector {
        static final MethodHandle SYSCALL =
                link("syscall", Vector.arguments(MANY_HOLDS)).asSpreader(MemorySegment[].class, MANY_HOLDS);
    }

    private static final class PageSize {
        static final int BYTES = pageSize();

        private static int pageSize() {
            MethodHandle function = link("getpagesize", List.of());
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment errno = arena.allocate(Linker.Option.captureStateLayout());
                return (int) (long) function.invokeExact(errno);
            } catch (Throwable t) {
                throw unexpected(t);
            }
        }
    }

    private SystemCall() {}

    /** Bytes in a page of this machine, which is more than 4096 on many with aarch64. */
    static int pageSizeBytes() {
        return PageSize.BYTES;
    }

    /**
     * Links the shape that every program needs, so that a refusal of native access is met here and not in the midst of
     * a call.
     *
     * @throws UnsupportedOperationException naming the flag that allows it
     */
    static void link() {
        try {
            MethodHandle _ = Longs.SYSCALL;
        } catch (ExceptionInInitializerError | NoClassDefFoundError e) {
            if (!isRefusal(e)) {
                throw e;
            }
            throw new UnsupportedOperationException(
                    "native access is refused to Sluice: start Java with --enable-native-access=io.sluice.core"
                            + " (with Sluice on the class path: --enable-native-access=ALL-UNNAMED)",
                    e);
        }
    }

    /** Of a class that failed to initialize before, only the first failure's text is left. */
    private static boolean isRefusal(Throwable failure) {
        String refusal = IllegalCallerException.class.getName();
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause.toString().contains(refusal)) {
                return true;
            }
        }
        return false;
    }

    @SuppressWarnings("restricted") // this class is what native access is asked for
    static MethodHandle link(String function, List<? extends MemoryLayout> arguments) {
        Linker linker = Linker.nativeLinker();
        MemorySegment address = linker.defaultLookup().findOrThrow(function);
        FunctionDescriptor shape = FunctionDescriptor.of(JAVA_LONG, arguments.toArray(MemoryLayout[]::new));
        LINKED.add(shape);
        return linker.downcallHandle(address, shape, Linker.Option.captureCallState("errno"));
    }

    /** Calls with integers and scratch addresses. Answers the value or -errno, as the others do. */
    static long call(Scratch s, long number, long a, long b, long c, long d, long e, long f) {
        try {
            return s.result((long) Longs.SYSCALL.invokeExact(s.errno, number, a, b, c, d, e, f));
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** Calls with a descriptor and a caller's memory. */
    static long call(Scratch s, long number, long fd, MemorySegment buffer, long length, long d) {
        try {
            return s.result((long) Buffer.SYSCALL.invokeExact(s.errno, number, fd, buffer, length, d, 0L, 0L));
        } catch (IllegalStateException closed) {
            // The arena was closed between our look at it and the linker's.
            return -Errno.EFAULT;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** Calls with a descriptor and the iovec array that {@code s} holds the arenas of. */
    static long callVector(Scratch s, long number, long fd, long iov, long count, long d) {
        MemorySegment[] h = s.holds();
        try {
            // Most lists come from one arena, and the linker's code for one is a tenth of that for eight.
            if (s.heldArenas() <= 1) {
                return s.result((long) Vector.SYSCALL.invokeExact(s.errno, number, fd, iov, count, d, 0L, 0L, h[0]));
            }
            if (s.heldArenas() <= FEW_HOLDS) {
                return s.result((long) FewArenasVector.SYSCALL.invokeExact(
                        s.errno, number, fd, iov, count, d, 0L, 0L, h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]));
            }
            return s.result((long) ManyArenasVector.SYSCALL.invokeExact(s.errno, number, fd, iov, count, d, 0L, 0L, h));
        } catch (IllegalStateException closed) {
            return -Errno.EFAULT;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** A downcall throws only for misuse of Java, and that unchecked. */
    static RuntimeException unexpected(Throwable t) {
        if (t instanceof Error e) {
            throw e;
        }
        return t instanceof RuntimeException e ? e : new IllegalStateException(t);
    }
}
