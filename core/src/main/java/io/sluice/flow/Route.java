// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import io.sluice.kernel.TransferPath;
import java.util.List;

/**
 * The path that a direction is on: the best one first, left for the next when the kernel refuses it, and splice taken
 * up again where the refusal was only for the moment. Belongs to one thread.
 */
final class Route {
    private final List<TransferPath> paths;
    private int index;
    private boolean spliceAgain;
    private boolean spliceRefused;
    private long splicedAtRefusal;

    /** Over {@code paths}, best first. */
    Route(List<TransferPath> paths) {
        this.paths = List.copyOf(paths);
    }

    /**
     * Starts from the best path. Between ends that splice must not touch that is to copy, which is known without a try;
     * false when it is not allowed.
     */
    boolean begin(boolean splices) {
        index = splices ? 0 : paths.indexOf(TransferPath.COPY);
        spliceRefused = !splices;
        return index >= 0;
    }

    TransferPath path() {
        return paths.get(index);
    }

    /** Changes to {@code path} between two pieces; false when it is not among the paths, or is splice and refused. */
    boolean take(TransferPath path) {
        int wanted = path == TransferPath.SPLICE && spliceRefused ? -1 : paths.indexOf(path);
        if (wanted < 0) {
            return false;
        }
        index = wanted;
        spliceAgain = false;
        return true;
    }

    boolean isLast() {
        return index == paths.size() - 1;
    }

    /** Leaves the path for the next; false when there is none. */
    boolean next() {
        if (isLast()) {
            return false;
        }
        index++;
        return true;
    }

    /**
     * Splice is about to be left for copying. A socket on which it has worked may refuse only for the moment, as one
     * with kernel TLS does for a record that is no data: there it is tried again after one piece, unless it was refused
     * twice in a row (pitfall 49).
     *
     * @param sockets whether either end is a socket
     * @param splicedBytes all that splice has brought to the sink so far
     */
    void leavesSplice(boolean sockets, long splicedBytes) {
        spliceAgain = sockets && splicedBytes > splicedAtRefusal;
        spliceRefused = !spliceAgain;
        splicedAtRefusal = splicedBytes;
    }

    /**
     * Splice is about to be left for want of a pipe, which refuses nothing: it may be taken again at any time, and is
     * after one piece where it has worked since the last refusal.
     */
    void lacksPipe(long splicedBytes) {
        spliceAgain = splicedBytes > splicedAtRefusal;
        splicedAtRefusal = splicedBytes;
    }

    /** After a piece was copied: back to splice when that is due; says whether. */
    boolean returnsToSplice() {
        if (!spliceAgain) {
            return false;
        }
        spliceAgain = false;
        index = paths.indexOf(TransferPath.SPLICE);
        return true;
    }
}
