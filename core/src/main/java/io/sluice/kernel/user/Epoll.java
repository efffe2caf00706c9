// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.EEXIST;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.ELOOP;
import static io.sluice.kernel.Errno.ENOENT;
import static io.sluice.kernel.Errno.EPERM;
import static io.sluice.kernel.Flags.EPOLLERR;
import static io.sluice.kernel.Flags.EPOLLET;
import static io.sluice.kernel.Flags.EPOLLEXCLUSIVE;
import static io.sluice.kernel.Flags.EPOLLHUP;
import static io.sluice.kernel.Flags.EPOLLIN;
import static io.sluice.kernel.Flags.EPOLLONESHOT;
import static io.sluice.kernel.Flags.EPOLLRDNORM;
import static io.sluice.kernel.Flags.EPOLL_CTL_ADD;
import static io.sluice.kernel.Flags.EPOLL_CTL_DEL;
import static io.sluice.kernel.Flags.EPOLL_CTL_MOD;
import static io.sluice.kernel.Flags.O_RDWR;

import io.sluice.kernel.EpollEvents;
import io.sluice.kernel.Stat;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.SequencedSet;

/**
 * An epoll instance: what it is interested in, and a queue of items that may be ready. A change of a watched file puts
 * its item into the queue; epoll_wait takes items out, asks each file what holds now, and puts level-triggered ones
 * back at the end. Edge-triggered ones come back with the next change only.
 *
 * <p>Two locks: {@code interest} for the items, taken by epoll_ctl and by the close of a watched file; the queue's own,
 * taken by changes too, and never held while a file is asked.
 */
final class Epoll extends OpenFile {
    private static final int PRIVATE = EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE;
    private static final int MOST_NESTED = 4; // as in the kernel

    private final Resources resources;
    private final Ready ready = new Ready();

    /** Guarded by itself. */
    private final Map<Key, Item> interest = new HashMap<>();

    /** A descriptor and what it stood for when it was added: a reused number is another key. */
    private record Key(OpenFile file, int fd) {}

    /** The queue of items that may be ready, and those who sleep in epoll_wait. */
    private static final class Ready extends Waitable {
        final SequencedSet<Item> items = new LinkedHashSet<>();

        @Override
        boolean readableLocked() {
            return !items.isEmpty();
        }

        @Override
        boolean writableLocked() {
            return false;
        }

        void addLocked(Item item) {
            if (!item.removed && items.add(item)) {
                tellReadersLocked(EPOLLIN | EPOLLRDNORM);
            }
        }

        void removeLocked(Item item) {
            item.removed = true;
            items.remove(item);
        }
    }

    /** Interest in one descriptor. */
    private final class Item implements Watch {
        final OpenFile file;

        // Guarded by the queue's lock.
        volatile int events; // read without it
        long data;
        boolean removed;

        Item(OpenFile file, int events, long data) {
            this.file = file;
            this.events = events;
            this.data = data;
        }

        @Override
        public void changed(int changed) {
            ready.lock();
            try {
                boolean disarmed = (events & ~PRIVATE) == 0;
                if (!disarmed && (changed == Waitable.ANY_EVENT || (changed & events) != 0)) {
                    ready.addLocked(this);
                }
            } finally {
                ready.unlock();
            }
        }
    }

    Epoll(Resources resources) {
        super(O_RDWR);
        this.resources = resources;
        resources.remember(ready);
    }

    /** epoll_ctl(2) after the checks of both descriptors. */
    long control(int operation, OpenFile file, int fd, int events, long data) {
        if (file == this) {
            return -EINVAL;
        }
        if (file instanceof Epoll && operation == EPOLL_CTL_ADD) {
            synchronized (resources.epollNesting) {
                return controlAlone(operation, file, fd, events, data);
            }
        }
        return controlAlone(operation, file, fd, events, data);
    }

    private long controlAlone(int operation, OpenFile file, int fd, int events, long data) {
        synchronized (interest) {
            Key key = new Key(file, fd);
            Item item = interest.get(key);
            return switch (operation) {
                case EPOLL_CTL_ADD -> item != null ? -EEXIST : add(key, events, data);
                case EPOLL_CTL_MOD -> item == null ? -ENOENT : modify(item, events, data);
                case EPOLL_CTL_DEL -> item == null ? -ENOENT : delete(key, item);
                default -> -EINVAL;
            };
        }
    }

    private long add(Key key, int events, long data) {
        if (key.file instanceof Epoll other && other.depth(this, 1) > MOST_NESTED) {
            return -ELOOP;
        }
        Item item = new Item(key.file, events | EPOLLERR | EPOLLHUP, data);
        if (!key.file.watch(item)) {
            return -EPERM;
        }
        interest.put(key, item);
        key.file.watchedBy(this);
        queueIfReady(item);
        return 0;
    }

    private long modify(Item item, int events, long data) {
        ready.lock();
        item.events = events | EPOLLERR | EPOLLHUP;
        item.data = data;
        ready.unlock();
        queueIfReady(item);
        return 0;
    }

    private long delete(Key key, Item item) {
        interest.remove(key);
        drop(item);
        return 0;
    }

    private void drop(Item item) {
        item.file.unwatch(item);
        ready.lock();
        ready.removeLocked(item);
        ready.unlock();
    }

    private void queueIfReady(Item item) {
        int now = item.file.readiness();
        ready.lock();
        try {
            if ((now & item.events) != 0) {
                ready.addLocked(item);
            }
        } finally {
            ready.unlock();
        }
    }

    /** A file that may be watched here has been closed for good: nobody can ask for it any more. */
    void forget(OpenFile file) {
        synchronized (interest) {
            interest.entrySet().removeIf(entry -> {
                boolean gone = entry.getKey().file.equals(file);
                if (gone) {
                    drop(entry.getValue());
                }
                return gone;
            });
        }
    }

    /** epoll_wait(2). */
    long await(EpollEvents events, int timeoutMillis) {
        long deadline = timeoutMillis < 0 ? Waitable.NO_DEADLINE : System.nanoTime() + timeoutMillis * 1_000_000L;
        for (; ; ) {
            int found = collect(events);
            if (found > 0 || timeoutMillis == 0) {
                return found;
            }
            ready.lock();
            try {
                long slept = ready.awaitReadableLocked(deadline);
                if (slept < 0) {
                    return slept == -EAGAIN ? 0 : slept;
                }
            } finally {
                ready.unlock();
            }
        }
    }

    /** Asks each item that is in the queue now; answers how many events were stored. */
    private int collect(EpollEvents events) {
        ready.lock();
        int queued = ready.items.size(); // items that go back to the end are for the next call
        ready.unlock();
        int found = 0;
        for (; queued > 0 && found < events.capacity(); queued--) {
            ready.lock();
            Item item = ready.items.isEmpty() ? null : ready.items.removeFirst();
            ready.unlock();
            if (item == null) {
                break;
            }
            int now = item.file.readiness();
            ready.lock();
            try {
                int holds = now & item.events & ~PRIVATE;
                if (holds == 0 || item.removed) {
                    continue;
                }
                events.set(found++, holds, item.data);
                if ((item.events & EPOLLONESHOT) != 0) {
                    item.events &= PRIVATE;
                } else if ((item.events & EPOLLET) == 0) {
                    ready.addLocked(item);
                }
            } finally {
                ready.unlock();
            }
        }
        return found;
    }

    /** How deep epolls watch each other below this one; more than the limit when {@code top} is among them. */
    private int depth(Epoll top, int above) {
        if (this == top || above > MOST_NESTED) {
            return MOST_NESTED + 1;
        }
        int deepest = above;
        synchronized (interest) {
            for (Key key : interest.keySet()) {
                if (key.file instanceof Epoll below) {
                    deepest = Math.max(deepest, below.depth(top, above + 1));
                }
            }
        }
        return deepest;
    }

    @Override
    void closed() {
        synchronized (interest) {
            interest.values().forEach(this::drop);
            interest.clear();
        }
        resources.forget(ready);
    }

    @Override
    void stat(Stat stat) {
        stat.set(Device.ANONYMOUS_FILES, 1, 0600, 1, 0, 0, Page.SIZE, 0);
    }

    /** Readable when an item of the queue really is ready. */
    @Override
    int readiness() {
        ready.lock();
        List<Item> queued = List.copyOf(ready.items);
        ready.unlock();
        boolean any = queued.stream().anyMatch(item -> (item.file.readiness() & item.events & ~PRIVATE) != 0);
        return any ? EPOLLIN | EPOLLRDNORM : 0;
    }

    @Override
    boolean watch(Watch watch) {
        ready.watch(watch, true, false);
        return true;
    }

    @Override
    void unwatch(Watch watch) {
        ready.unwatch(watch);
    }

    @Override
    public String toString() {
        return "epoll";
    }
}
