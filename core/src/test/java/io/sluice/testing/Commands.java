// SPDX-License-Identifier: Apache-2.0
package io.sluice.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Runs programs beside the test: C compilers, what they compile, and other JVMs with Sluice in them. */
public final class Commands {
    /** The tree's own C programs for tests. */
    private static final Path C_SOURCES = Path.of("..", "testing");

    private static final String OUR_CLASSES = Path.of("target", "classes").toString();
    private static final String TEST_CLASSES = Path.of("target", "test-classes").toString();

    private Commands() {}

    /** What a program has said, and how it ended. */
    public record Outcome(int exit, List<String> out, String err) {
        /** Itself, if the program ended well. */
        public Outcome ok() {
            assertThat(exit).as("exit status; it said: %s%s", out, err).isZero();
            return this;
        }
    }

    /** Runs a program to its end. */
    public static Outcome run(List<String> command) throws IOException, InterruptedException {
        Path out = Files.createTempFile("sluice-out", ".txt");
        Path err = Files.createTempFile("sluice-err", ".txt");
        try {
            Process process = new ProcessBuilder(command)
                    .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
                    .redirectOutput(out.toFile())
                    .redirectError(err.toFile())
                    .start();
            if (!process.waitFor(50, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
                throw new AssertionError(command + " does not end; it said: " + Files.readString(err));
            }
            return new Outcome(process.exitValue(), Files.readAllLines(out), Files.readString(err));
        } finally {
            Files.delete(out);
            Files.delete(err);
        }
    }

    /** The command for a JVM that runs a class of the tests, with Sluice and tests on the class path. */
    public static List<String> java(List<String> jvmArguments, Class<?> main, String... arguments) {
        var command = new ArrayList<String>();
        command.add(javaProgram());
        command.addAll(jvmArguments);
        command.addAll(List.of("-cp", OUR_CLASSES + File.pathSeparator + TEST_CLASSES, main.getName()));
        command.addAll(Arrays.asList(arguments));
        return command;
    }

    /** The same with Sluice as a module. The class must not be in one of its packages. */
    public static List<String> javaWithModule(List<String> jvmArguments, Class<?> main, String... arguments) {
        var command = new ArrayList<String>();
        command.add(javaProgram());
        command.addAll(jvmArguments);
        command.addAll(List.of("-p", OUR_CLASSES, "--add-modules", "io.sluice.core", "-cp", TEST_CLASSES));
        command.add(main.getName());
        command.addAll(Arrays.asList(arguments));
        return command;
    }

    private static String javaProgram() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    /** Compiles {@code testing/<name>.c}; answers the program. Skips the test where there is no compiler. */
    public static Path compiled(String name, Path directory) throws IOException, InterruptedException {
        needs("gcc", "gcc libc6-dev");
        Path program = directory.resolve(name);
        Path source = C_SOURCES.resolve(name + ".c");
        run(List.of("gcc", "-Wall", "-Werror", "-o", program.toString(), source.toString()))
                .ok();
        return program;
    }

    /** Skips the test where a program is not installed, naming the Debian packages that have it. */
    public static void needs(String program, String packages) {
        boolean found = Stream.of(System.getenv("PATH").split(":", -1))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, program)));
        assumeTrue(found, () -> program + " is not installed; on Debian: apt-get install " + packages);
    }
}
