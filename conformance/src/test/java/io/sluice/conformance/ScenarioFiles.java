// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/** The project's own scenarios. */
final class ScenarioFiles {
    private ScenarioFiles() {}

    /** Those that hold on every kernel, by name. */
    static List<ScenarioFile> all() throws IOException {
        return in(directory());
    }

    /** Those that hold where the manual pages are followed instead of Linux. */
    static List<ScenarioFile> ofManualPages() throws IOException {
        return in(directory().resolve("man-pages"));
    }

    private static List<ScenarioFile> in(Path directory) throws IOException {
        List<ScenarioFile> files = new ArrayList<>();
        try (Stream<Path> paths = Files.list(directory)) {
            for (Path path :
                    paths.filter(p -> p.toString().endsWith(".md")).sorted().toList()) {
                files.add(ScenarioFile.parse(path));
            }
        }
        return files;
    }

    private static Path directory() {
        URL url = Objects.requireNonNull(ScenarioFiles.class.getResource("/scenarios/EX.md"), "no scenarios");
        try {
            return Objects.requireNonNull(Path.of(url.toURI()).getParent());
        } catch (URISyntaxException e) {
            throw new IllegalStateException("scenarios are not in a directory: " + url, e);
        }
    }
}
