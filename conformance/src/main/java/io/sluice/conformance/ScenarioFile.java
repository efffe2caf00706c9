// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A Markdown file with scenarios: each fenced block marked as such under a {@code ###} heading is one. Other text is
 * for people, except a line {@code needs: …} between heading and block.
 *
 * @param name the file's name, for messages
 * @param scenarios in the order of the file
 */
public record ScenarioFile(String name, List<Scenario> scenarios) {
    /** Far more than anybody writes; a device that never ends is no scenario file. */
    private static final int MOST_BYTES = 16 << 20;

    /** Copies the list. */
    public ScenarioFile {
        scenarios = List.copyOf(scenarios);
    }

    /**
     * Reads a file.
     *
     * @throws IOException if it cannot be read
     * @throws SyntaxException if it is not in the language
     */
    public static ScenarioFile parse(Path file) throws IOException {
        try (InputStream bytes = Files.newInputStream(file)) {
            byte[] text = bytes.readNBytes(MOST_BYTES + 1);
            if (text.length > MOST_BYTES) {
                throw new FileSystemException(file.toString(), null, "larger than " + MOST_BYTES + " bytes");
            }
            return parse(
                    String.valueOf(file.getFileName()),
                    UTF_8.newDecoder().decode(ByteBuffer.wrap(text)).toString());
        } catch (CharacterCodingException e) {
            throw new FileSystemException(file.toString(), null, "not text in UTF-8");
        }
    }

    /**
     * Reads a text.
     *
     * @throws SyntaxException if it is not in the language
     */
    public static ScenarioFile parse(String name, String text) {
        return new ScenarioFile(name, new Parser(name).parse(text));
    }

    /** Walks through the lines once. */
    private static final class Parser {
        private static final Pattern HEADING = Pattern.compile("(#{1,6})\\s+(.*)");
        private static final Pattern FENCE = Pattern.compile("\\s*(`{3,})\\s*(\\S*).*");
        private static final Pattern NEEDS = Pattern.compile("needs:\\s*(.*)");

        private final String name;
        private final List<Scenario> scenarios = new ArrayList<>();
        private @Nullable String heading;
        private List<Need> needs = List.of();
        private int line;

        Parser(String name) {
            this.name = name;
        }

        List<Scenario> parse(String text) {
            String[] lines = text.split("\\R", -1);
            while (line < lines.length) {
                String current = lines[line++].stripTrailing();
                Matcher fence = FENCE.matcher(current);
                Matcher title = HEADING.matcher(current);
                Matcher wanted = NEEDS.matcher(current);
                if (fence.matches()) {
                    block(lines, fence.group(1), fence.group(2).equals("scenario"));
                } else if (title.matches()) {
                    heading = title.group(1).length() == 3 ? withoutClosing(title.group(2)) : null;
                    needs = List.of();
                } else if (wanted.matches() && heading != null) {
                    needs = needs(wanted.group(1));
                }
            }
            return scenarios;
        }

        /** A heading may end with as many {@code #} as its author likes. */
        private static String withoutClosing(String heading) {
            int end = heading.length();
            while (end > 0 && heading.charAt(end - 1) == '#') {
                end--;
            }
            return heading.substring(0, end).stripTrailing();
        }

        private void block(String[] lines, String fence, boolean isScenario) {
            int first = line;
            while (line < lines.length && !lines[line].strip().equals(fence)) {
                line++;
            }
            if (line == lines.length) {
                throw new SyntaxException(name + ":" + first, "this block is not closed");
            }
            if (isScenario) {
                scenarios.add(scenario(lines, first, line));
            }
            line++;
        }

        private Scenario scenario(String[] lines, int from, int to) {
            if (heading == null || heading.isBlank()) {
                throw new SyntaxException(name + ":" + from, "this scenario has no ### heading above it");
            }
            List<Step> steps = new ArrayList<>();
            for (int i = from; i < to; i++) {
                String text = Steps.withoutComment(lines[i]);
                if (!text.isEmpty()) {
                    steps.add(Steps.parse(name + ":" + (i + 1), text));
                }
            }
            if (steps.isEmpty()) {
                throw new SyntaxException(name + ":" + from, "this scenario has no step");
            }
            String[] words = heading.split("\\s+", 2);
            return new Scenario(words[0], words.length == 2 ? words[1] : "", name + ":" + (from + 1), needs, steps);
        }

        private List<Need> needs(String words) {
            List<Need> found = new ArrayList<>();
            for (String word : words.split("[,\\s]+", -1)) {
                Optional<Need> need = Need.of(word);
                found.add(need.orElseThrow(
                        () -> new SyntaxException(name + ":" + line, "nobody knows the need '" + word + "'")));
            }
            return found;
        }
    }
}
