// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.testing.Commands;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a C compiler says the values of C expressions are. The program is only compiled to assembly, where each value
 * stands in a line of its own, so a machine that cannot be run here can be asked as well.
 */
enum CompilerTable {
    X86_64_GLIBC("x86-64", "glibc", "gcc libc6-dev", "gcc"),
    AARCH64_GLIBC("aarch64", "glibc", "gcc-aarch64-linux-gnu libc6-dev-arm64-cross", "aarch64-linux-gnu-gcc"),
    X86_64_MUSL("x86-64", "musl", "musl-tools", "musl-gcc"),
    AARCH64_MUSL(
            "aarch64",
            "musl",
            "gcc-aarch64-linux-gnu, and musl-dev:arm64 after dpkg --add-architecture arm64",
            "aarch64-linux-gnu-gcc -nostdinc -isystem /usr/include/aarch64-linux-musl");

    private static final Pattern LINE = Pattern.compile("@@ (\\d+) [$#]?(-?\\d+)");

    final String machine;
    final String library;
    private final String packages;
    private final String compiler;

    CompilerTable(String machine, String library, String packages, String compiler) {
        this.machine = machine;
        this.library = library;
        this.packages = packages;
        this.compiler = compiler;
    }

    boolean isAarch64() {
        return machine.equals("aarch64");
    }

    Abi abi() {
        return isAarch64() ? Abi.AARCH64 : Abi.X86_64;
    }

    @Override
    public String toString() {
        return machine + " with " + library;
    }

    /**
     * The values of names and expressions; a plain name that the headers do not define is left out.
     *
     * @param includes the headers to read
     */
    Map<String, Long> values(List<String> includes, Collection<String> expressions)
            throws IOException, InterruptedException {
        var command = new ArrayList<>(Arrays.asList(compiler.split(" ", -1)));
        Commands.needs(command.getFirst(), packages);
        String headers = command.getLast();
        assumeTrue(
                !headers.startsWith("/") || Files.isDirectory(Path.of(headers)),
                () -> headers + " is missing; on Debian: apt-get install " + packages);
        List<String> asked = List.copyOf(expressions);
        Path source = Files.createTempFile("sluice-table", ".c");
        Path assembly = Files.createTempFile("sluice-table", ".s");
        try {
            Files.writeString(source, program(includes, asked));
            command.addAll(List.of("-S", "-o", assembly.toString(), source.toString()));
            Commands.run(command).ok();
            try (Stream<String> lines = Files.lines(assembly)) {
                var values = new HashMap<String, Long>();
                lines.map(LINE::matcher)
                        .filter(Matcher::find)
                        .forEach(m -> values.put(asked.get(Integer.parseInt(m.group(1))), Long.valueOf(m.group(2))));
                assertThat(values).isNotEmpty();
                return values;
            }
        } finally {
            Files.delete(source);
            Files.deleteIfExists(assembly); // a compiler that fails takes it away
        }
    }

    private static String program(List<String> includes, List<String> expressions) {
        var text = new StringBuilder("#define _GNU_SOURCE\n");
        includes.forEach(header -> text.append("#include <").append(header).append(">\n"));
        text.append("void table(void) {\n");
        for (int i = 0; i < expressions.size(); i++) {
            String expression = expressions.get(i);
            String value = "__asm__(\"@@ " + i + " %0\" : : \"i\"((long long)(" + expression + ")));\n";
            boolean name = expression.matches("\\w+");
            text.append(name ? "#ifdef " + expression + "\n" + value + "#endif\n" : value);
        }
        return text.append("}\n").toString();
    }
}
