// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EBADF;
import static io.sluice.kernel.Flags.F_DUPFD;
import static io.sluice.kernel.Flags.F_DUPFD_CLOEXEC;
import static io.sluice.kernel.Flags.F_GETFD;
import static io.sluice.kernel.Flags.F_GETFL;
import static io.sluice.kernel.Flags.F_GETPIPE_SZ;
import static io.sluice.kernel.Flags.F_SETFD;
import static io.sluice.kernel.Flags.F_SETFL;
import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static io.sluice.kernel.Flags.O_APPEND;
import static io.sluice.kernel.Flags.O_ASYNC;
import static io.sluice.kernel.Flags.O_DIRECT;
import static io.sluice.kernel.Flags.O_NOATIME;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_PATH;

/** fcntl(2): what concerns every descriptor and description; the rest is asked of the file. */
final class FileControl {
    /** What F_SETFL can change; it ignores the rest [P04]. */
    private static final int CHANGEABLE = O_APPEND | O_ASYNC | O_NONBLOCK | O_DIRECT | O_NOATIME;

    private FileControl() {}

    static long fcntl(DescriptorTable table, int fd, int command, int argument) {
        return switch (command) {
            case F_DUPFD, F_DUPFD_CLOEXEC -> table.duplicate(fd, argument, command == F_DUPFD_CLOEXEC);
            case F_GETFD -> table.descriptorFlags(fd);
            case F_SETFD -> table.setDescriptorFlags(fd, argument);
            default -> ofFile(table, fd, command, argument);
        };
    }

    private static long ofFile(DescriptorTable table, int fd, int command, int argument) {
        OpenFile file = table.acquireAny(fd);
        if (file == null) {
            return -EBADF;
        }
        try {
            if (command == F_GETFL) {
                return file.statusFlags();
            }
            if (file.has(O_PATH)) {
                return -EBADF;
            }
            return switch (command) {
                case F_SETFL -> setStatus(file, argument);
                case F_GETPIPE_SZ, F_SETPIPE_SZ ->
                    file.pipe() == null ? -EBADF : file.control(command, argument); // [C06]
                default -> file.control(command, argument);
            };
        } finally {
            file.release();
        }
    }

    private static long setStatus(OpenFile file, int flags) {
        long refused = file.mayChangeStatus(flags);
        if (refused == 0) {
            file.setStatusFlags(flags, CHANGEABLE);
        }
        return refused;
    }
}
