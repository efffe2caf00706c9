// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.constantpool.ClassEntry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** This room uses the engine and the system-call vocabulary; the door alone opens a kernel. */
final class RoomTest {
    @Test
    void usesNoRoomsButTheseAndOnlyTheDoorOpensAKernel() throws IOException {
        Map<String, TreeSet<String>> users = new TreeMap<>();
        try (Stream<Path> files = Files.walk(Path.of("target", "classes", "io"))) {
            List<Path> classes =
                    files.filter(file -> file.toString().endsWith(".class")).toList();
            for (Path file : classes) {
                ClassFile.of().parse(file).constantPool().forEach(entry -> {
                    if (entry instanceof ClassEntry used) {
                        String type = used.asInternalName().replace('/', '.');
                        if (type.startsWith("io.sluice.") && !type.startsWith("io.sluice.netty.")) {
                            users.computeIfAbsent(type.replaceFirst("\\.[A-Z].*", ""), _ -> new TreeSet<>())
                                    .add(file.getFileName().toString());
                        }
                    }
                });
            }
        }
        assertThat(users.keySet()).containsExactly("io.sluice.flow", "io.sluice.kernel", "io.sluice.kernel.linux");
        assertThat(users.get("io.sluice.kernel.linux")).containsExactly("Splicer.class");
    }
}
