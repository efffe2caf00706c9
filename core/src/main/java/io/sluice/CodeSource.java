// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A source over the caller's code: the read end of a pipe of ours, whose other end a virtual thread fills with what the
 * code makes, by copying. The thread runs ahead until the pipe is full, of 256 KiB where the kernel grants as much;
 * what it has made and nobody has read when the source is closed is lost.
 *
 * <p>When the code throws, what it made before still arrives, and then the transfer, or whoever else reads, fails with
 * {@link CodeException} and what the code threw: a stream that broke off never looks like one that came to its end.
 * Safe for any thread.
 */
public final class CodeSource extends End implements Source {
    private final CodeThread thread;

    private CodeSource(Pipe pipe, String name, ByteOrigin code) {
        super(pipe.reader(), name);
        this.thread = new CodeThread(pipe.writer(), buffer -> {
            for (long n = code.fill(buffer); n >= 0; n = code.fill(buffer)) {
                if (n == 0) {
                    throw new IllegalStateException("a source that has nothing yet waits, and does not answer 0");
                }
                pipe.writer().write(buffer.asSlice(0, n));
            }
        });
    }

    static CodeSource start(Sluice sluice, String name, ByteOrigin code) throws IOException {
        CodeSource source = new CodeSource(sluice.pipe(CodeThread.BYTES), name, code);
        source.thread.start();
        return source;
    }

    @Override
    public long read(MemorySegment buffer) throws IOException {
        return readSome(buffer);
    }

    @Override
    public int read(ByteBuffer buffer) throws IOException {
        return readSome(buffer);
    }

    @Override
    long atEnd() throws IOException {
        thread.throwFailure("reading " + this);
        return -1;
    }

    @Override
    @Nullable
    Throwable endedBy() {
        return thread.tell();
    }

    /**
     * Drops what was made and not read, and interrupts the code; does not wait. A call of the code's that heeds no
     * interrupt goes on until it returns, and holds nothing of ours but its buffer.
     *
     * @throws CodeException when the code has thrown, and nobody has been told yet
     */
    @Override
    public void close() throws IOException {
        thread.abandon(descriptor());
        thread.throwUntold("closing " + this);
    }
}
