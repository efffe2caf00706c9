// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;

import io.sluice.kernel.Kernel;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The branches of one direction, seen from its side. What has been drained is duplicated once into every branch's
 * stage; a stage that is not empty by the next drain means that its branch is full, and is given up or waited for.
 * Belongs to the direction's thread.
 */
final class Branches {
    private final Kernel kernel;
    private final List<Branch> all = new ArrayList<>();
    private @Nullable Branch full;

    Branches(Kernel kernel) {
        this.kernel = kernel;
    }

    /** False when there is no pipe for it, as it can tell. */
    boolean add(Branch branch) {
        all.add(branch);
        return branch.open();
    }

    boolean isEmpty() {
        return all.isEmpty();
    }

    /** Gives it no more bytes. */
    void remove(Branch branch) {
        all.remove(branch);
        branch.close();
    }

    /** Empties the stages; false when a branch is full and must be waited for. */
    boolean ready() {
        for (Branch branch : all) {
            if (branch.ended() || branch.flush()) {
                continue;
            }
            if (!branch.detachWhenFull()) {
                full = branch;
                return false;
            }
            branch.detach();
        }
        return true;
    }

    /** The branch that {@link #ready} found to be full. */
    Branch full() {
        Branch found = full;
        if (found == null) {
            throw new IllegalStateException("no branch is full");
        }
        return found;
    }

    /** The capacity that the source's pipe may have: no more than the smallest stage, or a tee could be short. */
    int pipeBytes(int wanted) {
        int bytes = wanted;
        for (Branch branch : all) {
            if (!branch.ended()) {
                bytes = Math.min(bytes, branch.stage().capacityBytes);
            }
        }
        return bytes;
    }

    /** Duplicates what {@code from} holds into every stage, without a copy. A branch for which that fails ends so. */
    void tee(PooledPipe from) {
        for (Branch branch : all) {
            if (!branch.ended()) {
                PooledPipe stage = branch.stage();
                long copied;
                do {
                    copied = kernel.tee(from.readFd, stage.writeFd, from.heldBytes, SPLICE_F_NONBLOCK);
                } while (PooledPipe.isForTheMoment(copied));
                if (copied < 0) {
                    branch.fail("tee", (int) -copied);
                } else {
                    staged(stage, false, copied, from.heldBytes);
                }
            }
        }
    }

    /** Copies bytes that are in memory into every stage. A branch for which that fails ends so. */
    void write(MemorySegment bytes) {
        for (Branch branch : all) {
            if (!branch.ended()) {
                PooledPipe stage = branch.stage();
                long copied;
                do {
                    copied = kernel.write(stage.writeFd, bytes);
                } while (PooledPipe.isForTheMoment(copied));
                if (copied < 0) {
                    branch.fail("write", (int) -copied);
                } else {
                    staged(stage, true, copied, bytes.byteSize());
                }
            }
        }
    }

    /** Into an empty pipe with as many slots as the source's, neither can be short: if one is, the mistake is ours. */
    private static void staged(PooledPipe stage, boolean copied, long count, long wanted) {
        if (count != wanted) {
            throw new IllegalStateException((copied ? "write" : "tee") + " of " + wanted
                    + " bytes into an empty stage of " + stage.capacityBytes + " bytes answered " + count);
        }
        stage.copied = copied;
        stage.heldBytes = count;
    }

    void close() {
        all.forEach(Branch::close);
    }
}
