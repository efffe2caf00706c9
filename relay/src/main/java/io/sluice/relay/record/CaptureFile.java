// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.record;

import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_CREAT;
import static io.sluice.kernel.Flags.O_EXCL;
import static io.sluice.kernel.Flags.O_WRONLY;

import io.sluice.flow.PooledPipe;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Offset;
import io.sluice.kernel.Stat;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A file that grows block by block. What stands around a spliced payload is gathered in memory and written with what
 * stands before the next one; after a failure the file ends again where its last whole block does.
 *
 * <pre>
 *   | whole blocks           | payload spliced | tail, next head      |
 *   0                    complete           written      written + in hand
 * </pre>
 *
 * <p>Never opened with O_APPEND, with which nothing can be spliced into it [E02]. Belongs to the recorder's thread.
 */
final class CaptureFile {
    private static final int MODE = 0600; // it holds whatever the sessions do

    private final Kernel kernel;
    private final int fd;
    private final MemorySegment hand;
    private final long openedNanos;
    private final Stat stat = new Stat();

    private boolean copies;
    private int inHand;
    private long written;
    private long border; // where the last block begun here ends, in the file or in the hand
    private long complete;

    private CaptureFile(Kernel kernel, int fd, MemorySegment hand, long openedNanos) {
        this.kernel = kernel;
        this.fd = fd;
        this.hand = hand;
        this.openedNanos = openedNanos;
    }

    /**
     * Makes a file that was not there.
     *
     * @return its descriptor, for {@link #at}, or -errno
     */
    static long create(Kernel kernel, String path) {
        long opened;
        do {
            opened = kernel.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, MODE);
        } while (opened == -Errno.EINTR);
        return opened;
    }

    /**
     * The empty file that {@link #create} has made.
     *
     * @param hand for what is gathered, lent as long as the file is open
     */
    static CaptureFile at(Kernel kernel, int fd, MemorySegment hand, long nowNanos) {
        return new CaptureFile(kernel, fd, hand, nowNanos);
    }

    long openedNanos() {
        return openedNanos;
    }

    /** Where the next byte goes. */
    long length() {
        return written + inHand;
    }

    /** The most that a failure leaves. */
    long complete() {
        return complete;
    }

    /** Whether nothing is in hand that a reader of the file would miss. */
    boolean isFlushed() {
        return inHand == 0;
    }

    /** Whether somebody has deleted it. */
    boolean isDeleted() {
        return kernel.fstat(fd, stat) == 0 && stat.nlink() == 0;
    }

    // Writing. Results are 0 or more, or -errno.

    /** Memory for what comes next, from {@link #inHand} on; with room for as much as a block without payload takes. */
    MemorySegment hand() {
        return hand;
    }

    int inHand() {
        return inHand;
    }

    /** Makes room in the hand. */
    long makeRoom(int bytes) {
        return hand.byteSize() - inHand < bytes ? flush() : 0;
    }

    /** The hand is filled so far. */
    void gathered(long end) {
        inHand = (int) end;
    }

    /** Adds to what is in hand, where there is room. */
    void gather(MemorySegment bytes) {
        MemorySegment.copy(bytes, 0, hand, inHand, bytes.byteSize());
        inHand += (int) bytes.byteSize();
    }

    /** A block ends here. */
    void endBlock() {
        border = length();
    }

    /** Writes what is in hand. */
    long flush() {
        return write(List.of(hand.asSlice(0, inHand)));
    }

    /** Writes whole blocks behind what is in hand. */
    long append(MemorySegment blocks) {
        long result;
        if (inHand == 0) {
            result = write(List.of(blocks));
        } else {
            result = write(List.of(hand.asSlice(0, inHand), blocks));
        }
        if (result >= 0) {
            border = written;
            complete = written;
        }
        return result;
    }

    private long write(List<MemorySegment> pieces) {
        List<MemorySegment> left = pieces;
        while (true) {
            left = left.stream().filter(piece -> piece.byteSize() > 0).toList();
            if (left.isEmpty()) {
                inHand = 0;
                complete = border;
                return 0;
            }
            long result =
                    left.size() == 1 ? kernel.pwrite(fd, left.getFirst(), written) : kernel.pwritev(fd, left, written);
            if (result > 0) {
                written += result;
                left = after(left, result);
            } else if (result != -Errno.EINTR) {
                return result == 0 ? -Errno.EIO : result; // 0 for bytes is no answer of a file
            }
        }
    }

    private static List<MemorySegment> after(List<MemorySegment> pieces, long bytes) {
        MemorySegment first = pieces.getFirst();
        if (bytes < first.byteSize()) {
            return pieces.size() == 1 ? List.of(first.asSlice(bytes)) : List.of(first.asSlice(bytes), pieces.get(1));
        }
        return pieces.size() == 1 ? List.of() : List.of(pieces.get(1).asSlice(bytes - first.byteSize()));
    }

    /** Moves bytes in from a pipe that holds as many; the hand is empty. */
    long splice(PooledPipe from, int bytes) {
        Offset at = new Offset(written);
        long left = bytes;
        while (left > 0) {
            long moved = copies ? copy(from, left) : from.spliceInto(kernel, fd, at, left);
            if (moved > 0) {
                left -= moved;
                written += moved;
            } else if (!copies && isRefusal(moved)) {
                copies = true;
            } else if (moved != -Errno.EINTR) {
                return moved == 0 ? -Errno.EIO : moved;
            }
        }
        return bytes;
    }

    /** Whether this file system, or a filter, has no splice: the closed list of pitfall 35. */
    private static boolean isRefusal(long result) {
        return switch ((int) -result) {
            case Errno.EINVAL, Errno.ENOSYS, Errno.EOPNOTSUPP, Errno.EPERM -> true;
            default -> false;
        };
    }

    /** As splice(2), for bytes that are lost when it fails. */
    private long copy(PooledPipe from, long bytes) {
        long read = from.readInto(kernel, hand.asSlice(0, Math.min(bytes, hand.byteSize())));
        for (long done = 0; done < read; ) {
            long result = kernel.pwrite(fd, hand.asSlice(done, read - done), written + done);
            if (result > 0) {
                done += result;
            } else if (result != -Errno.EINTR) {
                return result == 0 ? -Errno.EIO : result;
            }
        }
        return read;
    }

    /** Ends the file after its last whole block, and forgets what is in hand; -errno when it stays as it is. */
    long cut() {
        long result;
        do {
            result = kernel.ftruncate(fd, complete);
        } while (result == -Errno.EINTR);
        inHand = 0;
        written = complete;
        border = complete;
        return result;
    }

    void close() {
        kernel.close(fd);
    }
}
