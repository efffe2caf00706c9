// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.ELOOP;
import static io.sluice.kernel.Errno.ENAMETOOLONG;
import static io.sluice.kernel.Errno.ENOENT;
import static io.sluice.kernel.Errno.ENOTDIR;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * The walk along a path to its last name. Links on the way are followed; ".." leads to the directory from which the
 * walk came. Relative paths begin at the kernel's working directory.
 */
final class Walk {
    private static final int MOST_BYTES = 4096; // PATH_MAX, with the NUL that C strings have
    private static final int MOST_NAME_BYTES = 255;
    private static final int MOST_LINKS = 40;

    private final Directory root;
    private final boolean followLast;
    private final Deque<String> ahead = new ArrayDeque<>();
    private final Deque<Directory> behind = new ArrayDeque<>();
    private int links;

    /** Where the last name is; null when the path ends with "/", "." or "..". */
    @Nullable
    Directory directory;

    /** The last name, without slashes. */
    String name = "";

    /** Whether a slash follows the last name: only a directory will do. */
    boolean slash;

    /** What the last name stands for; null for nothing. */
    @Nullable
    Inode found;

    /** 0, or what ended the walk. */
    int errno;

    /** Walks. A link at the end is followed if asked to, or if a slash comes after it. */
    Walk(Directory root, String workingDirectory, String path, boolean followLast) {
        this.root = root;
        this.followLast = followLast;
        if (path.isEmpty()) {
            errno = ENOENT;
            return;
        }
        if (path.getBytes(UTF_8).length >= MOST_BYTES) {
            errno = ENAMETOOLONG;
            return;
        }
        behind.push(root);
        prepend(path);
        if (!path.startsWith("/")) {
            prepend(workingDirectory);
        }
        found = root;
        while (errno == 0 && !ahead.isEmpty()) {
            step(ahead.pop());
        }
        if (errno == 0 && slash && found != null && !(found instanceof Directory)) {
            errno = ENOTDIR;
        }
    }

    /** Puts the names of a path in front of those that are still ahead. */
    private void prepend(String path) {
        String[] names = path.split("/", -1);
        boolean last = ahead.isEmpty();
        slash = (last && path.endsWith("/")) || (!last && slash);
        for (int i = names.length - 1; i >= 0; i--) {
            if (!names[i].isEmpty()) {
                ahead.push(names[i]);
            }
        }
    }

    private void step(String next) {
        Directory here = behind.element();
        name = next;
        directory = null;
        found = here;
        if (next.equals(".")) {
            return;
        }
        if (next.equals("..")) {
            if (behind.size() > 1) {
                behind.pop();
            }
            found = behind.element();
            return;
        }
        if (next.length() > MOST_NAME_BYTES || next.getBytes(UTF_8).length > MOST_NAME_BYTES) {
            errno = ENAMETOOLONG;
            return;
        }
        boolean last = ahead.isEmpty();
        directory = here;
        found = here.lookup(next);
        if ((!last || followLast || slash) && found instanceof Link link) {
            follow(link);
        } else if ((!last || slash) && found instanceof DescriptorLink link) {
            found = link.target();
        }
        if (found instanceof Directory below) {
            behind.push(below);
        } else if (!last && errno == 0 && !(found instanceof Link)) {
            errno = found == null ? ENOENT : ENOTDIR;
        }
    }

    private void follow(Link link) {
        if (++links > MOST_LINKS) {
            errno = ELOOP;
            return;
        }
        boolean slashAfter = slash;
        boolean last = ahead.isEmpty();
        prepend(link.target);
        slash |= last && slashAfter;
        if (link.target.startsWith("/")) {
            behind.clear();
            behind.push(root);
        }
        found = behind.element();
        directory = null;
    }
}
