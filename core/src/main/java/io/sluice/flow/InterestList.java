// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.kernel.Flags.EPOLLERR;
import static io.sluice.kernel.Flags.EPOLLHUP;
import static io.sluice.kernel.Flags.EPOLLONESHOT;
import static io.sluice.kernel.Flags.EPOLL_CLOEXEC;
import static io.sluice.kernel.Flags.EPOLL_CTL_ADD;
import static io.sluice.kernel.Flags.EPOLL_CTL_DEL;
import static io.sluice.kernel.Flags.EPOLL_CTL_MOD;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;

/**
 * An epoll instance and what it watches for whom. Interest is one-shot: a descriptor that nobody waits for costs
 * nothing, however busy it is. A descriptor stays known to epoll until it is closed; waiting again costs one epoll_ctl.
 * Safe for any thread; what is known of a descriptor is guarded by its monitor.
 */
final class InterestList {
    private final Kernel kernel;
    private final Descriptor epoll;
    private final ConcurrentHashMap<Long, Descriptor> members = new ConcurrentHashMap<>();

    InterestList(Kernel kernel) throws PollerException {
        this.kernel = kernel;
        this.epoll = PollerException.opened(kernel, "epoll_create1", kernel.epollCreate1(EPOLL_CLOEXEC));
    }

    /** The epoll instance; to be entered before its number is used. */
    Descriptor epoll() {
        return epoll;
    }

    void close() {
        epoll.close();
    }

    /**
     * Has epoll watch for what the descriptor's waiters want; answers 0 or an errno, EBADF when this list is closed.
     */
    int armLocked(Descriptor descriptor) {
        int wanted = 0;
        for (Waiter waiter : descriptor.waiters) {
            wanted |= waiter.events;
        }
        if ((wanted & ~descriptor.armedEvents) == 0) { // also when nobody wants anything
            return 0;
        }
        if (!epoll.enter()) {
            return Errno.EBADF;
        }
        try {
            return registerLocked(descriptor, wanted);
        } finally {
            epoll.leave();
        }
    }

    private int registerLocked(Descriptor descriptor, int wanted) {
        Membership known = descriptor.membershipLocked();
        if (known == null) {
            members.put(descriptor.id, descriptor);
        }
        int operation = known == null ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
        long result = kernel.epollCtl(epoll.fd(), operation, descriptor.fd(), wanted | EPOLLONESHOT, descriptor.id);
        if (result < 0) {
            if (known == null) {
                members.remove(descriptor.id);
            }
            return (int) -result;
        }
        if (known == null) {
            descriptor.joinedLocked(new Membership());
        }
        descriptor.armedEvents = wanted;
        return 0;
    }

    /** Takes out the waiters whom {@code events} concern, and arms again for the rest. */
    void collect(long id, int events, List<Waiter> woken) {
        Descriptor descriptor = members.get(id);
        if (descriptor == null) {
            return;
        }
        synchronized (descriptor) {
            if (descriptor.isClosed()) {
                return; // its close wakes them
            }
            descriptor.armedEvents = 0;
            boolean forAll = (events & (EPOLLERR | EPOLLHUP)) != 0;
            descriptor.waiters.removeIf(waiter -> {
                boolean concerned = waiter.events != 0 && (forAll || (events & waiter.events) != 0);
                if (concerned) {
                    woken.add(waiter);
                }
                return concerned;
            });
            if (armLocked(descriptor) == 0) {
                return;
            }
            // They are woken to find out for themselves.
            woken.addAll(descriptor.waiters);
            descriptor.waiters.clear();
        }
    }

    /** That epoll knows a descriptor. */
    final class Membership {
        /**
         * The descriptor's monitor is held, and its number still open: epoll would keep a closed one while a dup lives.
         */
        void endLocked(Descriptor descriptor) {
            if (epoll.enter()) {
                kernel.epollCtl(epoll.fd(), EPOLL_CTL_DEL, descriptor.fd(), 0, 0);
                epoll.leave();
            }
            members.remove(descriptor.id);
        }
    }
}
