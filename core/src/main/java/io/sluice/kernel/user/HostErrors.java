// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EACCES;
import static io.sluice.kernel.Errno.EBADF;
import static io.sluice.kernel.Errno.EBUSY;
import static io.sluice.kernel.Errno.EDQUOT;
import static io.sluice.kernel.Errno.EEXIST;
import static io.sluice.kernel.Errno.EFBIG;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.EIO;
import static io.sluice.kernel.Errno.EISDIR;
import static io.sluice.kernel.Errno.ELOOP;
import static io.sluice.kernel.Errno.EMFILE;
import static io.sluice.kernel.Errno.ENAMETOOLONG;
import static io.sluice.kernel.Errno.ENODEV;
import static io.sluice.kernel.Errno.ENOENT;
import static io.sluice.kernel.Errno.ENOSPC;
import static io.sluice.kernel.Errno.ENOTDIR;
import static io.sluice.kernel.Errno.ENXIO;
import static io.sluice.kernel.Errno.EPERM;
import static io.sluice.kernel.Errno.EPIPE;
import static io.sluice.kernel.Errno.EROFS;
import static io.sluice.kernel.Errno.ETXTBSY;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The errno in an exception of java.nio, which has it only as a class or in words. */
final class HostErrors {
    private static final Map<String, Integer> WORDS = Map.ofEntries(
            Map.entry("No space left on device", ENOSPC),
            Map.entry("Disk quota exceeded", EDQUOT),
            Map.entry("File too large", EFBIG),
            Map.entry("Is a directory", EISDIR),
            Map.entry("Not a directory", ENOTDIR),
            Map.entry("Broken pipe", EPIPE),
            Map.entry("Invalid argument", EINVAL),
            Map.entry("File name too long", ENAMETOOLONG),
            Map.entry("Too many levels of symbolic links", ELOOP),
            Map.entry("Too many open files", EMFILE),
            Map.entry("Read-only file system", EROFS),
            Map.entry("Operation not permitted", EPERM),
            Map.entry("Permission denied", EACCES),
            Map.entry("Text file busy", ETXTBSY),
            Map.entry("Device or resource busy", EBUSY),
            Map.entry("No such device or address", ENXIO),
            Map.entry("No such device", ENODEV));

    private HostErrors() {}

    static int errno(IOException e) {
        return switch (e) {
            case NoSuchFileException missing -> ENOENT;
            case FileAlreadyExistsException exists -> EEXIST;
            case AccessDeniedException denied -> EACCES;
            case ClosedChannelException closed -> EBADF;
            default -> errno(e.getMessage());
        };
    }

    /** A message is a reason, with a path before it where there is one. */
    private static int errno(@Nullable String message) {
        String words = message == null ? "" : message;
        Integer errno = WORDS.get(words.substring(words.lastIndexOf(": ") < 0 ? 0 : words.lastIndexOf(": ") + 2));
        return errno == null ? EIO : errno;
    }
}
