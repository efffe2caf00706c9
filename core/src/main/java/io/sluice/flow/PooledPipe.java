// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import java.lang.foreign.MemorySegment;

/**
 * A pipe of our own, non-blocking at both ends, that no user sees: bytes rest here between a source and a sink. Belongs
 * to one thread at a time.
 */
public final class PooledPipe implements PipePool.Borrowed {
    final int readFd;
    final int writeFd;
    final int capacityBytes;

    /** Bytes put in and not yet taken out, counted by whoever uses the pipe. */
    long heldBytes;

    /** Whether they were written from user memory, and so have passed through it however they go on. */
    boolean copied;

    /** Since when it has been in its pool, in the pool's keeping. */
    long atRestSinceNanos;

    private final int wantedBytes;

    /**
     * An empty pipe.
     *
     * @param wantedBytes what was asked for, which may be more than was granted
     */
    PooledPipe(int readFd, int writeFd, int capacityBytes, int wantedBytes) {
        this.readFd = readFd;
        this.writeFd = writeFd;
        this.capacityBytes = capacityBytes;
        this.wantedBytes = wantedBytes;
    }

    /**
     * Whether a call that puts bytes into an empty pipe is to be made again. There is room, so a would-block means as
     * little as an interruption (pitfall 68).
     */
    static boolean isForTheMoment(long result) {
        return result == -Errno.EINTR || result == -Errno.EAGAIN;
    }

    /** Bytes in it. */
    public long heldBytes() {
        return heldBytes;
    }

    /** The most that can be in it, when every slot holds a whole page. */
    public int capacityBytes() {
        return capacityBytes;
    }

    /** Duplicates all that it holds into an empty pipe with as many slots; answers that count or -errno. */
    public long teeInto(Kernel kernel, PooledPipe stage) {
        long copied;
        do {
            copied = kernel.tee(readFd, stage.writeFd, heldBytes, SPLICE_F_NONBLOCK);
        } while (isForTheMoment(copied));
        return stage.filled("tee", false, copied, heldBytes);
    }

    /** Copies bytes into this pipe while it is empty and has room for all of them; answers their count or -errno. */
    long fill(Kernel kernel, MemorySegment bytes) {
        long copied;
        do {
            copied = kernel.write(writeFd, bytes);
        } while (isForTheMoment(copied));
        return filled("write", true, copied, bytes.byteSize());
    }

    /** Into an empty pipe with as many slots as the source's, neither can be short: if one is, the mistake is ours. */
    private long filled(String call, boolean written, long count, long wanted) {
        if (count >= 0) {
            if (count != wanted) {
                throw new IllegalStateException(call + " of " + wanted + " bytes into an empty stage of "
                        + capacityBytes + " bytes answered " + count);
            }
            copied = written;
            heldBytes = count;
        }
        return count;
    }

    /** Takes bytes out of it into memory; answers as read(2) does. */
    public long readInto(Kernel kernel, MemorySegment buffer) {
        long read;
        do {
            read = kernel.read(readFd, buffer);
        } while (isForTheMoment(read));
        if (read > 0) {
            heldBytes -= read;
        }
        return read;
    }

    /** Whether it is what is asked for, neither much larger nor smaller, or what was granted for as much before. */
    boolean serves(int bytes) {
        return isAbout(bytes, capacityBytes) || (capacityBytes < wantedBytes && isAbout(bytes, wantedBytes));
    }

    private static boolean isAbout(int bytes, int size) {
        return size >= bytes && size < 2L * bytes;
    }
}
