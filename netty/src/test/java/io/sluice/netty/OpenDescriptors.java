// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** What is open in this process: number to target. */
record OpenDescriptors(Map<Integer, String> targets) {
    /** Opened by class loading and the random numbers of the JDK, and by Netty's first native library, at any time. */
    private static final Pattern OF_OTHERS =
            Pattern.compile(".*\\.(jar|class|jmod|jsa|zip|so)|.*/lib/modules|/dev/u?random|/proc/\\d+/fd");

    static OpenDescriptors now() {
        Map<Integer, String> open = new TreeMap<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path entry : entries) {
                try {
                    String target = Files.readSymbolicLink(entry).toString();
                    if (!OF_OTHERS.matcher(target).matches()) {
                        open.put(Integer.valueOf(entry.getFileName().toString()), target);
                    }
                } catch (NoSuchFileException closedMeanwhile) {
                    // Such as the one that lists this directory.
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new OpenDescriptors(open);
    }

    /** What is open {@code later} and was not in this. */
    List<String> leaks(OpenDescriptors later) {
        List<String> leaks = new ArrayList<>();
        later.targets.forEach((fd, target) -> {
            if (!target.equals(targets.get(fd))) {
                leaks.add(fd + " → " + target);
            }
        });
        return leaks;
    }
}
