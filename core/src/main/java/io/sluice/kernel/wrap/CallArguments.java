// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.wrap;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.Offset;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The arguments of a call that moves bytes: how many it asks for, and the same call for fewer. */
final class CallArguments {
    private CallArguments() {}

    static int integer(@Nullable Object[] arguments, int index) {
        return (int) Objects.requireNonNull(arguments[index]);
    }

    /** The bytes that a call asks for; 0 for calls that move none. */
    static long bytes(String name, @Nullable Object[] arguments) {
        return switch (name) {
            case "read", "write", "pread", "pwrite", "recv", "send" ->
                buffer(arguments).byteSize();
            case "readv", "writev", "pwritev", "vmsplice" ->
                iov(arguments).stream().mapToLong(MemorySegment::byteSize).sum();
            case "splice", "copy_file_range" -> number(arguments, 4);
            case "tee" -> number(arguments, 2);
            case "sendfile" -> number(arguments, 3);
            default -> 0;
        };
    }

    /** Makes the call for {@code bytes}, fewer than it asks for. */
    static long callFor(long bytes, Kernel kernel, String name, @Nullable Object[] a) {
        int fd = integer(a, 0);
        return switch (name) {
            case "read" -> kernel.read(fd, buffer(a).asSlice(0, bytes));
            case "write" -> kernel.write(fd, buffer(a).asSlice(0, bytes));
            case "pread" -> kernel.pread(fd, buffer(a).asSlice(0, bytes), number(a, 2));
            case "pwrite" -> kernel.pwrite(fd, buffer(a).asSlice(0, bytes), number(a, 2));
            case "recv" -> kernel.recv(fd, buffer(a).asSlice(0, bytes), integer(a, 2));
            case "send" -> kernel.send(fd, buffer(a).asSlice(0, bytes), integer(a, 2));
            case "readv" -> kernel.readv(fd, first(bytes, iov(a)));
            case "writev" -> kernel.writev(fd, first(bytes, iov(a)));
            case "pwritev" -> kernel.pwritev(fd, first(bytes, iov(a)), number(a, 2));
            case "vmsplice" -> kernel.vmsplice(fd, first(bytes, iov(a)), integer(a, 2));
            case "splice" -> kernel.splice(fd, (Offset) a[1], integer(a, 2), (Offset) a[3], bytes, integer(a, 5));
            case "copy_file_range" ->
                kernel.copyFileRange(fd, (Offset) a[1], integer(a, 2), (Offset) a[3], bytes, integer(a, 5));
            case "tee" -> kernel.tee(fd, integer(a, 1), bytes, integer(a, 3));
            case "sendfile" -> kernel.sendfile(fd, integer(a, 1), (Offset) a[2], bytes);
            default -> throw new IllegalArgumentException(name + " moves no bytes");
        };
    }

    private static MemorySegment buffer(@Nullable Object[] arguments) {
        return (MemorySegment) Objects.requireNonNull(arguments[1]);
    }

    @SuppressWarnings("unchecked") // the wrapper's own argument
    private static List<MemorySegment> iov(@Nullable Object[] arguments) {
        return (List<MemorySegment>) Objects.requireNonNull(arguments[1]);
    }

    private static long number(@Nullable Object[] arguments, int index) {
        return (long) Objects.requireNonNull(arguments[index]);
    }

    private static List<MemorySegment> first(long bytes, List<MemorySegment> iov) {
        var shorter = new ArrayList<MemorySegment>();
        long left = bytes;
        for (MemorySegment segment : iov) {
            if (left == 0) {
                break;
            }
            MemorySegment part = segment.asSlice(0, Math.min(left, segment.byteSize()));
            shorter.add(part);
            left -= part.byteSize();
        }
        return shorter;
    }
}
