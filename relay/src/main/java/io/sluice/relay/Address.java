// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Where to listen, or whom to connect to, as a person writes it: names are not looked up here. */
public sealed interface Address {
    /** A TCP port of a host: a name, an IPv4 address or an IPv6 address without brackets; empty for every address. */
    record Tcp(String host, int port) implements Address {
        @Override
        public String toString() {
            return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
        }
    }

    /** A Unix stream socket. */
    record Unix(Path path) implements Address {
        @Override
        public String toString() {
            return "unix:" + path;
        }
    }

    /** The longest path that fits into a sockaddr_un with the byte that ends it; unix(7). */
    int MAX_PATH_BYTES = 107;

    /**
     * Reads {@code host:port}, {@code [ipv6]:port}, {@code :port}, or {@code unix:/path}.
     *
     * @throws ConfigException when it is none of them
     */
    static Address parse(String text) throws ConfigException {
        if (text.startsWith("unix:")) {
            return unix(text);
        }
        int colon = text.lastIndexOf(':');
        String host = host(text, colon);
        Integer port = port(text.substring(colon + 1));
        if (colon < 0 || host == null || port == null) {
            throw new ConfigException("not an address: '" + text
                    + "'; write host:port, [ipv6]:port, :port or unix:/path, with a port from 0 to 65535");
        }
        return new Tcp(host, port);
    }

    private static Address unix(String text) throws ConfigException {
        String path = text.substring("unix:".length());
        int bytes = path.getBytes(java.nio.charset.StandardCharsets.UTF_8).length;
        if (path.isEmpty() || bytes > MAX_PATH_BYTES || path.indexOf('\0') >= 0) {
            throw new ConfigException("not the path of a Unix socket: '" + text + "'; a path has 1 to " + MAX_PATH_BYTES
                    + " bytes, and this one " + bytes);
        }
        return new Unix(Path.of(path));
    }

    private static @Nullable String host(String text, int colon) {
        String host = text.substring(0, Math.max(colon, 0));
        if (host.startsWith("[") && host.endsWith("]")) {
            String six = host.substring(1, host.length() - 1);
            return six.indexOf(':') >= 0 ? six : null;
        }
        return host.indexOf(':') < 0 && host.indexOf('[') < 0 && host.indexOf(' ') < 0 ? host : null;
    }

    private static @Nullable Integer port(String digits) {
        if (digits.isEmpty() || digits.length() > 5 || !digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
            return null;
        }
        int port = Integer.parseInt(digits);
        return port <= 65535 ? port : null;
    }
}
