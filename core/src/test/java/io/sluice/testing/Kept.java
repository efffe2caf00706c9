// SPDX-License-Identifier: Apache-2.0
package io.sluice.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Files of the tree that are made of the code and kept beside it, so that a change of them is seen in review. */
public final class Kept {
    private static final String WRITE = "api.write";

    private Kept() {}

    /** Holds a file to what the code says it must be, or, where that is asked for, makes it so. */
    public static void holds(Path file, String text) throws IOException {
        if (System.getProperty(WRITE) != null) {
            Files.writeString(file, text);
        }
        assertThat(Files.readString(file).lines())
                .as(
                        "%s; if the change is meant, write it anew: mvn -pl core test -Dtest='ApiTest,NativeImageTest' -D%s",
                        file, WRITE)
                .containsExactlyElementsOf(text.lines().toList());
    }
}
