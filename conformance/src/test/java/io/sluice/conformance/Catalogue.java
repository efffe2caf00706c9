// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Method;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The statements about Linux, who holds a kernel to each, and the page that says so.
 *
 * @param sections headings and the ids below them, in order
 * @param rules each id's statement
 * @param exemptions why nothing holds a kernel to an id
 * @param holders the scenarios and tests that hold Linux to an id, as the page names them; they hold the user-space
 *     kernel too, unless they say that they do not
 * @param inUserSpace the scenarios that hold the user-space kernel alone, since Linux cannot be asked from a JVM
 */
record Catalogue(
        Map<String, List<String>> sections,
        Map<String, String> rules,
        Map<String, Exemption> exemptions,
        Map<String, SortedSet<String>> holders,
        Map<String, SortedSet<String>> inUserSpace) {

    private static final Pattern STATEMENT = Pattern.compile("([A-Z]\\d\\d) (.+)");
    private static final Pattern SECTION = Pattern.compile("[A-Z]\\. .+");
    private static final Pattern SCENARIO_ID = Pattern.compile("([A-Z]\\d\\d)[a-z]?");

    /** Why a statement is not held, in one of few words and a clause. */
    record Exemption(String reason, String why) {}

    static Catalogue read() throws IOException {
        Map<String, List<String>> sections = new LinkedHashMap<>();
        Map<String, String> rules = new LinkedHashMap<>();
        String section = "";
        for (String line : lines("statements.txt")) {
            Matcher statement = STATEMENT.matcher(line);
            if (SECTION.matcher(line).matches()) {
                section = line;
                sections.put(section, new ArrayList<>());
            } else if (statement.matches() && rules.put(statement.group(1), statement.group(2)) == null) {
                Objects.requireNonNull(sections.get(section), "no section above " + line)
                        .add(statement.group(1));
            } else {
                throw new IllegalStateException("neither a section nor a new statement: " + line);
            }
        }
        Map<String, SortedSet<String>> holders = new TreeMap<>();
        Map<String, SortedSet<String>> inUserSpace = new TreeMap<>();
        findScenarios(holders, inUserSpace);
        findTests(holders);
        return new Catalogue(sections, rules, readExemptions(), holders, inUserSpace);
    }

    private static Map<String, Exemption> readExemptions() throws IOException {
        Map<String, Exemption> exemptions = new TreeMap<>();
        for (String line : lines("exempt.txt")) {
            String[] parts = line.split(" \\| ", -1);
            if (parts.length != 3 || exemptions.put(parts[0], new Exemption(parts[1], parts[2])) != null) {
                throw new IllegalStateException("not 'id | reason | why', or a second time: " + line);
            }
        }
        return exemptions;
    }

    private static void findScenarios(
            Map<String, SortedSet<String>> holders, Map<String, SortedSet<String>> inUserSpace) throws IOException {
        try (Stand user = new UserStand();
                Stand linux = new LinuxStand(user.kernel())) { // asked what it cannot express, and no more
            for (ScenarioFile file : ScenarioFiles.all()) {
                for (Scenario scenario : file.scenarios()) {
                    Matcher id = SCENARIO_ID.matcher(scenario.id());
                    if (!id.matches() || Runner.obstacle(scenario, user).isPresent()) {
                        continue; // an example; and the user-space kernel can express everything
                    }
                    boolean onLinux = Runner.obstacle(scenario, linux).isEmpty();
                    add(onLinux ? holders : inUserSpace, id.group(1), scenarioName(scenario));
                }
            }
        }
    }

    private static void findTests(Map<String, SortedSet<String>> holders) throws IOException {
        for (Class<?> test : tests()) {
            for (Method method : test.getDeclaredMethods()) {
                Holds holds = method.getAnnotation(Holds.class);
                boolean onEach = method.isAnnotationPresent(OnEachKernel.class);
                for (String id : holds == null ? new String[0] : holds.value()) {
                    String name = "`" + test.getSimpleName() + "." + method.getName() + "`";
                    add(holders, id, onEach ? name : name + " (Linux alone)");
                }
            }
        }
    }

    private static String scenarioName(Scenario scenario) {
        String name = "`" + scenario.id() + "`";
        return scenario.needs().isEmpty()
                ? name
                : name + " (if "
                        + String.join(
                                ", ",
                                scenario.needs().stream().map(Need::toString).toList()) + ")";
    }

    private static void add(Map<String, SortedSet<String>> holders, String id, String name) {
        holders.computeIfAbsent(id, none -> new TreeSet<>()).add(name);
    }

    /** Every class of this package's tests, found where they were compiled to. */
    private static List<Class<?>> tests() throws IOException {
        List<Class<?>> tests = new ArrayList<>();
        try (Stream<Path> files = Files.list(classDirectory())) {
            for (Path file : files.sorted().toList()) {
                String name = String.valueOf(file.getFileName());
                if (name.endsWith("Test.class")) {
                    tests.add(Class.forName(
                            Catalogue.class.getPackageName() + "." + name.substring(0, name.length() - 6)));
                }
            }
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException("a compiled test cannot be loaded", e);
        }
        return tests;
    }

    private static Path classDirectory() {
        try {
            Path self = Path.of(Objects.requireNonNull(Catalogue.class.getResource("Catalogue.class"))
                    .toURI());
            return Objects.requireNonNull(self.getParent());
        } catch (URISyntaxException e) {
            throw new IllegalStateException("the tests are not in a directory", e);
        }
    }

    private static List<String> lines(String resource) throws IOException {
        return text(resource)
                .lines()
                .filter(line -> !line.isBlank() && !line.startsWith("#"))
                .toList();
    }

    private static String text(String resource) throws IOException {
        try (InputStream in = Objects.requireNonNull(Catalogue.class.getResourceAsStream("/catalogue/" + resource))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** The page {@code docs/semantics.md}. */
    String page() throws IOException {
        StringBuilder page = new StringBuilder(text("preface.md"));
        sections.forEach((section, ids) -> {
            page.append("\n### ").append(section).append("\n\n| Id | Statement | Held by |\n|---|---|---|\n");
            for (String id : ids) {
                page.append("| ").append(id).append(" | ").append(rules.get(id));
                page.append(" | ").append(heldBy(id)).append(" |\n");
            }
        });
        return page.toString();
    }

    private String heldBy(String id) {
        Exemption exemption = exemptions.get(id);
        SortedSet<String> alone = inUserSpace.getOrDefault(id, Collections.emptySortedSet());
        String onLinux = exemption != null
                ? "on Linux nothing: *" + exemption.reason() + "*, " + exemption.why()
                : String.join(", ", holders.getOrDefault(id, Collections.emptySortedSet()));
        return alone.isEmpty() ? onLinux : onLinux + "; in user space alone: " + String.join(", ", alone);
    }
}
