// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import java.util.Arrays;
import java.util.List;

/**
 * What the launcher runs once to make its AOT cache, in a directory with a {@code file} and a {@code fifo}: one short
 * turn of what should start fast, and of nothing else. The JVM loads at each start every class that the cache holds, so
 * what is trained for one command is paid for by all, and what is not is loaded the slow way where it is used.
 */
final class Training {
    private Training() {}

    /** Runs every command line worth being quick at. The process's own streams lead to /dev/null meanwhile. */
    public static void main(String[] args) throws InterruptedException {
        run("--version");
        run("copy");
        run("copy", "file", "copy");
        run("copy", "--summary", "file", "copy", "copy2", "/dev/null");
        run("tee", "copy", "copy2");

        Thread reader = new Thread(() -> run("copy", "fifo", "copy"));
        reader.start();
        run("copy", "file", "fifo");
        reader.join();
    }

    private static void run(String... words) {
        int code = Main.execute(List.of(words));
        if (code != ExitCode.OK) {
            throw new IllegalStateException("training with " + Arrays.toString(words) + " ended with " + code);
        }
    }
}
