// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.flow.EndKind.FILE;
import static io.sluice.flow.EndKind.SOCKET;
import static io.sluice.flow.EndKind.TERMINAL;
import static io.sluice.kernel.TransferPath.COPY;
import static io.sluice.kernel.TransferPath.COPY_FILE_RANGE;
import static io.sluice.kernel.TransferPath.REFLINK;
import static io.sluice.kernel.TransferPath.SENDFILE;
import static io.sluice.kernel.TransferPath.SPLICE;

import io.sluice.kernel.TransferPath;
import java.util.List;

/**
 * Which paths bytes may take between two kinds of end, best first. Each is tried and given up for the next when the
 * kernel refuses it ({@link Fallback}); the last always works.
 */
public final class Paths {
    private Paths() {}

    /**
     * The paths from one kind of end to another.
     *
     * @param branches whether the bytes are also duplicated, which needs them in a pipe or in memory
     * @param stable whether a file's bytes must not change once they have been taken: by reference they would, with the
     *     file
     */
    public static List<TransferPath> between(EndKind source, EndKind sink, boolean branches, boolean stable) {
        if (stable && source == FILE && (sink != FILE || branches)) {
            return List.of(COPY);
        }
        if (source == TERMINAL || sink == TERMINAL) {
            return List.of(COPY);
        }
        if (branches) {
            return List.of(SPLICE, COPY);
        }
        if (source == FILE && sink == FILE) {
            return List.of(REFLINK, COPY_FILE_RANGE, SPLICE, COPY);
        }
        if (source == FILE && sink == SOCKET) {
            return List.of(SENDFILE, SPLICE, COPY);
        }
        return List.of(SPLICE, COPY);
    }
}
