// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.linux;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.Kept;
import io.sluice.testing.NeedsLinux;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * GraalVM's native-image makes the code of downcalls when it builds, so the jar lists their shapes for it. That tool
 * itself is not run here: what is held is that the list names what Java links, no more and no less.
 */
@NeedsLinux
class NativeImageTest {
    private static final Path METADATA =
            Path.of("src/main/resources/META-INF/native-image/io.sluice/sluice-core/reachability-metadata.json");

    @Test
    void theJarListsEveryShapeOfDowncall() throws Exception {
        for (Class<?> holder : SystemCall.class.getDeclaredClasses()) {
            initialize(holder);
        }
        initialize(Signals.class);
        List<String> shapes = SystemCall.LINKED.stream()
                .map(NativeImageTest::downcall)
                .distinct()
                .sorted(Comparator.comparingInt(String::length).thenComparing(Comparator.naturalOrder()))
                .toList();
        assertThat(shapes).as("three shapes of call, page size, sigaction").hasSizeGreaterThanOrEqualTo(5);
        Kept.holds(METADATA, """
                {
                  "foreign": {
                    "downcalls": [
                %s
                    ]
                  }
                }
                """.formatted(String.join(",\n", shapes)));
    }

    private static void initialize(Class<?> type) throws ClassNotFoundException {
        Class.forName(type.getName(), true, type.getClassLoader());
    }

    private static String downcall(FunctionDescriptor shape) {
        return "      {\"returnType\": %s, \"parameterTypes\": [%s], \"options\": {\"captureCallState\": true}}"
                .formatted(
                        name(shape.returnLayout().orElseThrow()),
                        shape.argumentLayouts().stream()
                                .map(NativeImageTest::name)
                                .collect(joining(", ")));
    }

    private static String name(MemoryLayout layout) {
        return switch (layout) {
            case AddressLayout _ -> "\"void*\"";
            case ValueLayout.OfLong _ -> "\"jlong\"";
            default -> throw new AssertionError("no name is known here for " + layout);
        };
    }
}
