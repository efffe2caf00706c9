// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is read before the first splice: whoever sends it may be anybody. */
class FirstBytesTest {
    private static final int ROUNDS = 20_000;

    private static final SocketAddress FOUR = address("192.0.2.7", 4711);
    private static final SocketAddress SIX = address("2001:db8::7", 4711);
    private static final SocketAddress HERE = address("192.0.2.1", 443);

    private static SocketAddress address(String host, int port) {
        try {
            return new InetSocketAddress(InetAddress.getByName(host), port);
        } catch (java.net.UnknownHostException e) {
            throw new AssertionError(e);
        }
    }

    private static ProxyHeader.Found header(String text) {
        return header(text.getBytes(ISO_8859_1));
    }

    private static ProxyHeader.Found header(byte[] bytes) {
        return ProxyHeader.parse(bytes, bytes.length);
    }

    // The PROXY header.

    @Test
    void whatIsWrittenIsReadAgain() {
        for (ProxyProtocol version : List.of(ProxyProtocol.V1, ProxyProtocol.V2)) {
            for (SocketAddress source : List.of(FOUR, SIX)) {
                byte[] bytes = ProxyHeader.encode(version, source, HERE);
                assertThat(header(bytes)).isEqualTo(new ProxyHeader.Header(bytes.length, source));
            }
        }
    }

    /** The first line of the specification's own example. */
    @Test
    void aLineSaysBothAddresses() {
        assertThat(new String(ProxyHeader.encode(ProxyProtocol.V1, FOUR, HERE), ISO_8859_1))
                .isEqualTo("PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n");
    }

    @Test
    void everyBeginningOfAHeaderAsksForMore() {
        for (ProxyProtocol version : List.of(ProxyProtocol.V1, ProxyProtocol.V2)) {
            byte[] bytes = ProxyHeader.encode(version, SIX, HERE);
            for (int length = 0; length < bytes.length; length++) {
                assertThat(ProxyHeader.parse(bytes, length)).isEqualTo(new ProxyHeader.More());
            }
        }
    }

    @Test
    void aProxyThatSpeaksForItselfNamesNobody() {
        assertThat(header("PROXY UNKNOWN and whatever it likes\r\nrest"))
                .isEqualTo(new ProxyHeader.Header("PROXY UNKNOWN and whatever it likes\r\n".length(), null));
        byte[] local = ByteBuffer.allocate(16)
                .put(HexFormat.of().parseHex("0d0a0d0a000d0a515549540a2000"))
                .putShort((short) 0)
                .array();
        assertThat(header(local)).isEqualTo(new ProxyHeader.Header(16, null));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET / HTTP/1.1\r\n",
                "PROXY TCP4 192.0.2.7 192.0.2.1 4711\r\n",
                "PROXY TCP4 192.0.2.7 192.0.2.1 4711 65536\r\n",
                "PROXY TCP4 192.0.2.7 192.0.2.1 04711 443\r\n",
                "PROXY TCP4 192.0.2.700 192.0.2.1 4711 443\r\n",
                "PROXY TCP4 example.com 192.0.2.1 4711 443\r\n",
                "PROXY TCP4  192.0.2.7 192.0.2.1 4711 443\r\n",
                "PROXY TCP6 192.0.2.7 192.0.2.1 4711 443\r\n",
                "PROXY UDP4 192.0.2.7 192.0.2.1 4711 443\r\n",
                "PROXY \r\n",
            })
    void whatBreaksTheRulesIsSaidToBeInvalid(String text) {
        assertThat(header(text)).isInstanceOf(ProxyHeader.Invalid.class);
    }

    @Test
    void aLineWithoutEndIsNotWaitedFor() {
        assertThat(header("PROXY UNKNOWN " + "x".repeat(ProxyHeader.MAX_V1_BYTES)))
                .isInstanceOf(ProxyHeader.Invalid.class);
    }

    @Test
    void aLongHeaderIsRefusedBeforeItIsThere() {
        byte[] announced = ByteBuffer.allocate(16)
                .put(HexFormat.of().parseHex("0d0a0d0a000d0a515549540a2111"))
                .putShort((short) 0xFFFF)
                .array();
        assertThat(header(announced)).isInstanceOf(ProxyHeader.Invalid.class);
    }

    @Test
    void aChecksumIsChecked() {
        byte[] plain = ProxyHeader.encode(ProxyProtocol.V2, FOUR, HERE);
        byte[] summed = Arrays.copyOf(plain, plain.length + 7);
        summed[15] = (byte) (summed[15] + 7);
        summed[plain.length] = 3;
        summed[plain.length + 2] = 4;
        CRC32C sum = new CRC32C();
        sum.update(summed);
        ByteBuffer.wrap(summed).putInt(plain.length + 3, (int) sum.getValue());
        assertThat(header(summed)).isEqualTo(new ProxyHeader.Header(summed.length, FOUR));
        summed[plain.length + 3]++;
        assertThat(header(summed)).isInstanceOf(ProxyHeader.Invalid.class);
    }

    // The ClientHello.

    @Test
    void aHelloInManyRecordsIsPutTogether() {
        byte[] whole = Hellos.of("db.example.com");
        for (int piece = 1; piece < 60; piece++) {
            byte[] split = Hellos.inRecordsOf(piece, "db.example.com");
            assertThat(ClientHello.parse(split, 0, split.length)).isEqualTo(new ClientHello.Hello("db.example.com"));
        }
        assertThat(ClientHello.parse(whole, 0, whole.length)).isEqualTo(new ClientHello.Hello("db.example.com"));
    }

    @Test
    void everyBeginningOfAHelloAsksForMore() {
        byte[] bytes = Hellos.of("db.example.com");
        for (int length = 0; length < bytes.length; length++) {
            assertThat(ClientHello.parse(bytes, 0, length)).isEqualTo(new ClientHello.More());
        }
    }

    @Test
    void whatIsNoTlsIsKnownByItsFirstByte() {
        assertThat(ClientHello.parse(new byte[] {'G'}, 0, 1)).isEqualTo(new ClientHello.Other());
    }

    @Test
    void aNameThatWouldSpoilALogIsNone() {
        byte[] bytes = Hellos.of("a\nb");
        assertThat(ClientHello.parse(bytes, 0, bytes.length)).isEqualTo(new ClientHello.Other());
    }

    // Anything.

    /** Whatever comes, an answer comes, and no header is longer than what there is. */
    @Test
    void noBytesMakeAParserFail() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<byte[]> good = List.of(
                ProxyHeader.encode(ProxyProtocol.V1, FOUR, HERE),
                ProxyHeader.encode(ProxyProtocol.V2, SIX, HERE),
                Hellos.of("db.example.com"),
                Hellos.inRecordsOf(9, "db.example.com"));
        for (int round = 0; round < ROUNDS; round++) {
            byte[] bytes = spoilt(good.get(random.nextInt(good.size())), random);
            try {
                if (header(bytes) instanceof ProxyHeader.Header found) {
                    assertThat(found.bytes()).isBetween(1, bytes.length);
                }
                assertThat(ClientHello.parse(bytes, 0, bytes.length)).isNotNull();
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed + ": " + HexFormat.of().formatHex(bytes), e);
            }
        }
    }

    private static byte[] spoilt(byte[] good, Random random) {
        byte[] bytes = Arrays.copyOf(good, random.nextInt(good.length * 2) + 1);
        for (int i = random.nextInt(6); i > 0; i--) {
            bytes[random.nextInt(bytes.length)] = (byte) (random.nextBoolean() ? random.nextInt() : 0xFF);
        }
        return bytes;
    }
}
