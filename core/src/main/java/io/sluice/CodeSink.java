// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import io.sluice.flow.Lending;
import io.sluice.kernel.Errno;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;

/**
 * A sink over the caller's code, for bytes that must be looked at: the write end of a pipe of ours, whose other end a
 * virtual thread reads for the code, by copying. The pipe holds 256 KiB, where the kernel grants as much; when it is
 * full, the code sets the pace of whoever writes, like any sink. Code that waits holds no carrier; code that computes
 * holds one, as on any virtual thread.
 *
 * <p>When the code throws, the stream ends: a transfer to this sink ends as SINK_CLOSED, a mirror fails with EPIPE, and
 * {@link #finish} or {@link #close} throws {@link CodeException} with what the code threw. Safe for any thread.
 *
 * <pre>{@code
 * try (CodeSink look = sluice.sink(bytes -> digest.update(bytes.asByteBuffer()))) {
 *     sluice.transfer(in).to(out).mirrorTo(look, WhenFull.BLOCK).run();
 *     look.finish();
 *     System.out.println(HexFormat.of().formatHex(digest.digest()));
 * }
 * }</pre>
 */
public final class CodeSink extends End implements Sink {
    private final CodeThread thread;

    private CodeSink(Pipe pipe, String name, CodeThread.Work work) {
        super(pipe.writer(), name);
        this.thread = new CodeThread(pipe.reader(), work);
    }

    /** What remains to be done when the code has seen all. */
    interface AtEnd {
        void run() throws IOException;
    }

    static CodeSink start(Sluice sluice, String name, ByteTarget code, AtEnd atEnd) throws IOException {
        Pipe pipe = sluice.pipe(CodeThread.BYTES);
        CodeSink sink = new CodeSink(pipe, name, buffer -> {
            for (long n = pipe.reader().read(buffer); n >= 0; n = pipe.reader().read(buffer)) {
                code.accept(buffer.asSlice(0, n).asReadOnly());
            }
            atEnd.run();
        });
        sink.thread.start();
        return sink;
    }

    @Override
    public void write(MemorySegment buffer) throws IOException {
        try {
            writeAll(buffer);
        } catch (ErrnoException e) {
            throw explained(e);
        }
    }

    @Override
    public int write(ByteBuffer buffer) throws IOException {
        try {
            return writeAll(buffer);
        } catch (ErrnoException e) {
            throw explained(e);
        }
    }

    @Override
    void lend(MemorySegment memory, int flags, Lending lending) throws IOException {
        try {
            super.lend(memory, flags, lending);
        } catch (ErrnoException e) {
            throw explained(e);
        }
    }

    /** EPIPE is what the pipe has to say; the code said more. */
    private ErrnoException explained(ErrnoException e) throws CodeException {
        if (e.errno() == Errno.EPIPE) {
            thread.throwFailure("writing " + this);
        }
        return e;
    }

    /**
     * Says that no more bytes will come and waits until the code has seen all. It can be called again, as after an
     * interrupt, but not by the code itself.
     *
     * @throws CodeException when the code has thrown
     * @throws TransferInterruptedException when the thread is interrupted; the code goes on
     * @throws AsynchronousCloseException when the code has not seen all, because of {@link #abort} or because a
     *     transfer has detached this sink
     */
    public void finish() throws IOException {
        descriptor().close();
        thread.awaitEnd("finishing " + this);
    }

    /**
     * Drops what the code has not seen and interrupts it; does not wait, and neither will {@link #close}. A call of the
     * code's that heeds no interrupt goes on until it returns, and holds nothing of ours but its buffer.
     */
    public void abort() {
        thread.abandon(descriptor());
    }

    /**
     * As {@link #finish}, unless the sink was finished, aborted, or detached by a transfer: so closing is enough where
     * nothing is left to be done after the last byte. Code that blocks for ever blocks this, as a stream that cannot be
     * flushed does; an interrupt of the waiting thread then aborts.
     *
     * @throws CodeException when the code has thrown, and nobody has been told yet
     * @throws TransferInterruptedException when the thread is interrupted; the sink is aborted
     */
    @Override
    public void close() throws IOException {
        descriptor().close();
        if (thread.isAbandoned() || thread.wasTold()) {
            thread.throwUntold("closing " + this);
            return;
        }
        try {
            thread.awaitEnd("closing " + this);
        } catch (TransferInterruptedException e) {
            abort();
            throw e;
        } catch (AsynchronousCloseException e) {
            // Somebody aborted it meanwhile, and knows.
        }
    }

    @Override
    void giveUp() {
        abort();
    }
}
