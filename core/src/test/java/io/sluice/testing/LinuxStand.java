// SPDX-License-Identifier: Apache-2.0
package io.sluice.testing;

import io.sluice.kernel.linux.LinuxKernel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** The system itself. What is left open there, {@link NoLeaks} sees. */
final class LinuxStand extends Stand {
    private LinuxStand(Path directory) {
        super(new LinuxKernel(), directory);
    }

    /** Whether this JVM may call the system. */
    static boolean isReachable() {
        try {
            new LinuxKernel().close();
            return true;
        } catch (UnsupportedOperationException refused) {
            return false;
        }
    }

    static LinuxStand open() {
        try {
            return new LinuxStand(Files.createTempDirectory("sluice"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() throws IOException {
        kernel().close();
        try (Stream<Path> files = Files.walk(directory())) {
            List<Path> leavesFirst = files.sorted(Comparator.reverseOrder()).toList();
            for (Path path : leavesFirst) {
                Files.deleteIfExists(path);
            }
        }
    }
}
