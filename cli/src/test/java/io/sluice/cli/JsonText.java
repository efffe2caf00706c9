// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads JSON strictly: what it accepts, every parser accepts. Numbers become doubles. */
final class JsonText {
    private final String text;
    private int at;

    private JsonText(String text) {
        this.text = text;
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> object(String text) {
        return (Map<String, Object>) value(text);
    }

    static Object value(String text) {
        JsonText reader = new JsonText(text);
        Object value = reader.value();
        reader.skipSpace();
        if (reader.at != text.length()) {
            throw reader.wrong("the end");
        }
        return value;
    }

    private Object value() {
        skipSpace();
        if (take("null")) {
            return null;
        }
        if (take("true")) {
            return true;
        }
        if (take("false")) {
            return false;
        }
        if (take("{")) {
            return members();
        }
        if (take("[")) {
            return elements();
        }
        if (text.startsWith("\"", at)) {
            return string();
        }
        int start = at;
        while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        String number = text.substring(start, at);
        if (!number.matches("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?")) {
            throw wrong("a value");
        }
        return Double.parseDouble(number);
    }

    private Map<String, Object> members() {
        Map<String, Object> members = new LinkedHashMap<>();
        skipSpace();
        if (take("}")) {
            return members;
        }
        do {
            skipSpace();
            String name = string();
            skipSpace();
            expect(":");
            members.put(name, value());
            skipSpace();
        } while (take(","));
        expect("}");
        return members;
    }

    private List<Object> elements() {
        List<Object> elements = new ArrayList<>();
        skipSpace();
        if (take("]")) {
            return elements;
        }
        do {
            elements.add(value());
            skipSpace();
        } while (take(","));
        expect("]");
        return elements;
    }

    private String string() {
        expect("\"");
        StringBuilder string = new StringBuilder();
        while (!take("\"")) {
            char c = text.charAt(at++);
            if (c < ' ') {
                throw wrong("an escape");
            }
            if (c != '\\') {
                string.append(c);
                continue;
            }
            char escaped = text.charAt(at++);
            switch (escaped) {
                case '"', '\\', '/' -> string.append(escaped);
                case 'n' -> string.append('\n');
                case 't' -> string.append('\t');
                case 'u' -> {
                    string.append((char) Integer.parseInt(text.substring(at, at + 4), 16));
                    at += 4;
                }
                default -> throw wrong("an escape");
            }
        }
        return string.toString();
    }

    private void skipSpace() {
        while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
            at++;
        }
    }

    private boolean take(String word) {
        boolean there = text.startsWith(word, at);
        at += there ? word.length() : 0;
        return there;
    }

    private void expect(String word) {
        if (!take(word)) {
            throw wrong(word);
        }
    }

    private IllegalArgumentException wrong(String wanted) {
        return new IllegalArgumentException("no JSON: " + wanted + " expected at " + at + " of: " + text);
    }
}
