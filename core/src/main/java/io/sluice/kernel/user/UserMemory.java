// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EBUSY;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.ENOMEM;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What mmap of this kernel has given out: finds the {@link Mapping} that a segment is part of. Lookups take no lock.
 */
final class UserMemory {
    static final long HUGE_PAGE = 2 << 20;

    /** Mappings in the order of their addresses; replaced as a whole. */
    private static final class Index {
        final long[] addresses;
        final Mapping[] mappings;

        Index(long[] addresses, Mapping[] mappings) {
            this.addresses = addresses;
            this.mappings = mappings;
        }
    }

    private final Resources resources;
    private final ReentrantLock lock = new ReentrantLock(); // for changes of the index
    private volatile Index index = new Index(new long[0], new Mapping[0]);

    UserMemory(Resources resources) {
        this.resources = resources;
    }

    long map(long length, boolean hugePages, MemorySegment[] out) {
        if (length <= 0) {
            return -EINVAL;
        }
        long pages = (length - 1) / Page.SIZE + 1;
        if (!resources.pages.reserve(pages)) {
            return -ENOMEM;
        }
        Mapping mapping;
        try {
            boolean countsPages = resources.profile == UserKernel.Profile.MAN_PAGES;
            mapping = new Mapping(resources.pages, pages, hugePages ? HUGE_PAGE : Page.SIZE, countsPages);
        } catch (OutOfMemoryError e) {
            resources.pages.unreserve(pages);
            return -ENOMEM;
        }
        out[0] = mapping.bytes();
        lock.lock();
        try {
            Index now = index;
            long address = mapping.bytes().address();
            int place = -Arrays.binarySearch(now.addresses, address) - 1;
            long[] addresses = new long[now.addresses.length + 1];
            Mapping[] mappings = new Mapping[addresses.length];
            System.arraycopy(now.addresses, 0, addresses, 0, place);
            System.arraycopy(now.mappings, 0, mappings, 0, place);
            System.arraycopy(now.addresses, place, addresses, place + 1, now.addresses.length - place);
            System.arraycopy(now.mappings, place, mappings, place + 1, now.mappings.length - place);
            addresses[place] = address;
            mappings[place] = mapping;
            index = new Index(addresses, mappings);
        } finally {
            lock.unlock();
        }
        return 0;
    }

    long unmap(MemorySegment segment) {
        lock.lock();
        try {
            Mapping mapping = find(segment);
            if (mapping == null || !mapping.bytes().equals(segment)) {
                return -EINVAL;
            }
            Index now = index;
            int place = Arrays.binarySearch(now.addresses, segment.address());
            if (!mapping.unmap()) {
                return -EBUSY;
            }
            long[] addresses = new long[now.addresses.length - 1];
            Mapping[] mappings = new Mapping[addresses.length];
            System.arraycopy(now.addresses, 0, addresses, 0, place);
            System.arraycopy(now.mappings, 0, mappings, 0, place);
            System.arraycopy(now.addresses, place + 1, addresses, place, addresses.length - place);
            System.arraycopy(now.mappings, place + 1, mappings, place, addresses.length - place);
            index = new Index(addresses, mappings);
            return 0;
        } finally {
            lock.unlock();
        }
    }

    /** The live mapping that holds the whole segment; null for other memory. */
    @Nullable
    Mapping find(MemorySegment segment) {
        Index now = index;
        if (!segment.isNative() || now.addresses.length == 0) {
            return null;
        }
        int place = Arrays.binarySearch(now.addresses, segment.address());
        if (place == -1) {
            return null;
        }
        Mapping mapping = now.mappings[place >= 0 ? place : -place - 2];
        MemorySegment bytes = mapping.bytes();
        boolean inside = segment.address() + segment.byteSize() <= bytes.address() + bytes.byteSize()
                && segment.scope().equals(bytes.scope());
        return inside ? mapping : null;
    }

    /** Gives everything back that users forgot. */
    void close() {
        lock.lock();
        try {
            for (Mapping mapping : index.mappings) {
                mapping.unmap();
            }
            index = new Index(new long[0], new Mapping[0]);
        } finally {
            lock.unlock();
        }
    }
}
