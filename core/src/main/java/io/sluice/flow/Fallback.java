// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.kernel.Errno.EFBIG;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.ENOSYS;
import static io.sluice.kernel.Errno.ENOTTY;
import static io.sluice.kernel.Errno.EOPNOTSUPP;
import static io.sluice.kernel.Errno.EPERM;
import static io.sluice.kernel.Errno.EXDEV;

import io.sluice.kernel.TransferPath;

/**
 * One path given up for the next.
 *
 * @param from the path that was refused
 * @param call the system call that refused it
 * @param errno why
 */
public record Fallback(TransferPath from, String call, int errno) {

    /**
     * Whether {@code errno} says that a path cannot be taken here, and not that something is wrong: only then is the
     * next one tried. Everything else (a full disk, a vanished peer) must reach the user under its own name (pitfall
     * 35). EPERM is among them because that is how containers forbid a call (pitfall 66); where it means a sealed file,
     * the next path says so again.
     */
    static boolean allowed(TransferPath path, int errno) {
        return switch (path) {
            case REFLINK ->
                switch (errno) {
                    case EINVAL, ENOSYS, EOPNOTSUPP, EPERM, EXDEV, ENOTTY -> true;
                    default -> false;
                };
            // EFBIG and EINVAL also come from kernel bugs at extreme offsets (pitfall 53).
            case COPY_FILE_RANGE ->
                switch (errno) {
                    case EINVAL, ENOSYS, EOPNOTSUPP, EPERM, EXDEV, EFBIG -> true;
                    default -> false;
                };
            case SENDFILE, SPLICE ->
                switch (errno) {
                    case EINVAL, ENOSYS, EOPNOTSUPP, EPERM -> true;
                    default -> false;
                };
            case COPY -> false;
        };
    }
}
