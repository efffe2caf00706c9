// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.kernel.Flags.S_IFBLK;
import static io.sluice.kernel.Flags.S_IFCHR;
import static io.sluice.kernel.Flags.S_IFIFO;
import static io.sluice.kernel.Flags.S_IFREG;
import static io.sluice.kernel.Flags.S_IFSOCK;

import io.sluice.kernel.Stat;

/** What a descriptor is, as far as it decides how bytes can be moved. */
public enum EndKind {
    /** A regular file or block device: always ready. */
    FILE,
    /** Either end of a pipe, or a FIFO. */
    PIPE,
    /** A stream socket, TCP or Unix. */
    SOCKET,
    /** A terminal: bytes pass its line discipline, and its end of file is a keystroke. */
    TERMINAL,
    /** Another character device, such as /dev/null. */
    DEVICE;

    /** Device numbers of terminals: virtual consoles and serial lines, /dev/tty and the console, pseudo-terminals. */
    private static boolean isTerminal(long major) {
        return major == 4 || major == 5 || (major >= 136 && major <= 143);
    }

    /** The kind of an open file. */
    public static EndKind of(Stat stat) {
        return switch (stat.type()) {
            case S_IFREG, S_IFBLK -> FILE;
            case S_IFIFO -> PIPE;
            case S_IFSOCK -> SOCKET;
            case S_IFCHR -> isTerminal(stat.rdev() >>> 32) ? TERMINAL : DEVICE;
            default -> DEVICE;
        };
    }

    /** The name that people read. */
    public String label() {
        return switch (this) {
            case FILE -> "file";
            case PIPE -> "pipe";
            case SOCKET -> "socket";
            case TERMINAL -> "terminal";
            case DEVICE -> "device";
        };
    }
}
