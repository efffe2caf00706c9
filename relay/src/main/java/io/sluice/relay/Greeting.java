// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static io.sluice.kernel.Flags.MSG_DONTWAIT;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.SocketAddress;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The first bytes of a client, as far as they have to be looked at before it is known who it is (a PROXY header) or
 * what it wants (a ClientHello). What was read and not used up goes on to the backend before anything else. Where
 * neither is needed, not a byte is read. Belongs to a session.
 */
final class Greeting {
    /** What a look came to. */
    enum Step {
        /** The client has not said enough yet. */
        MORE,
        READY,
        /** The client has gone. */
        CLOSED,
        /** {@link #complaint} says what is wrong. */
        INVALID,
        /** Reading has failed: {@link #errno} says why. */
        FAILED
    }

    private static final int PIECE_BYTES = 2048;

    private final Kernel kernel;
    private final MemorySegment scratch;
    private final boolean names;

    private boolean header;
    private byte[] bytes = new byte[0];
    private int length;
    private int used;
    private @Nullable SocketAddress source;
    private @Nullable String serverName;
    private String complaint = "";
    private int errno;

    /**
     * Nothing has been read yet.
     *
     * @param scratch native memory that only this thread uses, and for nothing else meanwhile
     * @param header whether a PROXY header has to come first
     * @param names whether a ClientHello may decide on the route
     */
    Greeting(Kernel kernel, MemorySegment scratch, boolean header, boolean names) {
        this.kernel = kernel;
        this.scratch = scratch;
        this.header = header;
        this.names = names;
    }

    /** Looks at what is there, and reads more as long as it is needed. */
    Step read(Peer client) {
        while (true) {
            Step step = look();
            if (step != Step.MORE || !client.readable()) {
                return step;
            }
            int room = Math.toIntExact(Math.min(PIECE_BYTES, scratch.byteSize()));
            long got = kernel.recv(client.fd(), scratch.asSlice(0, room), MSG_DONTWAIT);
            if (got == -Errno.EAGAIN) {
                client.foundEmpty();
            } else if (got == 0) {
                return closed();
            } else if (got > 0) {
                append(Math.toIntExact(got));
            } else if (got != -Errno.EINTR) {
                errno = (int) -got;
                return Step.FAILED;
            }
        }
    }

    /** A client that ends before it has said enough: a short one may still be one that a route without names takes. */
    private Step closed() {
        if (header || length == used) {
            return Step.CLOSED;
        }
        return Step.READY;
    }

    private void append(int count) {
        if (length + count > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(length + count, bytes.length * 2));
        }
        MemorySegment.copy(scratch, ValueLayout.JAVA_BYTE, 0, bytes, length, count);
        length += count;
    }

    private Step look() {
        if (header) {
            switch (ProxyHeader.parse(bytes, length)) {
                case ProxyHeader.More _ -> {
                    return Step.MORE;
                }
                case ProxyHeader.Invalid invalid -> {
                    complaint = invalid.why();
                    return Step.INVALID;
                }
                case ProxyHeader.Header found -> {
                    header = false;
                    used = found.bytes();
                    source = found.source();
                }
            }
        }
        if (!names) {
            return Step.READY;
        }
        return switch (ClientHello.parse(bytes, used, length - used)) {
            case ClientHello.More _ -> Step.MORE;
            case ClientHello.Other _ -> Step.READY;
            case ClientHello.Hello hello -> {
                serverName = hello.serverName();
                yield Step.READY;
            }
        };
    }

    /** Who the client is, by a header's word; null when none has said it. */
    @Nullable
    SocketAddress source() {
        return source;
    }

    /** The server that was asked for; null when none was, or nobody looked. */
    @Nullable
    String serverName() {
        return serverName;
    }

    /** What was read and belongs to the stream. */
    byte[] rest() {
        byte[] rest = Arrays.copyOfRange(bytes, used, length);
        bytes = new byte[0];
        length = 0;
        used = 0;
        return rest;
    }

    String complaint() {
        return complaint;
    }

    /** What reading has failed with. */
    int errno() {
        return errno;
    }

    /** What it waits for, for people. */
    String missing() {
        return header ? "no PROXY header came in time" : "no ClientHello came in time";
    }
}
