// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One TCP connection of a capture: who, when, how it ended, and what was said. Its {@linkplain #events() events} are
 * read anew each time they are asked for; the bytes are read from the capture's files, which stay open until the
 * {@link Capture} is closed. Safe for any thread.
 */
public final class Conversation {
    /** How it came to its end, as far as the capture tells. */
    public enum Ending {
        /** It was going on when the capture ended, or its addresses were used again. */
        OPEN,

        /** Both sides had said all. */
        CLOSED,

        /** One of them tore it down. */
        RESET,

        /** The server did not take it. */
        REFUSED
    }

    private final int number;
    private final Capture capture;
    private final Track track;
    private final Endpoint client;
    private final Endpoint server;
    private final long startNanos;
    private final boolean whole;

    // Written while the capture is read, by the thread that opens it.
    private long endNanos;
    private Ending ending = Ending.OPEN;
    private final Counts bytes = new Counts();
    private final Counts missing = new Counts();
    private @Nullable String comment;

    Conversation(
            int number,
            Capture capture,
            Spill spill,
            Endpoint client,
            Endpoint server,
            long startNanos,
            boolean whole) {
        this.number = number;
        this.capture = capture;
        this.track = new Track(spill);
        this.client = client;
        this.server = server;
        this.startNanos = startNanos;
        this.endNanos = startNanos;
        this.whole = whole;
    }

    /** Its place in the capture, by its beginning; from 1. */
    public int number() {
        return number;
    }

    /** Who opened it. */
    public InetSocketAddress client() {
        return client.address();
    }

    /** Who was called. */
    public InetSocketAddress server() {
        return server.address();
    }

    /**
     * Whether the capture has its beginning. When it has not, the bytes begin somewhere, and who is the client is a
     * guess: not whoever has a port that other connections were opened to, else who has the higher port.
     */
    public boolean isFromBeginning() {
        return whole;
    }

    /** When its first packet was seen, in nanoseconds since 1970. */
    public long startNanos() {
        return startNanos;
    }

    /** When its last event was. */
    public long endNanos() {
        return endNanos;
    }

    /** How it ended. */
    public Ending ending() {
        return ending;
    }

    /** How many bytes the side has sent, those that are missing among them. */
    public long bytes(Side side) {
        return bytes.of(side);
    }

    /** How many of them are not in the capture. */
    public long missingBytes(Side side) {
        return missing.of(side);
    }

    /** What the recorder wrote at its first packet that has a comment; our own recordings name the route there. */
    public @Nullable String comment() {
        return comment;
    }

    /** Its events from the first on. */
    public Events events() {
        return new Events(track);
    }

    /**
     * Reads bytes of a piece, as many as {@code into} has room for.
     *
     * @param from how many bytes of the piece to leave out
     * @throws CaptureException when the file has become shorter since it was opened
     * @throws IndexOutOfBoundsException when the piece has fewer
     */
    public void read(Event.Piece piece, int from, ByteBuffer into) throws IOException {
        Objects.checkFromIndexSize(from, into.remaining(), piece.length());
        capture.read(piece.file(), piece.offset() + from, into);
    }

    /**
     * What a side has said, as a stream. Reading beyond a gap is a {@link CaptureException}, for the bytes behind it
     * would look like a continuation.
     */
    public InputStream stream(Side side) {
        return new SideStream(this, side);
    }

    /** {@code 3: 10.0.0.1:40312 > 10.0.0.2:6379}. */
    @Override
    public String toString() {
        return number + ": " + text(client()) + " > " + text(server());
    }

    private static String text(InetSocketAddress address) {
        String host = address.getAddress().getHostAddress();
        return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + address.getPort();
    }

    // While it is read.

    Track track() {
        return track;
    }

    void addBytes(Side side, long count, long missed, long time) {
        bytes.add(side, count);
        missing.add(side, missed);
        endNanos = time;
    }

    void ends(Ending how, long time) {
        ending = how;
        endNanos = time;
    }

    void comments(String text) {
        if (comment == null) {
            comment = text;
        }
    }
}
