// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Makes the packets of a TCP connection, as link type RAW has them: each says what the test says, right or wrong. */
public final class Talk {
    public static final int FIN = 1;
    public static final int SYN = 2;
    public static final int RST = 4;
    public static final int ACK = 16;
    public static final long BEGIN = 1_700_000_000_000_000_000L;
    public static final long STEP = 1_000_000;

    public final List<Frame> frames = new ArrayList<>();
    public int clientPort = 40_000;
    public int serverPort = 6379;
    public int clientNext = 1000;
    public int serverNext = 5000;
    public int window = 65_535;
    public int scale = -1;
    public boolean six;
    public long now = BEGIN;

    /** Nothing said yet. */
    public Talk() {}

    /** SYN, SYN and ACK, ACK. */
    public Talk open() {
        segment(Side.CLIENT, clientNext++, 0, SYN, "");
        segment(Side.SERVER, serverNext++, clientNext, SYN | ACK, "");
        return segment(Side.CLIENT, clientNext, serverNext, ACK, "");
    }

    /** Data with the right numbers. */
    public Talk says(Side side, String text) {
        if (side == Side.CLIENT) {
            segment(side, clientNext, serverNext, ACK, text);
            clientNext += text.length();
        } else {
            segment(side, serverNext, clientNext, ACK, text);
            serverNext += text.length();
        }
        return this;
    }

    public Talk acknowledges(Side side) {
        return says(side, "");
    }

    public Talk ends(Side side) {
        segment(side, next(side), next(side.other()), FIN | ACK, "");
        skip(side, 1);
        return this;
    }

    public Talk resets(Side side) {
        return segment(side, next(side), next(side.other()), RST | ACK, "");
    }

    /** Data that the capture does not see. */
    public Talk skip(Side side, int bytes) {
        if (side == Side.CLIENT) {
            clientNext += bytes;
        } else {
            serverNext += bytes;
        }
        return this;
    }

    public int next(Side side) {
        return side == Side.CLIENT ? clientNext : serverNext;
    }

    public Talk segment(Side side, int sequence, int acknowledgement, int flags, String text) {
        boolean client = side == Side.CLIENT;
        byte[] tcp = tcp(
                client ? clientPort : serverPort,
                client ? serverPort : clientPort,
                sequence,
                acknowledgement,
                flags,
                text.getBytes(ISO_8859_1));
        frames.add(new Frame(now, six ? ipv6(client, tcp) : ipv4(client, tcp)));
        now += STEP;
        return this;
    }

    private byte[] tcp(int from, int to, int sequence, int acknowledgement, int flags, byte[] data) {
        boolean scaled = (flags & SYN) != 0 && scale >= 0;
        ByteBuffer tcp = ByteBuffer.allocate((scaled ? 24 : 20) + data.length)
                .putShort((short) from)
                .putShort((short) to)
                .putInt(sequence)
                .putInt(acknowledgement)
                .put((byte) (scaled ? 0x60 : 0x50))
                .put((byte) flags)
                .putShort((short) window)
                .putInt(0);
        if (scaled) {
            tcp.put((byte) 1).put((byte) 3).put((byte) 3).put((byte) scale);
        }
        return tcp.put(data).array();
    }

    private static byte[] ipv4(boolean fromClient, byte[] payload) {
        int client = 0x0a000001;
        int server = 0x0a000002;
        return ByteBuffer.allocate(20 + payload.length)
                .put((byte) 0x45)
                .put((byte) 0)
                .putShort((short) (20 + payload.length))
                .putInt(0x4000)
                .put((byte) 64)
                .put((byte) 6)
                .putShort((short) 0)
                .putInt(fromClient ? client : server)
                .putInt(fromClient ? server : client)
                .put(payload)
                .array();
    }

    /** With a hop-by-hop header, which many readers forget. */
    private static byte[] ipv6(boolean fromClient, byte[] payload) {
        return ByteBuffer.allocate(48 + payload.length)
                .putInt(0x60000000)
                .putShort((short) (8 + payload.length))
                .put((byte) 0)
                .put((byte) 64)
                .putLong(0xfd00000000000000L)
                .putLong(fromClient ? 1 : 2)
                .putLong(0xfd00000000000000L)
                .putLong(fromClient ? 2 : 1)
                .put((byte) 6)
                .put((byte) 0)
                .put(new byte[] {1, 4, 0, 0, 0, 0})
                .put(payload)
                .array();
    }
}
