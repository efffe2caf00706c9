// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.linux;

import io.sluice.kernel.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Memory mapped for callers. Each mapping has an arena of its own whose closing makes every use of the segment throw
 * before the pages are gone. Holds nothing but what is mapped; safe for any thread.
 */
final class Mappings {
    private static final long HUGE_PAGE_BYTES = 2 << 20;

    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_PRIVATE_ANONYMOUS = 0x22;
    private static final int MADV_HUGEPAGE = 14;

    private record Mapping(Arena arena, MemorySegment segment) {}

    private final ConcurrentHashMap<Long, Mapping> byAddress = new ConcurrentHashMap<>();

    @SuppressWarnings("restricted") // the mapping is ours, and lives as long as its arena
    long map(Scratch s, long length, boolean hugePages, MemorySegment[] out) {
        long page = SystemCall.pageSizeBytes();
        long rounded = (length + page - 1) & -page;
        if (length <= 0 || rounded < 0) {
            return length <= 0 ? -Errno.EINVAL : -Errno.ENOMEM;
        }
        long address = hugePages ? mapAligned(s, rounded) : mapAnywhere(s, rounded);
        if (address < 0) {
            return address;
        }
        Arena arena = Arena.ofShared();
        MemorySegment segment = MemorySegment.ofAddress(address).reinterpret(rounded, arena, null);
        byAddress.put(address, new Mapping(arena, segment));
        out[0] = segment;
        return 0;
    }

    private static long mapAnywhere(Scratch s, long bytes) {
        return SystemCall.call(s, Numbers.MMAP, 0, bytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
    }

    /** Only an aligned range can be huge pages, so more is mapped and the ends are given back. */
    private static long mapAligned(Scratch s, long bytes) {
        long address = mapAnywhere(s, bytes + HUGE_PAGE_BYTES);
        if (address < 0) {
            return address;
        }
        long aligned = (address + HUGE_PAGE_BYTES - 1) & -HUGE_PAGE_BYTES;
        long before = aligned - address;
        if (before > 0) {
            unmap(s, address, before);
        }
        if (before < HUGE_PAGE_BYTES) {
            unmap(s, aligned + bytes, HUGE_PAGE_BYTES - before);
        }
        // A wish: where huge pages are switched off the memory is as good, only slower.
        SystemCall.call(s, Numbers.MADVISE, aligned, bytes, MADV_HUGEPAGE, 0, 0, 0);
        return aligned;
    }

    private static long unmap(Scratch s, long address, long bytes) {
        return SystemCall.call(s, Numbers.MUNMAP, address, bytes, 0, 0, 0, 0);
    }

    long unmap(Scratch s, MemorySegment segment) {
        Mapping mapping = byAddress.get(segment.address());
        if (mapping == null
                || mapping.segment.byteSize() != segment.byteSize()
                || !mapping.segment.scope().equals(segment.scope())) {
            return -Errno.EINVAL;
        }
        try {
            mapping.arena.close();
        } catch (IllegalStateException inUse) {
            // By a call in progress, or already closed by another thread that unmaps it.
            return segment.scope().isAlive() ? -Errno.EBUSY : -Errno.EINVAL;
        }
        byAddress.remove(segment.address(), mapping);
        return unmap(s, segment.address(), segment.byteSize());
    }
}
