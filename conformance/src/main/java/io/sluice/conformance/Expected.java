// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * What stands after {@code ->}.
 *
 * @param text as it was written
 * @param value the result or negated errno; null: any
 * @param data the bytes; null: not looked at
 * @param in the input offset variable; null: not looked at
 * @param out the output offset variable; null: not looked at
 */
public record Expected(
        String text,
        @Nullable Long value,
        @Nullable Data data,
        @Nullable Long in,
        @Nullable Long out) {

    /** Whether that is what was expected. */
    public boolean holds(Answer answer) {
        return (value == null || value == answer.value())
                && (data == null || data.equals(answer.data()))
                && (in == null || in.equals(answer.in()))
                && (out == null || out.equals(answer.out()));
    }

    /** Reads {@code result [data] [in=N] [out=N]}; for peek, data alone. */
    static Expected read(Words words) {
        String text = words.remaining();
        Long value = null;
        Data data = null;
        Long in = null;
        Long out = null;
        boolean first = true;
        while (words.more()) {
            String word = words.peek();
            OptionalInt events = first ? Events.mask(word) : OptionalInt.empty();
            if (first && word.equals("*")) {
                words.word("a result");
            } else if (first && word.startsWith("!")) {
                value = -(long) words.errno();
            } else if (events.isPresent()) {
                words.word("events");
                value = (long) events.getAsInt();
            } else if (first && Words.isNumber(word)) {
                value = words.number("a result");
            } else if (word.startsWith("in=")) {
                in = words.numberAfter("in=");
            } else if (word.startsWith("out=")) {
                out = words.numberAfter("out=");
            } else if (data == null) {
                data = words.data();
            } else {
                throw words.error("'" + word + "' is one word too many after the data");
            }
            first = false;
        }
        if (first) {
            throw words.error("nothing is expected after '->'");
        }
        return new Expected(text, value, data, in, out);
    }

    @Override
    public String toString() {
        return text;
    }
}
