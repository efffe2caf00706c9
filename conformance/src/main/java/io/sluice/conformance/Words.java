// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Flags;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The words of one line, taken from left to right. Each method takes what it is named after, or throws with file, line
 * and what was wanted.
 */
final class Words {
    private static final Pattern NUMBER = Pattern.compile("-?\\d{1,20}|0x[0-9a-fA-F]{1,16}");
    private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_.]*");

    private static final Map<String, Integer> MODES = Map.of(
            "r", Flags.O_RDONLY,
            "w", Flags.O_WRONLY,
            "rw", Flags.O_RDWR,
            "wa", Flags.O_WRONLY | Flags.O_APPEND,
            "rwa", Flags.O_RDWR | Flags.O_APPEND);

    private static final Map<String, Integer> SPLICE_FLAGS = Map.of(
            "MOVE", Flags.SPLICE_F_MOVE,
            "NONBLOCK", Flags.SPLICE_F_NONBLOCK,
            "MORE", Flags.SPLICE_F_MORE,
            "GIFT", Flags.SPLICE_F_GIFT);

    private final String where;
    private final List<String> words;
    private int next;

    Words(String where, String text) {
        this.where = where;
        this.words = split(text);
    }

    /** Cuts at white space outside quotes and brackets; a {@code +} that stands alone joins its neighbours. */
    private List<String> split(String text) {
        List<String> result = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        boolean quoted = false;
        int brackets = 0;
        for (char c : (text + " ").toCharArray()) {
            quoted ^= c == '"';
            brackets += quoted ? 0 : c == '(' ? 1 : c == ')' ? -1 : 0;
            if (quoted || brackets > 0 || !Character.isWhitespace(c)) {
                word.append(c);
            } else if (!word.isEmpty()) {
                add(result, word.toString());
                word.setLength(0);
            }
        }
        if (!word.isEmpty()) {
            throw error((quoted ? "a quote" : "a bracket") + " is not closed in '"
                    + word.toString().strip() + "'");
        }
        return result;
    }

    private static void add(List<String> words, String word) {
        if (!words.isEmpty() && (word.startsWith("+") || words.getLast().endsWith("+"))) {
            words.set(words.size() - 1, words.getLast() + word);
        } else {
            words.add(word);
        }
    }

    SyntaxException error(String message) {
        return new SyntaxException(where, message);
    }

    boolean more() {
        return next < words.size();
    }

    String peek() {
        return words.get(next);
    }

    String remaining() {
        return String.join(" ", words.subList(next, words.size()));
    }

    void end() {
        if (more()) {
            throw error("'" + remaining() + "' is more than this step takes");
        }
    }

    String word(String what) {
        if (!more()) {
            throw error(what + " is missing");
        }
        return words.get(next++);
    }

    /** The next word if it is this one. */
    boolean taken(String word) {
        boolean matches = more() && peek().equals(word);
        next += matches ? 1 : 0;
        return matches;
    }

    void literal(String word) {
        if (!taken(word)) {
            throw error("'" + word + "' is missing" + (more() ? " before '" + peek() + "'" : " at the end"));
        }
    }

    String name() {
        return name(word("a name"));
    }

    String name(String word) {
        if (!NAME.matcher(word).matches()) {
            throw error("'" + word + "' is not a name");
        }
        return word;
    }

    static boolean isNumber(String word) {
        return NUMBER.matcher(word).matches();
    }

    long number(String what) {
        return parse(word(what), what);
    }

    long numberAfter(String prefix) {
        return parse(word(prefix).substring(prefix.length()), "the number after " + prefix);
    }

    /** How many bytes a buffer has. */
    int count(String what) {
        long number = number(what);
        if (number < 0 || number > Integer.MAX_VALUE) {
            throw error(what + " is " + (number < 0 ? "negative: " : "too large: ") + number);
        }
        return (int) number;
    }

    /** Signed, or unsigned up to 2^64-1: lengths above SSIZE_MAX are part of the language. */
    long parse(String word, String what) {
        if (!isNumber(word)) {
            throw error("'" + word + "' is not " + what);
        }
        try {
            return word.startsWith("0x")
                    ? Long.parseUnsignedLong(word.substring(2), 16)
                    : word.startsWith("-") ? Long.parseLong(word) : Long.parseUnsignedLong(word);
        } catch (NumberFormatException tooLarge) {
            throw error(what + " does not fit in 64 bits: " + word);
        }
    }

    Data data() {
        String expression = word("data");
        try {
            return Data.parse(expression);
        } catch (IllegalArgumentException e) {
            throw error(String.valueOf(e.getMessage()));
        }
    }

    int errno() {
        String word = word("an error");
        return Errno.code(word.substring(1)).orElseThrow(() -> error("'" + word + "' is not an error that Linux has"));
    }

    boolean on() {
        String word = word("on or off");
        return switch (word) {
            case "on" -> true;
            case "off" -> false;
            default -> throw error("'" + word + "' is neither on nor off");
        };
    }

    int mode() {
        String word = word("a mode");
        Integer mode = MODES.get(word);
        if (mode == null) {
            throw error("'" + word + "' is not a mode: r, w, rw, wa, rwa");
        }
        return mode;
    }

    /** The rest of the line: names or hexadecimal bits, joined by spaces or by {@code |}. */
    int spliceFlags() {
        int flags = 0;
        while (more()) {
            for (String word : word("a flag").split("\\|", -1)) {
                Integer flag = SPLICE_FLAGS.get(word);
                if (flag == null && !word.startsWith("0x")) {
                    throw error("'" + word + "' is not a flag: MOVE, NONBLOCK, MORE, GIFT or hex");
                }
                flags |= flag != null ? flag : (int) parse(word, "a flag");
            }
        }
        return flags;
    }
}
