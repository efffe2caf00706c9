// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What TLS says before anything is encrypted: the ClientHello, and in it the name of the server that is wanted (SNI);
 * RFC 8446 sections 4.1.2 and 5.1, RFC 6066 section 3. It may come in several records.
 */
final class ClientHello {
    /** What the first bytes of a stream turn out to be. */
    sealed interface Found {}

    /** More bytes are needed to tell. */
    record More() implements Found {}

    /** No TLS, or TLS that breaks the rules before the name; whoever wants it may still have it. */
    record Other() implements Found {}

    /**
     * A ClientHello.
     *
     * @param serverName in lower case; null when it names none
     */
    record Hello(@Nullable String serverName) implements Found {}

    /** More than any client sends; with room for the keys of today's post-quantum exchange. */
    static final int MAX_BYTES = 16 << 10;

    private static final int RECORD_HEADER_BYTES = 5;
    private static final int HANDSHAKE = 22;
    private static final int CLIENT_HELLO = 1;
    private static final int MAX_RECORD_BYTES = 1 << 14;
    private static final int SERVER_NAME = 0;
    private static final int HOST_NAME = 0;
    private static final int MAX_NAME_BYTES = 255;

    private ClientHello() {}

    /** Looks at {@code length} bytes of a stream from {@code offset} on. */
    static Found parse(byte[] bytes, int offset, int length) {
        if (length > 2 * MAX_BYTES) {
            return new Other(); // in records of a few bytes each, which none but a mocker sends
        }
        ByteBuffer handshake = ByteBuffer.allocate(Math.min(length, MAX_BYTES));
        int wanted = -1;
        int at = offset;
        int end = offset + length;
        while (wanted < 0 || handshake.position() < wanted) {
            int here = Math.min(end - at, RECORD_HEADER_BYTES);
            if (!mayBeRecord(bytes, at, here)) {
                return new Other();
            }
            if (here < RECORD_HEADER_BYTES) {
                return new More();
            }
            int recordBytes = (bytes[at + 3] & 0xFF) << 8 | (bytes[at + 4] & 0xFF);
            at += RECORD_HEADER_BYTES;
            int present = Math.min(recordBytes, end - at);
            if (handshake.remaining() < present) {
                return new Other();
            }
            handshake.put(bytes, at, present);
            at += present;
            if (handshake.position() > 0 && handshake.get(0) != CLIENT_HELLO) {
                return new Other();
            }
            if (wanted < 0 && handshake.position() >= 4) {
                wanted = 4
                        + ((handshake.get(1) & 0xFF) << 16
                                | (handshake.get(2) & 0xFF) << 8
                                | (handshake.get(3) & 0xFF));
                if (wanted > MAX_BYTES) {
                    return new Other();
                }
            }
            if (present < recordBytes && (wanted < 0 || handshake.position() < wanted)) {
                return new More();
            }
        }
        return hello(handshake.slice(4, wanted - 4));
    }

    private static boolean mayBeRecord(byte[] bytes, int at, int present) {
        int length = present < RECORD_HEADER_BYTES ? 1 : (bytes[at + 3] & 0xFF) << 8 | (bytes[at + 4] & 0xFF);
        return (present < 1 || bytes[at] == HANDSHAKE)
                && (present < 2 || bytes[at + 1] == 3)
                && length > 0
                && length <= MAX_RECORD_BYTES;
    }

    private static Found hello(ByteBuffer hello) {
        try {
            skip(hello, 2 + 32); // version, random
            skip(hello, hello.get() & 0xFF); // session id
            skip(hello, hello.getShort() & 0xFFFF); // cipher suites
            skip(hello, hello.get() & 0xFF); // compression methods
            if (!hello.hasRemaining()) {
                return new Hello(null);
            }
            ByteBuffer extensions = part(hello);
            while (extensions.hasRemaining()) {
                int type = extensions.getShort() & 0xFFFF;
                ByteBuffer extension = part(extensions);
                if (type == SERVER_NAME) {
                    return serverName(part(extension));
                }
            }
            return new Hello(null);
        } catch (BufferUnderflowException e) {
            return new Other();
        }
    }

    private static Found serverName(ByteBuffer names) {
        while (names.hasRemaining()) {
            int type = names.get();
            ByteBuffer name = part(names);
            if (type == HOST_NAME) {
                byte[] text = new byte[name.remaining()];
                name.get(text);
                return isName(text)
                        ? new Hello(new String(text, StandardCharsets.US_ASCII).toLowerCase(Locale.ROOT))
                        : new Other();
            }
        }
        return new Hello(null);
    }

    /** It goes into logs and onto a page, so only what host names are made of. */
    private static boolean isName(byte[] text) {
        if (text.length == 0 || text.length > MAX_NAME_BYTES) {
            return false;
        }
        for (byte each : text) {
            boolean letterOrDigit =
                    (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') || (each >= '0' && each <= '9');
            if (!letterOrDigit && each != '-' && each != '.' && each != '_') {
                return false;
            }
        }
        return true;
    }

    /** What a length of two bytes announces. */
    private static ByteBuffer part(ByteBuffer from) {
        int length = from.getShort() & 0xFFFF;
        if (length > from.remaining()) {
            throw new BufferUnderflowException();
        }
        ByteBuffer part = from.slice(from.position(), length);
        from.position(from.position() + length);
        return part;
    }

    private static void skip(ByteBuffer from, int length) {
        if (length > from.remaining()) {
            throw new BufferUnderflowException();
        }
        from.position(from.position() + length);
    }
}
