// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import io.sluice.kernel.ReleaseNotices;
import io.sluice.kernel.SignalCounts;
import io.sluice.kernel.Snapshot;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** What a {@link UserKernel} offers beyond the calls. */
final class Features implements ReleaseNotices, SignalCounts, Snapshot {
    private final UserKernel kernel;
    private final Resources resources;
    private final DescriptorTable table;
    private final Notices notices;

    Features(UserKernel kernel, Resources resources, DescriptorTable table, Notices notices) {
        this.kernel = kernel;
        this.resources = resources;
        this.table = table;
        this.notices = notices;
    }

    @Override
    public long vmsplice(int fd, List<MemorySegment> iov, int flags, Runnable released) {
        return kernel.vmsplice(fd, iov, flags, notices.noticeFor(released));
    }

    @Override
    public long sigpipes() {
        return resources.sigpipes.sum();
    }

    @Override
    public long sigxfszs() {
        return resources.sigxfszs.sum();
    }

    @Override
    public void limitFileSize(long bytes) {
        resources.fileSizeLimitBytes = bytes;
    }

    @Override
    public List<Integer> descriptors() {
        return table.descriptors();
    }

    @Override
    public long pagesInUse() {
        return resources.pages.inUse();
    }

    @Override
    public Optional<PipeState> pipe(int fd) {
        OpenFile file = table.acquireAny(fd);
        if (file == null) {
            return Optional.empty();
        }
        try {
            return Optional.ofNullable(file.pipe()).map(Features::state);
        } finally {
            file.release();
        }
    }

    @Override
    public List<PipeState> pipes() {
        return resources.objects().stream()
                .filter(Pipe.class::isInstance)
                .map(object -> state((Pipe) object))
                .sorted(Comparator.comparingLong(PipeState::id))
                .toList();
    }

    private static PipeState state(Pipe pipe) {
        pipe.lock();
        try {
            Ring ring = pipe.ring;
            var slots = new ArrayList<SlotState>();
            for (int i = 0; i < ring.size(); i++) {
                Memory memory = ring.memory(i);
                slots.add(new SlotState(
                        memory.toString(),
                        memory.references(),
                        ring.start(i),
                        ring.length(i),
                        ring.marked(i, Ring.MERGEABLE),
                        ring.marked(i, Ring.PACKET),
                        ring.marked(i, Ring.GIFT)));
            }
            return new PipeState(
                    pipe.sequence(),
                    ring.capacity(),
                    pipe.readEndsLocked(),
                    pipe.writeEndsLocked(),
                    List.copyOf(slots));
        } finally {
            pipe.unlock();
        }
    }
}
