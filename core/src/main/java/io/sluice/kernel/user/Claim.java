// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EFAULT;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * The oldest bytes of a pipe, held by one call while it writes them to the host without the pipe's lock. They stay in
 * the pipe until {@link Pipe#endClaim}, which consumes exactly what was written; nobody else consumes meanwhile.
 */
final class Claim {
    private final Memory[] memories;
    private final long[] starts;
    private final int[] lengths;
    private final long bytes;

    /** Claims up to {@code most} bytes, with a reference to each slot's memory. The pipe's lock is held. */
    Claim(Ring ring, long most) {
        int slots = 0;
        long claimed = 0;
        while (slots < ring.size() && claimed < most) {
            claimed += ring.length(slots++);
        }
        memories = new Memory[slots];
        starts = new long[slots];
        lengths = new int[slots];
        bytes = Math.min(claimed, most);
        long left = bytes;
        for (int i = 0; i < slots; i++) {
            memories[i] = ring.memory(i);
            starts[i] = ring.start(i);
            lengths[i] = (int) Math.min(ring.length(i), left);
            left -= lengths[i];
            memories[i].retain(starts[i]);
        }
    }

    long bytes() {
        return bytes;
    }

    /** A slot's bytes for a channel, whose access to them throws when their user has closed the arena. */
    private ByteBuffer buffer(int slot) {
        MemorySegment segment = memories[slot].bytes().asSlice(starts[slot], lengths[slot]);
        if (segment.isNative()) {
            return segment.asByteBuffer();
        }
        ByteBuffer copy = ByteBuffer.allocate(lengths[slot]); // not every array can be seen as bytes
        MemorySegment.copy(segment, 0, MemorySegment.ofBuffer(copy), 0, lengths[slot]);
        return copy;
    }

    /** What a call takes in: writes a slot's bytes and answers how many, or throws. */
    @FunctionalInterface
    interface Sink {
        int write(ByteBuffer bytes, long done) throws IOException;
    }

    /** Writes up to {@code most} bytes as far as the sink takes them. Returns bytes, or -errno when it took none. */
    long writeTo(long most, Sink sink) {
        long done = 0;
        try {
            for (int slot = 0; slot < memories.length && done < most; slot++) {
                ByteBuffer buffer = buffer(slot);
                buffer.limit((int) Math.min(buffer.limit(), most - done));
                while (buffer.hasRemaining()) {
                    int written = sink.write(buffer, done);
                    if (written <= 0) {
                        return done;
                    }
                    done += written;
                }
            }
            return done;
        } catch (IOException e) {
            return done > 0 ? done : -HostErrors.errno(e);
        } catch (IllegalStateException closed) {
            return done > 0 ? done : -EFAULT;
        }
    }

    void release() {
        for (int i = 0; i < memories.length; i++) {
            memories[i].release(starts[i]);
        }
    }
}
