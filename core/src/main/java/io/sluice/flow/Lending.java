// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.ReleaseNotices;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Memory that is lent to pipes by vmsplice, and what proves that it is back: that nothing refers to its pages any more.
 * A proof is never a guess; where there is none, the memory must not be written again (pitfall 30).
 *
 * <p>Lent to a pipe of ours, the proof is the {@link Passage} of its bytes. Lent to anything else, it is the notices of
 * a kernel that gives any, which Linux does not. Belongs to one thread at a time; notices come on any.
 */
public final class Lending {
    private final Kernel kernel;
    private final @Nullable Passage passage;
    private final @Nullable Notices notices;
    private final long escapesBefore;
    private long bytes;
    private long end;
    private boolean copied;

    /** Without a proof. */
    public Lending(Kernel kernel) {
        this(kernel, null, null);
    }

    /** To a pipe of ours. */
    public Lending(Kernel kernel, Passage passage) {
        this(kernel, passage, null);
    }

    /**
     * To what is no pipe of ours.
     *
     * @param returned runs once, on any thread, after {@link #lentAll}, when notices have told that everything is back;
     *     never on a kernel that gives none
     */
    public Lending(Kernel kernel, Runnable returned) {
        this(
                kernel,
                null,
                kernel.feature(ReleaseNotices.class)
                        .map(feature -> new Notices(feature, returned))
                        .orElse(null));
    }

    private Lending(Kernel kernel, @Nullable Passage passage, @Nullable Notices notices) {
        this.kernel = kernel;
        this.passage = passage;
        this.notices = notices;
        this.escapesBefore = passage == null ? 0 : passage.escapes();
    }

    /** The notices that a lending waits for: one for each call, and the lender itself. */
    private record Notices(ReleaseNotices kernel, AtomicInteger outstanding, Runnable returned) {
        Notices(ReleaseNotices kernel, Runnable returned) {
            this(kernel, new AtomicInteger(1), returned);
        }

        long vmsplice(int fd, List<MemorySegment> memory, int flags) {
            outstanding.incrementAndGet(); // before the call: the notice may come before its answer
            long lent = kernel.vmsplice(fd, memory, flags, this::oneIsBack);
            if (lent <= 0) {
                outstanding.decrementAndGet();
            }
            return lent;
        }

        void oneIsBack() {
            if (outstanding.decrementAndGet() == 0) {
                returned.run();
            }
        }

        boolean allAreBack() {
            return outstanding.get() == 0;
        }
    }

    /** Lends what fits into a pipe, without sleeping; answers as vmsplice(2) does. */
    public long vmsplice(int fd, MemorySegment memory, int flags) {
        List<MemorySegment> whole = List.of(memory);
        long lent = notices == null ? kernel.vmsplice(fd, whole, flags) : notices.vmsplice(fd, whole, flags);
        if (lent > 0) {
            bytes += lent;
            if (passage != null) {
                end = passage.end(kernel, fd);
            }
        }
        return lent;
    }

    /** What was lent has been copied to where it went. */
    void copied() {
        copied = true;
    }

    /** No more will be lent. */
    public void lentAll() {
        if (notices != null) {
            notices.oneIsBack();
        }
    }

    /** Bytes that were lent. */
    public long bytes() {
        return bytes;
    }

    /** Whether it is proven that nothing refers to the memory. */
    public boolean isBack() {
        return bytes == 0
                || copied
                || (passage != null && passage.isSettled(end, escapesBefore))
                || (notices != null && notices.allAreBack());
    }

    /** Whether a proof may still come; where not, there is nothing to wait for. */
    public boolean mayComeBack() {
        return passage != null || notices != null || isBack();
    }

    /**
     * Whether notices tell when the memory is back. Then the kernel reads it through the caller's own mapping, which
     * must stay until they have; elsewhere pipes hold pages, which outlive a mapping [K16].
     */
    public boolean isNoticed() {
        return notices != null;
    }

    /**
     * Whether vmsplice cannot be used here at all (pitfalls 66, 67). EINVAL is what kernels to come may answer on a
     * non-blocking pipe.
     */
    public static boolean isRefusal(long result) {
        return switch ((int) -result) {
            case Errno.EPERM, Errno.ENOSYS, Errno.EOPNOTSUPP, Errno.EINVAL -> true;
            default -> false;
        };
    }
}
