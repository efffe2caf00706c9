// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.linux;

import static io.sluice.kernel.Flags.AF_INET;
import static io.sluice.kernel.Flags.AF_INET6;
import static io.sluice.kernel.Flags.AF_UNIX;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.sluice.kernel.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;

/**
 * Socket addresses between Java and C: sockaddr_in (16 bytes), sockaddr_in6 (28) and sockaddr_un (2 and a path of up to
 * 108), alike on every Linux.
 */
final class SocketAddresses {
    /** Room for any of them. */
    static final int MAX_BYTES = 128;

    /** sun_path with its end mark. */
    private static final int UNIX_PATH_BYTES = 108;

    private static final SocketAddress UNNAMED = UnixDomainSocketAddress.of("");

    private static final ValueLayout.OfShort PORT = JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN);

    private SocketAddresses() {}

    /** Writes an address; answers its length in bytes or -errno when it is none that a socket call could take. */
    static int write(SocketAddress address, MemorySegment to) {
        return switch (address) {
            case InetSocketAddress inet when inet.isUnresolved() -> -Errno.EINVAL;
            case InetSocketAddress inet -> writeInet(inet, to);
            case UnixDomainSocketAddress unix -> writeUnix(unix, to);
            default -> -Errno.EAFNOSUPPORT;
        };
    }

    private static int writeInet(InetSocketAddress inet, MemorySegment to) {
        InetAddress host = inet.getAddress();
        byte[] bytes = host.getAddress();
        to.set(PORT, 2, (short) inet.getPort());
        if (host instanceof Inet6Address six) {
            to.set(JAVA_SHORT, 0, (short) AF_INET6);
            to.set(JAVA_INT, 4, 0); // flow label
            MemorySegment.copy(bytes, 0, to, JAVA_BYTE, 8, bytes.length);
            to.set(JAVA_INT, 24, six.getScopeId());
            return 28;
        }
        to.set(JAVA_SHORT, 0, (short) AF_INET);
        MemorySegment.copy(bytes, 0, to, JAVA_BYTE, 4, bytes.length);
        to.asSlice(8, 8).fill((byte) 0);
        return 16;
    }

    private static int writeUnix(UnixDomainSocketAddress unix, MemorySegment to) {
        byte[] path = unix.getPath().toString().getBytes(StandardCharsets.UTF_8);
        if (path.length >= UNIX_PATH_BYTES) {
            return -Errno.EINVAL;
        }
        to.set(JAVA_SHORT, 0, (short) AF_UNIX);
        MemorySegment.copy(path, 0, to, JAVA_BYTE, 2, path.length);
        to.set(JAVA_BYTE, 2L + path.length, (byte) 0);
        // An empty path is the unnamed address: the family alone.
        return path.length == 0 ? 2 : 2 + path.length + 1;
    }

    /**
     * Reads an address of {@code length} bytes. What Java cannot express is unnamed: the abstract Unix namespace, other
     * families, a path outside the platform's character set.
     */
    static SocketAddress read(MemorySegment from, int length) {
        int family = length < 2 ? AF_UNIX : from.get(JAVA_SHORT, 0);
        try {
            return switch (family) {
                case AF_INET ->
                    new InetSocketAddress(
                            Inet4Address.getByAddress(from.asSlice(4, 4).toArray(JAVA_BYTE)), port(from));
                case AF_INET6 -> new InetSocketAddress(inet6(from), port(from));
                case AF_UNIX -> UnixDomainSocketAddress.of(unixPath(from, length));
                default -> UNNAMED;
            };
        } catch (UnknownHostException e) {
            throw new AssertionError("an address of 4 or 16 bytes is always legal", e);
        } catch (InvalidPathException inexpressible) {
            return UNNAMED;
        }
    }

    private static int port(MemorySegment from) {
        return Short.toUnsignedInt(from.get(PORT, 2));
    }

    private static InetAddress inet6(MemorySegment from) throws UnknownHostException {
        byte[] bytes = from.asSlice(8, 16).toArray(JAVA_BYTE);
        int scope = from.get(JAVA_INT, 24);
        // getByAddress turns a mapped IPv4 address into the IPv4 address that it is.
        return scope == 0 ? InetAddress.getByAddress(bytes) : Inet6Address.getByAddress(null, bytes, scope);
    }

    private static String unixPath(MemorySegment from, int length) {
        int end = 2;
        while (end < length && from.get(JAVA_BYTE, end) != 0) {
            end++;
        }
        return new String(from.asSlice(2, end - 2L).toArray(JAVA_BYTE), StandardCharsets.UTF_8);
    }
}
