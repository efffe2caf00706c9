// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import io.sluice.relay.capture.Notice;
import io.sluice.relay.replay.Difference;
import io.sluice.relay.replay.Excerpt;
import io.sluice.relay.replay.Outcome;
import io.sluice.relay.replay.Outcome.Fate;
import io.sluice.relay.replay.Summary;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/** What a replay says on standard output: of connections that did not go as recorded, and of all of them in the end. */
final class ReplayReport {
    /** Less is not worth a word. */
    private static final Duration NOTABLY_LATE = Duration.ofSeconds(1);

    private static final String CLEARED_LINE = "\r\u001b[K";

    private final Host host;
    private final ReplayOptions options;
    private final boolean drawn;

    /** Why connections failed before a byte went either way, and how many did. */
    private final Map<String, Integer> unreached = new LinkedHashMap<>();

    /**
     * A report to come.
     *
     * @param drawn whether there is a progress line to be cleared first
     */
    ReplayReport(Host host, ReplayOptions options, boolean drawn) {
        this.host = host;
        this.options = options;
        this.drawn = drawn;
    }

    /** Of one connection. */
    void tell(Outcome outcome) {
        if (options.json()) {
            host.out().println(json(outcome));
        } else if (isWorthALine(outcome) && !options.quiet()) {
            if (drawn) {
                host.err().print(CLEARED_LINE);
                host.err().flush();
            }
            host.out().print(text(outcome));
        }
    }

    /** A server that is not there would have one for each connection. */
    private boolean isWorthALine(Outcome outcome) {
        return switch (outcome.fate()) {
            case REPLAYED, INTERRUPTED -> false;
            case FAILED ->
                outcome.sentBytes() + outcome.receivedBytes() > 0
                        || unreached.merge(String.valueOf(outcome.reason()), 1, Integer::sum) == 1;
            default -> true;
        };
    }

    private static String text(Outcome outcome) {
        StringBuilder text = new StringBuilder(outcome.conversation().toString());
        if (outcome.loop() > 1) {
            text.append(" (loop ").append(outcome.loop()).append(')');
        }
        text.append(": ").append(sentence(outcome)).append('\n');
        Difference difference = outcome.difference();
        if (difference != null) {
            text.append(HexDump.of(difference.recorded(), difference.received()));
        }
        return text.toString();
    }

    private static String sentence(Outcome outcome) {
        String because = outcome.reason() == null ? "" : ": " + outcome.reason();
        return switch (outcome.fate()) {
            case REPLAYED -> "replayed";
            case PARTIAL -> "replayed in part" + because;
            case SKIPPED -> "skipped" + because;
            case FAILED -> "failed" + because;
            case INTERRUPTED -> "interrupted";
            case DIFFERENT -> {
                Difference difference = outcome.difference();
                yield (difference == null ? "differs" : sentence(difference)) + because;
            }
        };
    }

    private static String sentence(Difference difference) {
        long offset = difference.offset();
        return switch (difference.kind()) {
            case CHANGED -> "the answers differ at byte " + offset;
            case LONGER -> "more is answered than the recorded " + offset + " bytes";
            case SHORTER -> "the answers end at byte " + offset;
            case ENDING -> "all " + offset + " bytes are the same, and the connection ends in another way";
        };
    }

    private String json(Outcome outcome) {
        Map<String, @Nullable Object> json = ReplayList.names(outcome.conversation());
        json.put("loop", outcome.loop());
        json.put("fate", ReplayList.label(outcome.fate()));
        json.put("sentBytes", outcome.sentBytes());
        json.put("receivedBytes", outcome.receivedBytes());
        json.put("seconds", seconds(outcome.elapsed()));
        json.put("reason", outcome.reason());
        Difference difference = outcome.difference();
        json.put("difference", difference == null ? null : fields(difference));
        return Json.of(json);
    }

    private static Map<String, Object> fields(Difference difference) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("kind", ReplayList.label(difference.kind()));
        fields.put("offset", difference.offset());
        fields.put("excerptOffset", difference.recorded().offset());
        fields.put("recorded", hex(difference.recorded()));
        fields.put("received", hex(difference.received()));
        return fields;
    }

    private static String hex(Excerpt excerpt) {
        StringBuilder hex = new StringBuilder();
        for (int i = 0; i < excerpt.length(); i++) {
            hex.append(HexDump.digits(excerpt.at(i)));
        }
        return hex.toString();
    }

    /** Of all of them. */
    void sum(Summary summary, List<Notice> notices, int exitCode) {
        if (options.json()) {
            host.out().println(json(summary, notices, exitCode));
        } else if (!options.quiet()) {
            unreached.forEach((reason, count) -> {
                if (count > 1) {
                    host.out().println((count - 1) + " more failed so: " + reason);
                }
            });
            host.out().println(text(summary));
            if (summary.count(Fate.FAILED) > 0 && summary.sentBytes() + summary.receivedBytes() == 0) {
                host.err()
                        .println("sluice: replay: not a byte went to or from " + options.to()
                                + "; does a server listen there?");
            }
        }
    }

    private String text(Summary summary) {
        StringJoiner text = new StringJoiner(", ");
        count(text, summary, Fate.REPLAYED, options.compare() ? "the same" : "replayed");
        count(text, summary, Fate.PARTIAL, "replayed in part");
        count(text, summary, Fate.DIFFERENT, "different");
        count(text, summary, Fate.FAILED, "failed");
        count(text, summary, Fate.INTERRUPTED, "interrupted");
        count(text, summary, Fate.SKIPPED, "skipped");
        String late = summary.late().compareTo(NOTABLY_LATE) < 0
                ? ""
                : "; connections began up to " + rounded(summary.late(), 1) + " s late";
        return (text.length() == 0 ? "nothing was replayed" : text) + "; " + Size.text(summary.sentBytes()) + " sent, "
                + Size.text(summary.receivedBytes()) + " received in " + rounded(summary.elapsed(), 3) + " s" + late;
    }

    private static void count(StringJoiner text, Summary summary, Fate fate, String word) {
        if (summary.count(fate) > 0) {
            text.add(summary.count(fate) + " " + word);
        }
    }

    private static String json(Summary summary, List<Notice> notices, int exitCode) {
        Map<String, Object> sums = new LinkedHashMap<>();
        for (Fate fate : Fate.values()) {
            sums.put(ReplayList.label(fate), summary.count(fate));
        }
        sums.put("sentBytes", summary.sentBytes());
        sums.put("receivedBytes", summary.receivedBytes());
        sums.put("seconds", seconds(summary.elapsed()));
        sums.put("lateSeconds", seconds(summary.late()));
        sums.put("notices", ReplayList.notices(notices));
        sums.put("exitCode", exitCode);
        return Json.of(Map.of("summary", sums));
    }

    private static BigDecimal seconds(Duration time) {
        return rounded(time, 6);
    }

    private static BigDecimal rounded(Duration time, int decimals) {
        return BigDecimal.valueOf(time.toNanos(), 9).setScale(decimals, RoundingMode.HALF_UP);
    }
}
