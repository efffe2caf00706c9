// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.linux;

import static io.sluice.kernel.Flags.MFD_CLOEXEC;
import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.sluice.kernel.Capabilities;
import io.sluice.kernel.Capabilities.Support;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Offset;
import java.io.BufferedReader;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Finds out what a kernel does, by doing it: puts one byte into a pipe, changes the byte at its origin, and looks which
 * one arrives. Kernels that copy where others share are announced (catalogue section S), and containers forbid single
 * calls.
 */
final class Probe {
    private static final byte OLD = 'o';
    private static final byte NEW = 'n';

    private static final Set<Integer> PASSING = Set.of(Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM);

    private final Kernel kernel;
    private final MemorySegment oneByte = Arena.ofAuto().allocate(1);

    private Probe(Kernel kernel) {
        this.kernel = kernel;
    }

    static Capabilities of(LinuxKernel kernel) {
        Probe probe = new Probe(kernel);
        Support splice = probe.splice(false);
        Support vmsplice = probe.vmsplice(false);
        // tee is shown with bytes that came by reference, by whichever call can bring them.
        Support tee = splice.equals(Support.SHARES) ? probe.splice(true) : probe.vmsplice(true);
        return new Capabilities(
                splice,
                tee,
                vmsplice,
                (int) Math.min(number("/proc/sys/fs/pipe-max-size", 1 << 20), Integer.MAX_VALUE),
                number("/proc/sys/fs/pipe-user-pages-soft", 0),
                SystemCall.pageSizeBytes(),
                hugePageSizeBytes());
    }

    /** Whether what was found will be found again: a process short of descriptors or memory found only that. */
    static boolean isLasting(Capabilities found) {
        return Stream.of(found.splice(), found.tee(), found.vmsplice())
                .map(Support::errno)
                .noneMatch(PASSING::contains);
    }

    /** A byte of a memory file, through one pipe, or through a second by tee. */
    private Support splice(boolean thenTee) {
        int file = (int) kernel.memfdCreate("sluice-probe", MFD_CLOEXEC);
        if (file < 0) {
            return Support.refused(-file);
        }
        try {
            store(OLD);
            long written = kernel.pwrite(file, oneByte, 0);
            if (written != 1) {
                return Support.refused((int) -written);
            }
            return through(
                    writeEnd -> kernel.splice(file, new Offset(0), writeEnd, null, 1, SPLICE_F_NONBLOCK),
                    () -> {
                        store(NEW);
                        kernel.pwrite(file, oneByte, 0);
                    },
                    thenTee);
        } finally {
            kernel.close(file);
        }
    }

    /** A byte of mapped memory, through one pipe, or through a second by tee. */
    private Support vmsplice(boolean thenTee) {
        MemorySegment[] mapped = new MemorySegment[1];
        long result = kernel.mmap(1, false, mapped);
        if (result < 0) {
            return Support.refused((int) -result);
        }
        MemorySegment page = mapped[0];
        try {
            page.set(JAVA_BYTE, 0, OLD); // before, or the pipe holds the common zero page [K15]
            return through(
                    writeEnd -> kernel.vmsplice(writeEnd, List.of(page.asSlice(0, 1)), SPLICE_F_NONBLOCK),
                    () -> page.set(JAVA_BYTE, 0, NEW),
                    thenTee);
        } finally {
            kernel.munmap(page);
        }
    }

    private interface Put {
        long into(int writeEnd);
    }

    private Support through(Put put, Runnable change, boolean thenTee) {
        int[] first = new int[2];
        int[] second = new int[2];
        long made = kernel.pipe2(first, O_CLOEXEC | O_NONBLOCK);
        if (made < 0) {
            return Support.refused((int) -made);
        }
        made = kernel.pipe2(second, O_CLOEXEC | O_NONBLOCK);
        if (made < 0) {
            close(first);
            return Support.refused((int) -made);
        }
        try {
            long result = put.into(first[1]);
            if (result == 1 && thenTee) {
                result = kernel.tee(first[0], second[1], 1, SPLICE_F_NONBLOCK);
            }
            if (result != 1) {
                return Support.refused((int) -result);
            }
            change.run();
            result = kernel.read(thenTee ? second[0] : first[0], oneByte);
            if (result != 1) {
                return Support.refused((int) -result);
            }
            return oneByte.get(JAVA_BYTE, 0) == NEW ? Support.SHARES : Support.COPIES;
        } finally {
            close(first);
            close(second);
        }
    }

    private void store(byte b) {
        oneByte.set(JAVA_BYTE, 0, b);
    }

    private void close(int[] pipe) {
        kernel.close(pipe[0]);
        kernel.close(pipe[1]);
    }

    private static long hugePageSizeBytes() {
        try {
            Path settings = Path.of("/sys/kernel/mm/transparent_hugepage");
            boolean off = Files.readString(settings.resolve("enabled")).contains("[never]");
            return off ? 0 : number(settings.resolve("hpage_pmd_size").toString(), 0);
        } catch (IOException absent) {
            return 0; // a kernel without huge pages has no such file
        }
    }

    /** The number in a kernel file, or {@code otherwise} where /proc or /sys is hidden. */
    private static long number(String file, long otherwise) {
        // By one large read: these files answer only a read from their start.
        try (BufferedReader reader = Files.newBufferedReader(Path.of(file))) {
            return Long.parseLong(reader.readLine().strip());
        } catch (IOException | NumberFormatException hidden) {
            return otherwise;
        }
    }
}
