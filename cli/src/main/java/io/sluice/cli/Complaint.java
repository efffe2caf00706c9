// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import io.sluice.ErrnoException;
import io.sluice.kernel.Errno;
import java.io.IOException;
import java.net.UnknownHostException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;

/** One line about what went wrong: what failed and why, and the way out where there is one. */
final class Complaint {
    private Complaint() {}

    static String of(IOException failure) {
        return switch (failure) {
            case UnknownHostException e ->
                "host '" + String.valueOf(e.getMessage()).replaceFirst(":.*", "")
                        + "' is unknown; check its spelling, or give its address";
            case ErrnoException e -> withWayOut(e);
            case NoSuchFileException e -> e.getFile() + ": there is no such file";
            case FileAlreadyExistsException e -> e.getFile() + ": there is such a file already";
            case AccessDeniedException e -> e.getFile() + ": " + wayOut("open", Errno.EACCES);
            default -> String.valueOf(failure.getMessage());
        };
    }

    private static String withWayOut(ErrnoException e) {
        String message = String.valueOf(e.getMessage());
        String wayOut = e.errno() == Errno.EADDRINUSE ? whoListens(message) : wayOut(e.call(), e.errno());
        return wayOut.isEmpty() ? message : message + "; " + wayOut;
    }

    private static String whoListens(String message) {
        return message.contains("unix:")
                ? "somebody listens there already, or has left the file behind: remove it"
                : "ss -lntp tells who listens there";
    }

    private static String wayOut(String call, int errno) {
        return switch (errno) {
            case Errno.ENOENT -> call.equals("open") ? "check its spelling" : "";
            case Errno.EISDIR -> "name a file in it: what moves is one stream of bytes, not a tree";
            case Errno.EACCES -> "its permissions, or those of a directory above it, forbid that";
            case Errno.EPERM -> "a seal, an attribute or a security policy forbids that";
            case Errno.ENOSPC, Errno.EDQUOT -> "make room there, or name another place";
            case Errno.EFBIG -> "the limit is that of the file system, or of ulimit -f";
            case Errno.EMFILE, Errno.ENFILE -> "raise the limit: ulimit -n";
            case Errno.ECONNREFUSED -> "nothing listens there";
            case Errno.EADDRNOTAVAIL -> "this machine has no such address";
            case Errno.EBADF -> "the shell's redirections decide what it is open for";
            case Errno.ENXIO -> "a socket's path is written unix:PATH";
            case Errno.EINVAL, Errno.EXDEV, Errno.EOPNOTSUPP, Errno.ENOSYS ->
                "this path cannot be taken between these two; without --path the best one is";
            default -> "";
        };
    }
}
