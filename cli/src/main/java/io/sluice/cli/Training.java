// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * What the launcher runs once to make its AOT cache: one short turn of everything that should start fast. What is not
 * exercised here is loaded the slow way later.
 */
final class Training {
    private static final int SOME_BYTES = 200_000;
    private static final int OWNER_ONLY = 0600;

    private Training() {}

    /** Runs every command line worth being quick at. The process's own streams lead to /dev/null meanwhile. */
    public static void main(String[] args) throws IOException, InterruptedException {
        Path directory = Files.createTempDirectory("sluice-training");
        try {
            train(directory);
        } finally {
            try (Stream<Path> files = Files.list(directory)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(directory);
        }
    }

    private static void train(Path directory) throws IOException, InterruptedException {
        String file =
                Files.write(directory.resolve("file"), new byte[SOME_BYTES]).toString();
        String copy = directory.resolve("copy").toString();
        String fifo = directory.resolve("fifo").toString();
        try (Kernel kernel = new LinuxKernel()) {
            kernel.mkfifo(fifo, OWNER_ONLY);
        }
        run(ExitCode.OK, "--version");
        run(ExitCode.OK, "--help");
        run(ExitCode.OK, "copy", "--help");
        run(ExitCode.OK, "doctor");
        run(ExitCode.OK, "doctor", "--json");
        run(ExitCode.OK, "copy");
        run(ExitCode.OK, "copy", "--json", file, copy);
        run(ExitCode.OK, "copy", "--summary", "--append", "--rate", "100M", file, copy);
        run(ExitCode.OK, "copy", "--summary", "--progress", "--interval", "0.01", "--rate", "2M", file, copy);
        run(ExitCode.OK, "copy", "--summary", file, copy, copy + 2, "/dev/null");
        run(ExitCode.OK, "tee", "--help");
        run(ExitCode.OK, "tee", copy, copy + 2);
        run(ExitCode.FAILED, "tee", "--summary", copy, directory.toString());
        run(ExitCode.FAILED, "copy", file, "/dev/full");
        run(ExitCode.FAILED, "copy", "no such file", copy);
        run(ExitCode.FAILED, "copy", file, "tcp://127.0.0.1:1");
        run(ExitCode.USAGE, "copy", "--rate", "nonsense");

        Thread reader = new Thread(() -> run(ExitCode.OK, "copy", "--summary", fifo, copy));
        reader.start();
        run(ExitCode.OK, "copy", file, fifo);
        reader.join();
    }

    private static void run(int expectedCode, String... words) {
        int code = Main.execute(List.of(words));
        if (code != expectedCode) {
            throw new IllegalStateException("training with " + Arrays.toString(words) + " ended with " + code);
        }
    }
}
