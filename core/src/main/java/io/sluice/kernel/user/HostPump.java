// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.ENOMEM;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.Channel;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import org.jspecify.annotations.Nullable;

/**
 * One thread of the kernel between a stream of the host and a pipe: it is the pipe's only writer, or its only reader.
 * So waiting, readiness, end of file and EPIPE are those of any pipe.
 */
final class HostPump {
    private static final int BUFFER_BYTES = Pipe.DEFAULT_SLOTS * Page.SIZE;

    private HostPump() {}

    /**
     * Reads until the stream ends or nobody reads the pipe. The buffer is the pump's own: a read that never returns
     * must not keep the kernel's pages.
     */
    static void readInto(Pipe pipe, ReadableByteChannel stream) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
        try {
            while (awaitRoom(pipe) && stream.read(buffer.clear()) >= 0) {
                if (!store(pipe, MemorySegment.ofBuffer(buffer.flip()))) {
                    break;
                }
            }
        } catch (IOException e) {
            pipe.lock();
            pipe.breaksOffLocked(HostErrors.errno(e)); // or was closed here, and then nobody reads
            pipe.unlock();
        } finally {
            pipe.closeEnd(false, true);
        }
    }

    /** Waits for a free slot, without a signal when nobody reads. Answers whether there is one. */
    private static boolean awaitRoom(Pipe pipe) {
        pipe.lock();
        try {
            return awaitRoomLocked(pipe);
        } finally {
            pipe.unlock();
        }
    }

    private static boolean awaitRoomLocked(Pipe pipe) {
        while (pipe.hasReaderLocked() && pipe.ring.isFull()) {
            if (pipe.awaitWritableLocked(Waitable.NO_DEADLINE) < 0) {
                return false;
            }
        }
        return pipe.hasReaderLocked();
    }

    private static boolean store(Pipe pipe, MemorySegment bytes) {
        pipe.lock();
        try {
            for (long done = 0; done < bytes.byteSize(); ) {
                if (!awaitRoomLocked(pipe)) {
                    return false;
                }
                Page page = pipe.resources().pages.take();
                if (page == null) {
                    pipe.breaksOffLocked(ENOMEM);
                    return false;
                }
                int count = (int) Math.min(Page.SIZE, bytes.byteSize() - done);
                MemorySegment.copy(bytes, done, page.bytes(), 0, count);
                pipe.ring.add(page, 0, count, 0);
                pipe.tellAddedLocked();
                done += count;
            }
            return true;
        } finally {
            pipe.unlock();
        }
    }

    /** Writes until the pipe has no writer and is empty, or the stream breaks: then writers get EPIPE. */
    static void writeFrom(Pipe pipe, WritableByteChannel stream) {
        try {
            long written;
            do {
                Claim claim = claim(pipe);
                if (claim == null) {
                    break;
                }
                written = claim.writeTo(claim.bytes(), (bytes, done) -> stream.write(bytes));
                pipe.endClaim(claim, Math.max(written, 0));
            } while (written > 0);
        } finally {
            pipe.closeEnd(true, false);
        }
    }

    /**
     * Waits for bytes; null when none will come. What is there goes out whatever the wait says: the end of the kernel
     * may be the first that a pump hears of bytes that were written long before.
     */
    private static @Nullable Claim claim(Pipe pipe) {
        pipe.lock();
        try {
            pipe.awaitDataLocked(false);
            return pipe.ring.isEmpty() ? null : pipe.claimLocked(Long.MAX_VALUE);
        } finally {
            pipe.unlock();
        }
    }

    /** Closes a stream; what it says about that interests nobody any more. */
    static void close(Channel stream) {
        try {
            stream.close();
        } catch (IOException e) {
            // Everything was written or refused before.
        }
    }
}
