// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * The packets of several files in the order of their time; within a file the order is the file's. A file is open from
 * its first packet to its last, so a thousand that follow one another need one descriptor.
 */
final class Merge implements Closeable {
    private record Waiting(Path path, int number, long firstNanos) {}

    private final Notices notices;
    private final Deque<Waiting> waiting = new ArrayDeque<>();
    private final PriorityQueue<PacketFile> open =
            new PriorityQueue<>(Comparator.<PacketFile>comparingLong(file -> file.packet().timeNanos)
                    .thenComparingInt(file -> file.packet().file));
    private @Nullable PacketFile current;

    /** Looks at the first packet of each file. */
    Merge(List<Path> paths, Notices notices) throws IOException {
        this.notices = notices;
        List<Waiting> files = new ArrayList<>();
        for (int number = 0; number < paths.size(); number++) {
            try (PacketFile file = PacketFile.open(paths.get(number), number, new Notices())) {
                files.add(new Waiting(paths.get(number), number, file.next() ? file.packet().timeNanos : 0));
            }
        }
        files.sort(Comparator.comparingLong(Waiting::firstNanos));
        waiting.addAll(files);
    }

    /** The next packet, which is good until the next call; null after the last. */
    @Nullable
    Packet next() throws IOException {
        PacketFile file = current;
        current = null;
        if (file != null) {
            queue(file);
        }
        while (true) {
            PacketFile head = open.peek();
            Waiting first = waiting.peek();
            if (first == null || (head != null && head.packet().timeNanos < first.firstNanos)) {
                break;
            }
            waiting.remove();
            queue(PacketFile.open(first.path, first.number, notices));
        }
        PacketFile next = open.poll();
        current = next;
        return next == null ? null : next.packet();
    }

    private void queue(PacketFile file) throws IOException {
        boolean more = false;
        try {
            more = file.next();
        } finally {
            if (!more) {
                file.close();
            }
        }
        if (more) {
            open.add(file);
        }
    }

    @Override
    public void close() throws IOException {
        if (current != null) {
            current.close();
        }
        for (PacketFile file : open) {
            file.close();
        }
    }
}
