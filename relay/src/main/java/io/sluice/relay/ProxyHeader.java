// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The header of the PROXY protocol, by which a proxy in front tells who the client is: version 1, a line of text, and
 * version 2, binary; HAProxy's doc/proxy-protocol.txt.
 */
final class ProxyHeader {
    /** What the first bytes of a stream turn out to be. */
    sealed interface Found {}

    /** More bytes are needed to tell. */
    record More() implements Found {}

    /** It does not begin with a header, or with one that breaks the rules. */
    record Invalid(String why) implements Found {}

    /**
     * A header.
     *
     * @param bytes its length: the stream begins behind it
     * @param source who the client is; null when the proxy speaks for itself, or of what is no TCP
     */
    record Header(int bytes, @Nullable SocketAddress source) implements Found {}

    /** The longest line, its end included: as the specification counts it. */
    static final int MAX_V1_BYTES = 107;

    /** What a header of version 2 may have; its length field allows 64 KiB, of which nobody has a use. */
    static final int MAX_V2_BYTES = 4096;

    private static final byte[] V1 = "PROXY ".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] V2 = {0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A};
    private static final int V2_FIXED_BYTES = 16;
    private static final int INET_BYTES = 12;
    private static final int INET6_BYTES = 36;
    private static final int UNIX_BYTES = 216;
    private static final int TYPE_CRC32C = 0x03;

    private ProxyHeader() {}

    /** Looks at the first {@code length} bytes of a stream. */
    static Found parse(byte[] bytes, int length) {
        if (startsWith(bytes, length, V2)) {
            return length < V2_FIXED_BYTES ? new More() : version2(bytes, length);
        }
        if (startsWith(bytes, length, V1)) {
            return version1(bytes, length);
        }
        return new Invalid("a PROXY header was expected, and it begins with "
                + printable(Arrays.copyOf(bytes, Math.min(length, V2.length))));
    }

    /** Whether the bytes so far may become {@code expected}, or are more than that. */
    private static boolean startsWith(byte[] bytes, int length, byte[] expected) {
        int common = Math.min(length, expected.length);
        return Arrays.equals(bytes, 0, common, expected, 0, common);
    }

    private static String printable(byte[] bytes) {
        StringBuilder text = new StringBuilder("'");
        for (byte each : bytes) {
            text.append(each >= 0x20 && each < 0x7F ? String.valueOf((char) each) : String.format("\\x%02x", each));
        }
        return text.append('\'').toString();
    }

    // Version 1.

    private static Found version1(byte[] bytes, int length) {
        int most = Math.min(length, MAX_V1_BYTES);
        for (int i = 1; i < most; i++) {
            if (bytes[i] == '\n' && bytes[i - 1] == '\r') {
                return line(new String(bytes, 0, i - 1, StandardCharsets.ISO_8859_1), i + 1);
            }
        }
        return length < MAX_V1_BYTES
                ? new More()
                : new Invalid("the line of a PROXY header ends within " + MAX_V1_BYTES + " bytes");
    }

    private static Found line(String line, int bytes) {
        String[] words = line.split(" ", -1);
        if (words.length >= 2 && words[1].equals("UNKNOWN")) {
            return new Header(bytes, null);
        }
        boolean four = words.length == 6 && words[1].equals("TCP4");
        boolean six = words.length == 6 && words[1].equals("TCP6");
        if (four || six) {
            InetAddress source = address(words[2], six);
            InetAddress destination = address(words[3], six);
            int port = port(words[4]);
            if (source != null && destination != null && port >= 0 && port(words[5]) >= 0) {
                return new Header(bytes, new InetSocketAddress(source, port));
            }
        }
        return new Invalid("not a PROXY header: " + printable(line.getBytes(StandardCharsets.ISO_8859_1)));
    }

    private static @Nullable InetAddress address(String text, boolean six) {
        boolean looksRight = six
                ? text.matches("[0-9a-fA-F:.]{2,45}") && text.indexOf(':') >= 0
                : text.matches("[0-9]{1,3}(\\.[0-9]{1,3}){3}");
        if (!looksRight) {
            return null;
        }
        try {
            return InetAddress.ofLiteral(text);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private static int port(String text) {
        if (!text.matches("0|[1-9][0-9]{0,4}")) {
            return -1;
        }
        int port = Integer.parseInt(text);
        return port <= 65535 ? port : -1;
    }

    // Version 2.

    private static Found version2(byte[] bytes, int length) {
        ByteBuffer header = ByteBuffer.wrap(bytes, 0, length);
        int versionAndCommand = header.get(12) & 0xFF;
        int familyAndProtocol = header.get(13) & 0xFF;
        int rest = header.getShort(14) & 0xFFFF;
        int end = V2_FIXED_BYTES + rest;
        if (versionAndCommand >> 4 != 2) {
            return new Invalid("a PROXY header of version " + (versionAndCommand >> 4) + "; 1 and 2 are known");
        }
        int command = versionAndCommand & 0xF;
        if (command > 1) {
            return new Invalid("a PROXY header with command " + command + "; 0 (LOCAL) and 1 (PROXY) are known");
        }
        if (end > MAX_V2_BYTES) {
            return new Invalid("a PROXY header of " + end + " bytes; at most " + MAX_V2_BYTES + " are read");
        }
        if (length < end) {
            return new More();
        }
        int family = familyAndProtocol >> 4;
        int needed = switch (family) {
            case 1 -> INET_BYTES;
            case 2 -> INET6_BYTES;
            case 3 -> UNIX_BYTES;
            default -> 0;
        };
        if (command == 1 && family > 3) {
            return new Invalid("a PROXY header for address family " + family + "; 0 to 3 are known");
        }
        if (command == 1 && rest < needed) {
            return new Invalid(
                    "a PROXY header for address family " + family + " with " + rest + " bytes; it needs " + needed);
        }
        String broken = command == 1 ? extensions(bytes, V2_FIXED_BYTES + needed, end) : null;
        if (broken != null) {
            return new Invalid(broken);
        }
        boolean tcp = command == 1 && (familyAndProtocol == 0x11 || familyAndProtocol == 0x21);
        return new Header(end, tcp ? source(header, family == 2) : null);
    }

    private static SocketAddress source(ByteBuffer header, boolean six) {
        byte[] address = new byte[six ? 16 : 4];
        header.get(V2_FIXED_BYTES, address);
        int port = header.getShort(V2_FIXED_BYTES + 2 * address.length) & 0xFFFF;
        try {
            return new InetSocketAddress(InetAddress.getByAddress(address), port);
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e); // only for a length that is neither 4 nor 16
        }
    }

    /** Walks over what follows the addresses; null when all is well. */
    private static @Nullable String extensions(byte[] bytes, int from, int end) {
        int at = from;
        while (at < end) {
            if (end - at < 3) {
                return "a PROXY header whose last extension has no length";
            }
            int type = bytes[at] & 0xFF;
            int length = (bytes[at + 1] & 0xFF) << 8 | (bytes[at + 2] & 0xFF);
            if (length > end - at - 3) {
                return "a PROXY header whose extension " + type + " is longer than the header";
            }
            if (type == TYPE_CRC32C && !checksumHolds(bytes, at + 3, length, end)) {
                return "a PROXY header with a wrong checksum";
            }
            at += 3 + length;
        }
        return null;
    }

    private static boolean checksumHolds(byte[] bytes, int at, int length, int end) {
        if (length != 4) {
            return false;
        }
        byte[] zeroed = Arrays.copyOf(bytes, end);
        Arrays.fill(zeroed, at, at + 4, (byte) 0);
        CRC32C sum = new CRC32C();
        sum.update(zeroed);
        return (int) sum.getValue() == ByteBuffer.wrap(bytes).getInt(at);
    }

    // What we say ourselves.

    /**
     * The header for a backend.
     *
     * @param source who the client is
     * @param destination where it connected to
     */
    static byte[] encode(ProxyProtocol version, SocketAddress source, @Nullable SocketAddress destination) {
        return switch (version) {
            case NONE -> new byte[0];
            case V1 -> encode1(source, destination);
            case V2 -> encode2(source, destination);
        };
    }

    private static @Nullable InetSocketAddress inet(@Nullable SocketAddress address) {
        return address instanceof InetSocketAddress inet && inet.getAddress() != null ? inet : null;
    }

    /** Both of one version: when one of them is IPv6, the other is written as IPv6 as well. */
    private static byte[] bytes(InetSocketAddress address, boolean six) {
        byte[] bytes = address.getAddress().getAddress();
        if (!six || bytes.length == 16) {
            return bytes;
        }
        byte[] mapped = new byte[16];
        mapped[10] = (byte) 0xFF;
        mapped[11] = (byte) 0xFF;
        System.arraycopy(bytes, 0, mapped, 12, 4);
        return mapped;
    }

    private static boolean isSix(InetSocketAddress address) {
        return address.getAddress().getAddress().length == 16;
    }

    private static byte[] encode1(SocketAddress source, @Nullable SocketAddress destination) {
        InetSocketAddress from = inet(source);
        InetSocketAddress to = inet(destination);
        if (from == null || to == null) {
            return "PROXY UNKNOWN\r\n".getBytes(StandardCharsets.US_ASCII);
        }
        boolean six = isSix(from) || isSix(to);
        String line = "PROXY " + (six ? "TCP6 " : "TCP4 ") + text(bytes(from, six)) + " " + text(bytes(to, six)) + " "
                + from.getPort() + " " + to.getPort() + "\r\n";
        return line.getBytes(StandardCharsets.US_ASCII);
    }

    private static String text(byte[] address) {
        if (address.length == 4) {
            return (address[0] & 0xFF) + "." + (address[1] & 0xFF) + "." + (address[2] & 0xFF) + "."
                    + (address[3] & 0xFF);
        }
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 16; i += 2) {
            text.append(i == 0 ? "" : ":")
                    .append(Integer.toHexString((address[i] & 0xFF) << 8 | (address[i + 1] & 0xFF)));
        }
        return text.toString();
    }

    private static byte[] encode2(SocketAddress source, @Nullable SocketAddress destination) {
        InetSocketAddress from = inet(source);
        InetSocketAddress to = inet(destination);
        if (from == null || to == null) {
            return ByteBuffer.allocate(V2_FIXED_BYTES)
                    .put(V2)
                    .put((byte) 0x21)
                    .put((byte) 0)
                    .putShort((short) 0)
                    .array();
        }
        boolean six = isSix(from) || isSix(to);
        int rest = six ? INET6_BYTES : INET_BYTES;
        return ByteBuffer.allocate(V2_FIXED_BYTES + rest)
                .put(V2)
                .put((byte) 0x21)
                .put((byte) (six ? 0x21 : 0x11))
                .putShort((short) rest)
                .put(bytes(from, six))
                .put(bytes(to, six))
                .putShort((short) from.getPort())
                .putShort((short) to.getPort())
                .array();
    }
}
