// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A feature of kernels that can tell when memory given to vmsplice(2) is free to be changed again. Linux cannot: there
 * a program has to know by other means when its bytes have been read.
 */
public interface ReleaseNotices {
    /**
     * As {@link Kernel#vmsplice} into a write end, with a notice: {@code released} runs exactly once, when neither a
     * pipe, nor a socket, nor a file refers to memory of this call any more, at the latest when the kernel closes. It
     * runs on a thread of the kernel's own, after the call that let go, with no lock held; it must not throw.
     *
     * @return bytes taken or -errno; when it is not more than 0 nothing was taken and there will be no notice
     */
    long vmsplice(int fd, List<MemorySegment> iov, int flags, Runnable released);
}
