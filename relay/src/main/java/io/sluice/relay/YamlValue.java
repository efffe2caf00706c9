// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.composer.Composer;
import org.snakeyaml.engine.v2.events.CollectionEndEvent;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.ReaderException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.parser.Parser;
import org.snakeyaml.engine.v2.parser.ParserImpl;
import org.snakeyaml.engine.v2.scanner.StreamReader;

/** A part of a YAML text that knows its line, for whoever has to complain about it. */
final class YamlValue {
    /** Reads a text in its own way. */
    interface Reader<T> {
        T read(String text) throws ConfigException;
    }

    /** A thousand routes are a tenth of it; what is larger is no configuration. */
    private static final int MAX_CHARACTERS = 4 << 20;

    /** Several times what a configuration has. */
    private static final int MAX_DEPTH = 20;

    private final String file;
    private final Node node;

    private YamlValue(String file, Node node) {
        this.file = file;
        this.node = node;
    }

    /** The whole of a text. */
    static YamlValue parse(String file, String text) throws ConfigException {
        LoadSettings settings = LoadSettings.builder()
                .setLabel(file)
                .setCodePointLimit(MAX_CHARACTERS)
                .setAllowDuplicateKeys(false)
                .build();
        try {
            requireShallow(file, parser(settings, text));
            return new YamlValue(
                    file,
                    new Composer(settings, parser(settings, text))
                            .getSingleNode()
                            .orElseThrow(() -> new ConfigException(file + ": is empty; it needs 'routes:'")));
        } catch (MarkedYamlEngineException e) {
            throw new ConfigException(place(file, e.getProblemMark().orElse(null)) + e.getProblem());
        } catch (ReaderException e) {
            long line = text.codePoints()
                            .limit(e.getPosition())
                            .filter(each -> each == '\n')
                            .count()
                    + 1;
            throw new ConfigException(
                    String.format("%s:%d: the character U+%04X has no place in a text", file, line, e.getCodePoint()));
        } catch (YamlEngineException e) {
            throw new ConfigException(file + ": " + e.getMessage());
        }
    }

    private static Parser parser(LoadSettings settings, String text) {
        return new ParserImpl(settings, new StreamReader(settings, text));
    }

    /** What stands for the text is put together by recursion, which has its end. */
    private static void requireShallow(String file, Parser events) throws ConfigException {
        int depth = 0;
        while (events.hasNext()) {
            Event event = events.next();
            if (event instanceof CollectionStartEvent && ++depth > MAX_DEPTH) {
                throw new ConfigException(place(file, event.getStartMark().orElse(null)) + "more than " + MAX_DEPTH
                        + " lists and keys within each other");
            }
            depth -= event instanceof CollectionEndEvent ? 1 : 0;
        }
    }

    private static String place(String file, @Nullable Mark mark) {
        return mark == null ? file + ": " : file + ":" + (mark.getLine() + 1) + ":" + (mark.getColumn() + 1) + ": ";
    }

    /** A complaint about this part. */
    ConfigException wrong(String complaint) {
        return new ConfigException(place(file, node.getStartMark().orElse(null)) + complaint);
    }

    // What it is.

    boolean isText() {
        return node instanceof ScalarNode;
    }

    String text() throws ConfigException {
        if (node instanceof ScalarNode scalar) {
            return scalar.getValue();
        }
        throw wrong("a single value is expected here");
    }

    /** What a reader makes of the text; its complaint gets the line. */
    <T> T read(Reader<T> reader) throws ConfigException {
        try {
            return reader.read(text());
        } catch (ConfigException e) {
            throw wrong(String.valueOf(e.getMessage()));
        }
    }

    /** What is made of all this; a complaint of whoever makes it gets the line. */
    <T> T checked(Supplier<T> made) throws ConfigException {
        try {
            return made.get();
        } catch (IllegalArgumentException e) {
            throw wrong(String.valueOf(e.getMessage()));
        }
    }

    /** The items of a list. */
    List<YamlValue> items() throws ConfigException {
        if (!(node instanceof SequenceNode sequence)) {
            throw wrong("a list is expected here: [one, two], or a line '- one' for each");
        }
        return sequence.getValue().stream()
                .map(each -> new YamlValue(file, each))
                .toList();
    }

    /** The values of a mapping, which has no keys but these. */
    Fields fields(String... known) throws ConfigException {
        if (!(node instanceof MappingNode mapping)) {
            throw wrong("keys with values are expected here: " + String.join(", ", known));
        }
        Map<String, YamlValue> values = new LinkedHashMap<>();
        for (NodeTuple each : mapping.getValue()) {
            YamlValue key = new YamlValue(file, each.getKeyNode());
            String name = key.text();
            if (!List.of(known).contains(name)) {
                throw key.wrong("'" + name + "' is not known here; there are " + String.join(", ", known));
            }
            if (values.put(name, new YamlValue(file, each.getValueNode())) != null) {
                throw key.wrong("'" + name + "' stands here twice");
            }
        }
        return new Fields(values);
    }

    /** The values of a mapping by their keys. */
    final class Fields {
        private final Map<String, YamlValue> values;

        private Fields(Map<String, YamlValue> values) {
            this.values = values;
        }

        YamlValue required(String key) throws ConfigException {
            YamlValue found = values.get(key);
            if (found == null) {
                throw wrong("'" + key + "' is missing here");
            }
            return found;
        }

        @Nullable
        YamlValue optional(String key) {
            return values.get(key);
        }

        /** The items under a key; none when it is not there. */
        List<YamlValue> items(String key) throws ConfigException {
            YamlValue found = values.get(key);
            return found == null ? new ArrayList<>() : found.items();
        }

        @Nullable
        String text(String key) throws ConfigException {
            YamlValue found = values.get(key);
            return found == null ? null : found.text();
        }

        int number(String key, int usual) throws ConfigException {
            YamlValue found = values.get(key);
            return found == null ? usual : found.read(YamlValue::whole);
        }

        boolean truth(String key, boolean usual) throws ConfigException {
            YamlValue found = values.get(key);
            return found == null ? usual : found.read(YamlValue::trueOrFalse);
        }

        Duration time(String key, Duration usual) throws ConfigException {
            YamlValue found = values.get(key);
            return found == null ? usual : found.read(Units::time);
        }
    }

    private static int whole(String text) throws ConfigException {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw new ConfigException("a whole number is expected here, and not '" + text + "'");
        }
    }

    private static boolean trueOrFalse(String text) throws ConfigException {
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new ConfigException("true or false is expected here, and not '" + text + "'");
        };
    }
}
