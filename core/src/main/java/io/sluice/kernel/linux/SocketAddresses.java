// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.linux;

import static io.sluice.kernel.Flags.AF_INET;
import static io.sluice.kernel.Flags.AF_INET6;
import static io.sluice.kernel.Flags.AF_UNIX;

import io.sluice.kernel.Errno;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;

/**
 * Socket addresses between Java and C: sockaddr_in (16 bytes), sockaddr_in6 (28) and sockaddr_un (2 and a path of up to
 * 108), alike on every Linux. The buffers are in the byte order of the machine.
 */
final class SocketAddresses {
    /** Room for any of them. */
    static final int MAX_BYTES = 128;

    /** sun_path with its end mark. */
    private static final int UNIX_PATH_BYTES = 108;

    private static final SocketAddress UNNAMED = UnixDomainSocketAddress.of("");

    private SocketAddresses() {}

    /** Writes an address; answers its length in bytes or -errno when it is none that a socket call could take. */
    static int write(SocketAddress address, ByteBuffer to) {
        return switch (address) {
            case InetSocketAddress inet when inet.isUnresolved() -> -Errno.EINVAL;
            case InetSocketAddress inet -> writeInet(inet, to);
            case UnixDomainSocketAddress unix -> writeUnix(unix, to);
            default -> -Errno.EAFNOSUPPORT;
        };
    }

    private static int writeInet(InetSocketAddress inet, ByteBuffer to) {
        InetAddress host = inet.getAddress();
        byte[] bytes = host.getAddress();
        to.put(2, (byte) (inet.getPort() >> 8)).put(3, (byte) inet.getPort());
        if (host instanceof Inet6Address six) {
            to.putShort(0, (short) AF_INET6);
            to.putInt(4, 0); // flow label
            to.put(8, bytes);
            to.putInt(24, six.getScopeId());
            return 28;
        }
        to.putShort(0, (short) AF_INET);
        to.put(4, bytes);
        to.putLong(8, 0);
        return 16;
    }

    private static int writeUnix(UnixDomainSocketAddress unix, ByteBuffer to) {
        byte[] path = unix.getPath().toString().getBytes(StandardCharsets.UTF_8);
        if (path.length >= UNIX_PATH_BYTES) {
            return -Errno.EINVAL;
        }
        to.putShort(0, (short) AF_UNIX);
        to.put(2, path);
        to.put(2 + path.length, (byte) 0);
        // An empty path is the unnamed address: the family alone.
        return path.length == 0 ? 2 : 2 + path.length + 1;
    }

    /**
     * Reads an address of {@code length} bytes. What Java cannot express is unnamed: the abstract Unix namespace, other
     * families, a path outside the platform's character set.
     */
    static SocketAddress read(ByteBuffer from, int length) {
        int family = length < 2 ? AF_UNIX : from.getShort(0);
        try {
            return switch (family) {
                case AF_INET -> new InetSocketAddress(Inet4Address.getByAddress(bytes(from, 4, 4)), port(from));
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

    private static byte[] bytes(ByteBuffer from, int offset, int count) {
        byte[] bytes = new byte[count];
        from.get(offset, bytes);
        return bytes;
    }

    private static int port(ByteBuffer from) {
        return Byte.toUnsignedInt(from.get(2)) << 8 | Byte.toUnsignedInt(from.get(3));
    }

    private static InetAddress inet6(ByteBuffer from) throws UnknownHostException {
        byte[] bytes = bytes(from, 8, 16);
        int scope = from.getInt(24);
        // getByAddress turns a mapped IPv4 address into the IPv4 address that it is.
        return scope == 0 ? InetAddress.getByAddress(bytes) : Inet6Address.getByAddress(null, bytes, scope);
    }

    private static String unixPath(ByteBuffer from, int length) {
        int end = 2;
        while (end < length && from.get(end) != 0) {
            end++;
        }
        return new String(bytes(from, 2, end - 2), StandardCharsets.UTF_8);
    }
}
