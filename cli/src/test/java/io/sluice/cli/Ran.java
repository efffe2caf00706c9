// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import java.util.concurrent.FutureTask;

/** A command that has run within this process: its exit code, and what it printed. */
record Ran(int code, String out, String err) {
    private static final int COLUMNS = 100;

    static Ran sluice(Object... words) {
        return run(false, words);
    }

    static Ran traced(Object... words) {
        return run(true, words);
    }

    private static Ran run(boolean trace, Object... words) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Host host = new Host(new PrintStream(out, true, UTF_8), new PrintStream(err, true, UTF_8), trace, COLUMNS);
        int code = Main.execute(List.of(words).stream().map(Object::toString).toList(), host);
        return new Ran(code, out.toString(UTF_8), err.toString(UTF_8));
    }

    /** The same on a thread of its own. */
    static FutureTask<Ran> begun(Object... words) {
        FutureTask<Ran> task = new FutureTask<>(() -> sluice(words));
        Thread.ofPlatform().daemon().start(task);
        return task;
    }

    /** The object that --json printed, which is all that was printed. */
    Map<String, Object> json() {
        return JsonText.object(err.strip());
    }
}
