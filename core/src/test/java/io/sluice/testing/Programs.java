// SPDX-License-Identifier: Apache-2.0
package io.sluice.testing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Programs of one source file, run from the root of the tree as their readers would; ended when this is closed. */
public final class Programs implements AutoCloseable {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

    /** What a reader puts something else in the place of. */
    private static final Pattern PLACEHOLDER = Pattern.compile("[A-Z][A-Z-]*");

    private final List<Process> started = new ArrayList<>();

    /** Starts an example by the command in its second line, with arguments in the place of the capital words there. */
    public Process example(String name, Object... arguments) throws IOException {
        Path file = ROOT.resolve("examples").resolve(name + ".java");
        Deque<Object> left = new ArrayDeque<>(List.of(arguments));
        List<String> command = new ArrayList<>();
        for (String word :
                Files.readAllLines(file).get(1).substring("// ".length()).split(" ", -1)) {
            command.add(PLACEHOLDER.matcher(word).matches() ? left.remove().toString() : word);
        }
        assertThat(left)
                .as("arguments that the command at the head of " + file + " does not name")
                .isEmpty();
        return start(command);
    }

    /** Starts an example by the same command without arguments. */
    public Process bareExample(String name) throws IOException {
        String head = Files.readAllLines(ROOT.resolve("examples").resolve(name + ".java"))
                .get(1)
                .substring("// ".length());
        return start(Stream.of(head.split(" ", -1))
                .filter(word -> !PLACEHOLDER.matcher(word).matches())
                .toList());
    }

    /** Starts a program that is kept elsewhere, by the same command. */
    public Process program(Path file) throws IOException {
        return start(
                List.of("java", "--enable-native-access=ALL-UNNAMED", "-cp", "core/target/classes", file.toString()));
    }

    private Process start(List<String> words) throws IOException {
        List<String> command = new ArrayList<>(words);
        assertThat(command.getFirst()).isEqualTo("java");
        command.set(0, Path.of(System.getProperty("java.home"), "bin", "java").toString());
        Process process = new ProcessBuilder(command)
                .directory(ROOT.toFile())
                .redirectErrorStream(true)
                .start();
        started.add(process);
        return process;
    }

    /** All that the program says until it ends, as it must, and well. */
    public String outputOf(Process process) throws IOException, InterruptedException {
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor(50, TimeUnit.SECONDS)).as("it ends").isTrue();
        assertThat(process.exitValue()).as(output).isZero();
        return output;
    }

    @Override
    public void close() {
        started.forEach(Process::destroyForcibly);
    }
}
