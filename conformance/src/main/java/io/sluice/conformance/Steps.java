// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import io.sluice.conformance.Step.Operation;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads the lines of scenarios by the table of verbs. */
public final class Steps {
    /** Reads what stands after a verb. */
    @FunctionalInterface
    interface Verb {
        Operation read(Words words);
    }

    private static final Map<String, Verb> VERBS = new HashMap<>();

    static {
        VERBS.putAll(PipeVerbs.TABLE);
        VERBS.putAll(FileVerbs.TABLE);
        VERBS.putAll(SpliceVerbs.TABLE);
        VERBS.putAll(MemoryVerbs.TABLE);
        VERBS.putAll(SocketVerbs.TABLE);
        VERBS.putAll(ThreadVerbs.TABLE);
    }

    private Steps() {}

    /**
     * One line as a step.
     *
     * @throws SyntaxException with {@code where} and what cannot be read
     */
    public static Step parse(String where, String text) {
        int arrow = outsideQuotes(text, " -> ");
        String left = arrow < 0 ? text : text.substring(0, arrow);
        if (left.endsWith("->")) {
            throw new SyntaxException(where, "nothing is expected after '->'");
        }
        Words words = new Words(where, left);
        String verb = words.peek();
        Operation operation = operation(words);
        @Nullable Expected expected = arrow < 0 ? null : Expected.read(new Words(where, text.substring(arrow + 4)));
        if (expected != null && verb.equals("start")) {
            throw new SyntaxException(where, "what a thread's call answers is expected by 'done', not by 'start'");
        }
        return new Step(where, text, verb, operation, expected);
    }

    /** The rest of the line as an operation. */
    static Operation operation(Words words) {
        String word = words.word("a step");
        Verb verb = VERBS.get(word);
        if (verb == null) {
            throw words.error("'" + word + "' is not a step");
        }
        Operation operation = verb.read(words);
        words.end();
        return operation;
    }

    /** A comment begins at a {@code #} outside quotes with white space or nothing before it. */
    public static String withoutComment(String line) {
        int comment = outsideQuotes(" " + line, " #");
        return (comment < 0 ? line : line.substring(0, comment)).strip();
    }

    private static int outsideQuotes(String line, String wanted) {
        boolean quoted = false;
        for (int i = 0; i < line.length(); i++) {
            quoted ^= line.charAt(i) == '"';
            if (!quoted && line.startsWith(wanted, i)) {
                return i;
            }
        }
        return -1;
    }
}
