// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/** Where bytes come from or go to, as it is written on the command line. */
sealed interface Location {
    /** Standard input or standard output. */
    record Standard() implements Location {}

    /** What a path names: a file, a FIFO, a device. */
    record Named(Path path) implements Location {}

    /** A TCP peer to connect to. */
    record Tcp(String host, int port) implements Location {
        @Override
        public String toString() {
            return "tcp://" + Location.hostAndPort(host, port);
        }
    }

    /** A TCP port that one peer will connect to; an empty host is every address. */
    record TcpListen(String host, int port) implements Location {
        @Override
        public String toString() {
            return "tcp-listen://" + Location.hostAndPort(host, port);
        }
    }

    /** A Unix socket to connect to. */
    record Unix(Path path) implements Location {}

    /** A Unix socket that one peer will connect to. */
    record UnixListen(Path path) implements Location {}

    /** Makes sense of one word. */
    static Location parse(String word) {
        if (word.equals("-")) {
            return new Standard();
        }
        int colon = word.indexOf(':');
        return switch (colon < 0 ? "" : word.substring(0, colon)) {
            case "tcp" -> {
                String host = host(word, "tcp://");
                if (host.isEmpty()) {
                    throw new Misuse(
                            "'" + word + "' names no host; for this machine: tcp://localhost:" + port(word, "tcp://"));
                }
                yield new Tcp(host, port(word, "tcp://"));
            }
            case "tcp-listen" -> new TcpListen(host(word, "tcp-listen://"), port(word, "tcp-listen://"));
            case "unix" -> new Unix(path(word, word.substring("unix:".length())));
            case "unix-listen" -> new UnixListen(path(word, word.substring("unix-listen:".length())));
            default -> {
                if (word.matches("[a-zA-Z][a-zA-Z0-9+.-]*://.*")) {
                    throw new Misuse("'" + word + "': there is no " + word.substring(0, colon + 3)
                            + "; there are tcp:// and tcp-listen://, unix: and unix-listen:, and files (one of this"
                            + " name: ./" + word + ")");
                }
                Path path = path(word, word);
                if (looksLikeAddress(word) && !Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
                    throw new Misuse("'" + word + "' looks like an address, and there is no such file; the address is "
                            + (colon == 0 ? "tcp-listen://" : "tcp://") + word + ", a file of this name ./" + word);
                }
                yield new Named(path);
            }
        };
    }

    /** Such as {@code db:5432}, {@code 10.0.0.7:80}, {@code [::1]:80} or {@code :9000}. */
    private static boolean looksLikeAddress(String word) {
        return word.indexOf(':') >= 0
                && word.matches("([a-zA-Z][a-zA-Z0-9._-]*|[0-9]+(\\.[0-9]+){3}|\\[[0-9a-fA-F:.]+]|):[1-9][0-9]{0,4}");
    }

    private static Path path(String word, String path) {
        if (path.isEmpty()) {
            throw new Misuse(word.isEmpty() ? "an empty name names no file" : "'" + word + "' names no path");
        }
        try {
            return Path.of(path);
        } catch (InvalidPathException e) {
            throw new Misuse("'" + word + "' is no path: " + e.getReason());
        }
    }

    private static String host(String word, String scheme) {
        String host = hostAndPort(word, scheme)[0];
        if (host.startsWith("[") && host.endsWith("]")) {
            return host.substring(1, host.length() - 1);
        }
        if (host.indexOf(':') >= 0) {
            throw new Misuse("'" + word + "': an IPv6 address goes in brackets, as in " + scheme + "[::1]:9000");
        }
        return host;
    }

    private static int port(String word, String scheme) {
        String text = hostAndPort(word, scheme)[1];
        try {
            int port = Integer.parseInt(text);
            boolean zeroMayBe = scheme.equals("tcp-listen://"); // any free one
            if (port <= 65535 && port >= (zeroMayBe ? 0 : 1) && Character.isDigit(text.charAt(0))) {
                return port;
            }
        } catch (NumberFormatException e) {
            // complained of below
        }
        throw new Misuse("'" + word + "': not a port: '" + text + "'; a port is a number up to 65535, as in " + scheme
                + "localhost:9000");
    }

    private static String[] hostAndPort(String word, String scheme) {
        int colon = word.lastIndexOf(':');
        if (!word.startsWith(scheme) || colon < scheme.length()) {
            String everywhere = scheme.equals("tcp-listen://") ? ", or tcp-listen://:9000 for every address" : "";
            throw new Misuse("'" + word + "' should look like " + scheme + "HOST:PORT" + everywhere);
        }
        return new String[] {word.substring(scheme.length(), colon), word.substring(colon + 1)};
    }

    private static String hostAndPort(String host, int port) {
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
    }
}
