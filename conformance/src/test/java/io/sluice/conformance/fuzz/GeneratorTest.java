// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;
import java.util.random.RandomGenerator;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * What random programs contain, read off their text.
 *
 * <p>The kernels once differed in a program that read a pipe into the memory which the pipe referred to, by way of an
 * end open both ways: Linux copied upward, byte by byte, as that processor does.
 */
class GeneratorTest {
    private static final long SEED =
            Long.getLong("fuzz.seed", ThreadLocalRandom.current().nextLong(1L << 48));
    private static final int PROGRAMS = 2000;

    @Test
    void noProgramCopiesWhatAPipeMayReferToOntoItself() {
        for (long seed = SEED; seed < SEED + PROGRAMS; seed++) {
            Reader reader = new Reader(program(seed));
            int before;
            do { // a call that sleeps takes effect after later ones, so each may follow upon each
                before = reader.size();
                reader.lines.forEach(reader::follow);
            } while (reader.size() > before);
            for (String line : reader.lines) {
                assertThat(reader.filledFromItself(line))
                        .as("%s, of the program made from %d", line, seed)
                        .isEmpty();
            }
        }
    }

    @Test
    void memoryIsFilledFromOnePipeWhileAnotherRefersToIt() {
        int found = 0;
        for (long seed = SEED; seed < SEED + PROGRAMS; seed++) {
            Reader reader = new Reader(program(seed));
            for (String line : reader.lines) {
                reader.follow(line);
                Set<String> elsewhere =
                        reader.held.values().stream().flatMap(Set::stream).collect(Collectors.toSet());
                elsewhere.retainAll(reader.filled(line));
                found += elsewhere.size();
            }
        }
        assertThat(found).isPositive();
    }

    private static List<String> program(long seed) {
        RandomGenerator random = new SplittableRandom(seed);
        Generator generator = new Generator(random, random.nextBoolean());
        List<String> lines = new ArrayList<>(generator.setting());
        for (int left = generator.calls(); left > 0; left--) {
            lines.add(generator.call());
        }
        return lines;
    }

    /** Follows memories through the lines of a program. */
    private static final class Reader {
        private static final Pattern MEMORY = Pattern.compile("[MN](?=\\+)");

        private final List<String> lines;
        private final Map<String, String> objects = new HashMap<>(); // by the name of an end
        private final Set<String> open = new HashSet<>(); // for writing
        private final Map<String, Set<String>> held = new HashMap<>(); // by object

        Reader(List<String> lines) {
            this.lines = lines;
        }

        int size() {
            return held.values().stream().mapToInt(Set::size).sum();
        }

        void follow(String line) {
            String[] words = line.split(" ", -1);
            switch (words[0]) {
                case "pipe", "unix" -> {
                    for (String end : List.of(".r", ".w", ".a", ".b")) {
                        objects.put(words[1] + end, words[1]);
                    }
                    open.add(words[1] + ".w");
                }
                case "dup" -> made(words[1], words[3], open.contains(words[1]));
                case "reopen" -> made(words[1], words[3], words[4].contains("w"));
                case "splice", "tee" -> {
                    String from = words[1].replaceFirst("@.*", "");
                    String to = words[2].replaceFirst("@.*", "");
                    if (objects.containsKey(from) && objects.containsKey(to)) {
                        in(to).addAll(in(from));
                    }
                }
                case "vmsplice" -> {
                    if (open.contains(words[1])) {
                        in(words[1]).addAll(memories(line));
                    }
                }
                default -> {}
            }
        }

        private void made(String old, String name, boolean writable) {
            objects.put(name, object(old));
            if (writable) {
                open.add(name);
            }
        }

        private String object(String end) {
            return objects.getOrDefault(end, end);
        }

        private Set<String> in(String end) {
            return held.computeIfAbsent(object(end), object -> new HashSet<>());
        }

        /** The memories that a line copies into. */
        Set<String> filled(String line) {
            boolean out = line.startsWith("vmsplice ") && !open.contains(line.split(" ", -1)[1]);
            return out ? memories(line) : new HashSet<>();
        }

        /** Those of them that what is read from may refer to. */
        Set<String> filledFromItself(String line) {
            Set<String> filled = filled(line);
            filled.removeIf(memory -> !in(line.split(" ", -1)[1]).contains(memory));
            return filled;
        }

        private static Set<String> memories(String line) {
            return MEMORY.matcher(line)
                    .results()
                    .map(MatchResult::group)
                    .collect(Collectors.toCollection(HashSet::new));
        }
    }
}
