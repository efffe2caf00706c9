// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/** What all objects of one kernel share: pages, limits, the profile, numbers to hand out, signals that were counted. */
final class Resources {
    final UserKernel.Profile profile;
    final PagePool pages;
    final int pipeMaxSizeBytes;
    final long pipeUserPagesSoft; // 0: no limit
    volatile long fileSizeLimitBytes;

    /** SIGPIPE and SIGXFSZ that a real kernel would have sent. */
    final LongAdder sigpipes = new LongAdder();

    final LongAdder sigxfszs = new LongAdder();

    /** What holes and /dev/zero show. */
    final Memory zeros = new ZeroPage();

    /** Held before an epoll instance that is to watch another looks into it, or two could wait for each other. */
    final Object epollNesting = new Object();

    private final AtomicLong sequence = new AtomicLong();
    private final AtomicLong pipePages = new AtomicLong(); // slots of all pipes
    private final Set<Waitable> objects = ConcurrentHashMap.newKeySet();

    Resources(
            UserKernel.Profile profile,
            PagePool pages,
            int pipeMaxSizeBytes,
            long pipeUserPagesSoft,
            long fileSizeLimitBytes) {
        this.profile = profile;
        this.pages = pages;
        this.pipeMaxSizeBytes = pipeMaxSizeBytes;
        this.pipeUserPagesSoft = pipeUserPagesSoft;
        this.fileSizeLimitBytes = fileSizeLimitBytes;
    }

    /** A number that no other object of this kernel has: its inode, and its place in the order of locks. */
    long nextSequence() {
        return sequence.incrementAndGet();
    }

    /** Remembers an object that calls can sleep on, until it is {@link #forget forgotten}. */
    void remember(Waitable object) {
        objects.add(object);
    }

    void forget(Waitable object) {
        objects.remove(object);
    }

    /** The objects that calls can sleep on; a view that may change. */
    Set<Waitable> objects() {
        return objects;
    }

    /** Accounts slots of pipes; answers whether they stay within the soft limit [C10]. Negative counts give back. */
    boolean chargePipeSlots(int slots) {
        long now = pipePages.addAndGet(slots);
        return pipeUserPagesSoft == 0 || now <= pipeUserPagesSoft;
    }
}
