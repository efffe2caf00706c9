// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.SHUT_WR;
import static io.sluice.kernel.Flags.SOL_SOCKET;
import static io.sluice.kernel.Flags.SO_LINGER;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.SocketAddress;
import java.nio.ByteBuffer;

/** A connected stream socket, TCP or Unix; a source and a sink at once. */
public final class SocketEnd extends End implements Source, Sink {
    SocketEnd(Sluice sluice, int fd, String name) {
        super(sluice, fd, name);
    }

    /** The address of this side. */
    public SocketAddress localAddress() throws IOException {
        SocketAddress[] address = new SocketAddress[1];
        use("getsockname", fd -> kernel().getsockname(fd, address));
        return address[0];
    }

    /** The address of the other side. */
    public SocketAddress remoteAddress() throws IOException {
        SocketAddress[] address = new SocketAddress[1];
        use("getpeername", fd -> kernel().getpeername(fd, address));
        return address[0];
    }

    /** Says that no more bytes will be sent: the peer reads to its end. Receiving goes on. */
    public void shutdownOutput() throws IOException {
        use("shutdown", fd -> kernel().shutdown(fd, SHUT_WR));
    }

    /** Closes the connection with a reset: the peer learns that the stream is cut, and not at its end. */
    public void reset() throws IOException {
        use("setsockopt SO_LINGER", fd -> kernel().setsockopt(fd, SOL_SOCKET, SO_LINGER, 1, 0));
        close();
    }

    /** Receives what is there, at least a byte; waits for it. Returns -1 when the peer has ended its side. */
    @Override
    public long read(MemorySegment buffer) throws IOException {
        return readSome(buffer);
    }

    @Override
    public int read(ByteBuffer buffer) throws IOException {
        return readSome(buffer);
    }

    /** Sends all of {@code buffer}; waits for room. */
    @Override
    public void write(MemorySegment buffer) throws IOException {
        writeAll(buffer);
    }

    @Override
    public int write(ByteBuffer buffer) throws IOException {
        return writeAll(buffer);
    }

    @Override
    public void close() {
        descriptor().close();
    }

    @Override
    void giveUp() throws IOException {
        reset();
    }
}
