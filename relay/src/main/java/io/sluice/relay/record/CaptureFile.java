// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.record;

import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_CREAT;
import static io.sluice.kernel.Flags.O_DIRECT;
import static io.sluice.kernel.Flags.O_EXCL;
import static io.sluice.kernel.Flags.O_WRONLY;

import io.sluice.flow.PooledPipe;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Stat;
import java.lang.foreign.MemorySegment;
import java.util.function.BooleanSupplier;

/**
 * A file that grows block by block. Blocks are gathered in memory. When much has come together, its whole pages go from
 * there to the disk, past the page cache: a page of that is made new for each page of a recording and costs three times
 * what all of relaying does, and it pushes out what others keep there. What is left when there is nothing else to do
 * goes through the page cache, so that a reader of the file sees every block. After a failure the file ends again where
 * its last whole block does.
 *
 * <pre>
 *   file:  | whole blocks         | part of one |
 *   hand:                  | that page, again   | blocks, from here on in the hand alone |
 *          0             start    complete    written                               length
 * </pre>
 *
 * <p>Belongs to the recorder's thread.
 */
final class CaptureFile {
    private static final int MODE = 0600; // it holds whatever the sessions do

    /** Offsets, lengths and memory that any disk takes past the page cache. */
    static final int PAGE_BYTES = 4096;

    /** As much as is gathered: a disk needs half a millisecond for it, of which the call itself takes little. */
    private static final int WRITE_BYTES = 1 << 20;

    /** The most that may be gathered at a time beyond that. */
    static final int HAND_BYTES = WRITE_BYTES + (512 << 10);

    /** What a page cache takes for as much as {@link #WRITE_BYTES} when it is slow. */
    private static final long SLOW_NANOS = 2_000_000;

    /** How many writes the page cache takes, before a slow disk is tried again. */
    private static final int CACHED_WRITES = 16;

    private final Kernel kernel;
    private final int fd;
    private final MemorySegment hand;
    private final BooleanSupplier behind;
    private final long openedNanos;
    private final Stat stat = new Stat();

    private int directFd; // of the same file, past the page cache; -1 when there is none
    private int cachedWrites; // that are still to come

    // Offsets in the file, in ascending order.
    private long start; // of the hand; a multiple of a page
    private long complete;
    private long written;
    private int inHand;

    private CaptureFile(
            Kernel kernel, int fd, int directFd, MemorySegment hand, BooleanSupplier behind, long openedNanos) {
        this.kernel = kernel;
        this.fd = fd;
        this.directFd = directFd;
        this.hand = hand;
        this.behind = behind;
        this.openedNanos = openedNanos;
    }

    /**
     * Makes a file that was not there.
     *
     * @return its descriptor, for {@link #at}, or -errno
     */
    static long create(Kernel kernel, String path) {
        return open(kernel, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC);
    }

    private static long open(Kernel kernel, String path, int flags) {
        long opened;
        do {
            opened = kernel.open(path, flags, MODE);
        } while (opened == -Errno.EINTR);
        return opened;
    }

    /**
     * The empty file that {@link #create} has made.
     *
     * @param hand for what is gathered, {@link #HAND_BYTES} that begin with a page; lent as long as the file is open
     * @param behind whether a slow disk is better not waited for, because something may get lost meanwhile
     */
    static CaptureFile at(Kernel kernel, int fd, MemorySegment hand, BooleanSupplier behind, long nowNanos) {
        // One more descriptor, not a flag that comes and goes; and a file system that knows no such flag may create the
        // file before it says so. Not by its name, behind which there may be somebody else's file by now.
        int directFd = (int) Math.max(open(kernel, "/proc/self/fd/" + fd, O_WRONLY | O_DIRECT | O_CLOEXEC), -1);
        return new CaptureFile(kernel, fd, directFd, hand, behind, nowNanos);
    }

    long openedNanos() {
        return openedNanos;
    }

    /** Where the next byte goes. */
    long length() {
        return start + inHand;
    }

    /** The most that a failure leaves. */
    long complete() {
        return complete;
    }

    /** The blocks that would be lost then. */
    MemorySegment unwritten() {
        return hand.asSlice(complete - start, length() - complete);
    }

    /** Whether nothing is in hand that a reader of the file would miss. */
    boolean isFlushed() {
        return written == length();
    }

    /** Whether somebody has deleted it. */
    boolean isDeleted() {
        return kernel.fstat(fd, stat) == 0 && stat.nlink() == 0;
    }

    // Gathering: whole blocks, each after makeRoom.

    /** Memory for what comes next, from {@link #inHand} on. */
    MemorySegment hand() {
        return hand;
    }

    int inHand() {
        return inHand;
    }

    /** The hand is filled so far, with whole blocks. */
    void gathered(long end) {
        inHand = (int) end;
    }

    /** Adds whole blocks. */
    void gather(MemorySegment blocks) {
        MemorySegment.copy(blocks, 0, hand, inHand, blocks.byteSize());
        inHand += (int) blocks.byteSize();
    }

    /**
     * Takes a payload out of a pipe that holds as much, to an offset in the hand.
     *
     * @return 0, or -errno
     */
    long take(PooledPipe from, long at, int bytes) {
        for (long done = 0; done < bytes; ) {
            long read = from.readInto(kernel, hand.asSlice(at + done, bytes - done));
            if (read > 0) {
                done += read;
            } else if (read != -Errno.EINTR) {
                return read == 0 ? -Errno.EIO : read;
            }
        }
        return 0;
    }

    // Writing. Results are 0, or -errno.

    /** Makes room in the hand, and writes when it is time to. */
    long makeRoom(int bytes) {
        return isFull() || hand.byteSize() - inHand < bytes ? write() : 0;
    }

    /** Writes all that is in hand. */
    long flush() {
        long result = isFull() ? write() : 0;
        return result < 0 ? result : writeCached();
    }

    private boolean isFull() {
        return inHand >= WRITE_BYTES;
    }

    private long write() {
        if (directFd < 0 || (cachedWrites > 0 && behind.getAsBoolean())) {
            cachedWrites--;
            return writeCached();
        }
        long beganNanos = System.nanoTime();
        long result = writePages();
        cachedWrites = System.nanoTime() - beganNanos > SLOW_NANOS ? CACHED_WRITES : 0;
        return result;
    }

    /** Writes what is in hand as far as it fills pages. */
    private long writePages() {
        long end = pageOf(length());
        while (written < end) {
            long from = pageOf(written);
            long result = kernel.pwrite(directFd, hand.asSlice(from - start, end - from), from);
            if (result == -Errno.EINVAL) {
                closeDirect(); // the disk wants more than pages, or the file system has not meant it
                return writeCached();
            }
            if (result > 0 && from + result > written) {
                written = from + result;
            } else if (result != -Errno.EINTR) {
                return result < 0 ? result : -Errno.EIO;
            }
        }
        while (complete < written && complete + blockBytes() <= written) {
            complete += blockBytes();
        }
        dropComplete();
        return 0;
    }

    private int blockBytes() {
        return Pcapng.blockBytes(hand, complete - start);
    }

    private long writeCached() {
        while (written < length()) {
            long result = kernel.pwrite(fd, hand.asSlice(written - start, length() - written), written);
            if (result > 0) {
                written += result;
            } else if (result != -Errno.EINTR) {
                return result == 0 ? -Errno.EIO : result; // 0 for bytes is no answer of a file
            }
        }
        complete = written;
        dropComplete();
        return 0;
    }

    /** Keeps what may have to be written again, or counted as lost. */
    private void dropComplete() {
        long dropped = pageOf(complete) - start;
        MemorySegment.copy(hand, dropped, hand, 0, inHand - dropped);
        start += dropped;
        inHand -= (int) dropped;
    }

    private static long pageOf(long offset) {
        return offset & -PAGE_BYTES;
    }

    /** Ends the file after its last whole block, and forgets what is in hand; -errno when it stays as it is. */
    long cut() {
        long result;
        do {
            result = kernel.ftruncate(fd, complete);
        } while (result == -Errno.EINTR);
        inHand = (int) (complete - start);
        written = complete;
        dropComplete();
        return result;
    }

    void close() {
        closeDirect();
        kernel.close(fd);
    }

    private void closeDirect() {
        if (directFd >= 0) {
            kernel.close(directFd);
            directFd = -1;
        }
    }
}
