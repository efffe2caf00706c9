// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.util.Arrays;
import java.util.HexFormat;

/** What TLS clients begin with: a ClientHello with one cipher suite and the name of a server. */
final class Hellos {
    private Hellos() {}

    /** In one record. */
    static byte[] of(String name) {
        return inRecordsOf(1 << 14, name);
    }

    /** In records of so many bytes each. */
    static byte[] inRecordsOf(int bytes, String name) {
        byte[] handshake = HexFormat.of().parseHex(handshake(name));
        StringBuilder records = new StringBuilder();
        for (int at = 0; at < handshake.length; at += bytes) {
            byte[] part = Arrays.copyOfRange(handshake, at, Math.min(at + bytes, handshake.length));
            records.append("160301")
                    .append(hex(part.length))
                    .append(HexFormat.of().formatHex(part));
        }
        return HexFormat.of().parseHex(records);
    }

    private static String handshake(String name) {
        String host = HexFormat.of().formatHex(name.getBytes(ISO_8859_1));
        int length = name.length();
        String serverName = "0000" + hex(length + 5) + hex(length + 3) + "00" + hex(length) + host;
        String body = "0303" + "11".repeat(32) + "00" + "00021301" + "0100" + hex(serverName.length() / 2) + serverName;
        return "0100" + hex(body.length() / 2) + body;
    }

    private static String hex(int number) {
        return String.format("%04x", number);
    }
}
