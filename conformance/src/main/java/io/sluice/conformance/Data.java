// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Bytes, immutable. The language writes them as {@code "text"}, {@code X*n}, {@code zero(n)},
 * {@code pat(seed,from,len)}, joined by {@code +}.
 */
public final class Data {
    /** No scenario needs more, and a slip of the pen should not ask for all memory. */
    private static final int MAX_BYTES = 64 << 20;

    private static final Pattern TERM = Pattern.compile("\"(?<text>[^\"]*)\""
            + "|(?<letter>[^\"+\\s])\\*(?<times>\\d+)"
            + "|zero\\((?<zeros>\\d+)\\)"
            + "|pat\\(\\s*(?<seed>\\d+)\\s*,\\s*(?<from>\\d+)\\s*,\\s*(?<length>\\d+)\\s*\\)"
            + "|(?<empty>empty)");

    /** How much of a long piece a message shows. */
    private static final int SHOWN = 48;

    private final byte[] bytes;

    private Data(byte[] bytes) {
        this.bytes = bytes;
    }

    /** What stands in a piece of memory now. */
    static Data in(MemorySegment memory) {
        return new Data(memory.toArray(ValueLayout.JAVA_BYTE));
    }

    int length() {
        return bytes.length;
    }

    void store(MemorySegment memory, long offset) {
        MemorySegment.copy(MemorySegment.ofArray(bytes), 0, memory, offset, bytes.length);
    }

    /**
     * The bytes that an expression stands for.
     *
     * @throws IllegalArgumentException with the part that cannot be read
     */
    static Data parse(String expression) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        Matcher term = TERM.matcher(expression);
        int at = 0;
        while (true) {
            if (!term.find(at) || term.start() != at) {
                throw new IllegalArgumentException("'" + expression.substring(at) + "' is not data");
            }
            bytes.writeBytes(bytes(term));
            if (bytes.size() > MAX_BYTES) {
                throw new IllegalArgumentException("the data is more than " + MAX_BYTES + " bytes");
            }
            at = term.end();
            if (at == expression.length()) {
                return new Data(bytes.toByteArray());
            }
            if (expression.charAt(at) != '+') {
                throw new IllegalArgumentException("'+' is missing before '" + expression.substring(at) + "'");
            }
            at++;
        }
    }

    private static byte[] bytes(Matcher term) {
        if (term.group("text") != null) {
            return term.group("text").getBytes(StandardCharsets.UTF_8);
        } else if (term.group("letter") != null) {
            byte[] bytes = new byte[count(term.group("times"))];
            Arrays.fill(bytes, (byte) term.group("letter").charAt(0));
            return bytes;
        } else if (term.group("zeros") != null) {
            return new byte[count(term.group("zeros"))];
        } else if (term.group("seed") != null) {
            return pattern(count(term.group("seed")), start(term.group("from")), count(term.group("length")));
        }
        return new byte[0];
    }

    /** The page number takes part, so that equal offsets in different pages differ. */
    private static byte[] pattern(int seed, long from, int length) {
        byte[] bytes = new byte[length];
        for (int k = 0; k < length; k++) {
            long i = from + k;
            bytes[k] = (byte) (7 * i + seed + 13 * (i / 4096));
        }
        return bytes;
    }

    private static long start(String digits) {
        if (digits.length() > 18) {
            throw new IllegalArgumentException("no file has a byte " + digits);
        }
        return Long.parseLong(digits);
    }

    private static int count(String digits) {
        if (digits.length() > 9 || Integer.parseInt(digits) > MAX_BYTES) {
            throw new IllegalArgumentException(digits + " bytes are more than " + MAX_BYTES);
        }
        return Integer.parseInt(digits);
    }

    /** Short and readable: equal bytes as {@code a*4096}, text in quotes, anything else in hex. */
    @Override
    public String toString() {
        if (bytes.length == 0) {
            return "empty";
        }
        StringBuilder text = new StringBuilder();
        int runs = 0;
        for (int from = 0; from < bytes.length; runs++) {
            if (runs == SHOWN) {
                return text + "… (" + bytes.length + " bytes)";
            }
            int to = from + 1;
            while (to < bytes.length && bytes[to] == bytes[from]) {
                to++;
            }
            text.append(text.isEmpty() ? "" : "+").append(run(bytes[from], to - from));
            from = to;
        }
        return text.toString().replace("\"+\"", "");
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Data data && Arrays.equals(bytes, data.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    private static String run(byte value, int times) {
        boolean letter = value > ' ' && value < 127 && value != '"' && value != '+';
        if (letter && times < 4) {
            return '"' + String.valueOf((char) value).repeat(times) + '"';
        } else if (letter) {
            return (char) value + "*" + times;
        }
        return value == 0 ? "zero(" + times + ")" : "0x%02x*%d".formatted(value, times);
    }
}
