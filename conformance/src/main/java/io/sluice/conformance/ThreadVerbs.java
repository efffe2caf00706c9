// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import io.sluice.conformance.Step.Operation;
import io.sluice.conformance.Steps.Verb;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Threads, time and signals. */
final class ThreadVerbs {
    static final Map<String, Verb> TABLE = Map.of(
            "start", ThreadVerbs::start,
            "asleep", ThreadVerbs::asleep,
            "interrupt", ThreadVerbs::interrupt,
            "done", ThreadVerbs::done,
            "count", ThreadVerbs::count,
            "pause", ThreadVerbs::pause,
            "sigpipe", words -> stage -> Answer.of(stage.stand.sigpipes()),
            "sigxfsz", words -> stage -> Answer.of(stage.stand.sigxfszs()));

    // The language names these times.
    private static final long ASLEEP_MILLIS = 100;
    private static final long DONE_MILLIS = 3000;
    private static final long COUNT_MILLIS = 150;

    private ThreadVerbs() {}

    private static Operation start(Words words) {
        String label = words.word("a thread");
        if (!label.endsWith(":")) {
            throw words.error("':' is missing after the thread '" + label + "'");
        }
        String name = words.name(label.substring(0, label.length() - 1));
        if (words.more() && words.peek().equals("start")) {
            throw words.error("a thread starts no other thread");
        }
        Operation operation = Steps.operation(words);
        return stage -> {
            stage.start(name, operation);
            return Answer.of(0);
        };
    }

    private static Operation asleep(Words words) {
        List<String> names = new ArrayList<>(List.of(words.name()));
        while (words.more()) {
            names.add(words.name());
        }
        return stage -> {
            Call.pause(ASLEEP_MILLIS);
            for (String name : names) {
                stage.call(name).mustSleep(DONE_MILLIS);
            }
            return Answer.of(0);
        };
    }

    private static Operation interrupt(Words words) {
        String name = words.name();
        return stage -> {
            stage.call(name).interrupt();
            return Answer.of(0);
        };
    }

    private static Operation done(Words words) {
        String name = words.name();
        return stage -> stage.call(name).answer(DONE_MILLIS);
    }

    private static Operation count(Words words) {
        List<String> names = new ArrayList<>();
        for (String name : words.word("threads").split(",", -1)) {
            names.add(words.name(name));
        }
        return stage -> {
            Call.pause(COUNT_MILLIS);
            return Answer.of(
                    names.stream().filter(name -> stage.call(name).finished()).count());
        };
    }

    private static Operation pause(Words words) {
        long millis = words.number("milliseconds");
        return stage -> {
            Call.pause(millis);
            return Answer.of(0);
        };
    }
}
