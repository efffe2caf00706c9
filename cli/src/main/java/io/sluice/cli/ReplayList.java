// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import io.sluice.relay.capture.Conversation;
import io.sluice.relay.capture.Notice;
import io.sluice.relay.capture.Side;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What is in a capture, a line for each conversation. */
final class ReplayList {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss.SSS", Locale.ROOT).withZone(ZoneOffset.UTC);

    private final PrintStream out;
    private final boolean json;

    ReplayList(PrintStream out, boolean json) {
        this.out = out;
        this.json = json;
    }

    void print(List<Conversation> conversations, List<Notice> notices) {
        for (Conversation each : conversations) {
            out.println(json ? Json.of(fields(each)) : line(each));
        }
        if (json) {
            out.println(Json.of(Map.of("notices", notices(notices))));
        }
    }

    private static String line(Conversation each) {
        StringBuilder line = new StringBuilder();
        line.append(TIME.format(instant(each.startNanos())))
                .append("  ")
                .append(each)
                .append("  ")
                .append(bytes(each, Side.CLIENT))
                .append(" up, ")
                .append(bytes(each, Side.SERVER))
                .append(" down in ")
                .append(seconds(each).setScale(3, java.math.RoundingMode.HALF_UP))
                .append(" s, ")
                .append(label(each.ending()));
        if (!each.isFromBeginning()) {
            line.append(", beginning not captured");
        }
        if (each.comment() != null) {
            line.append("  \"").append(each.comment()).append('"');
        }
        return line.toString();
    }

    private static String bytes(Conversation each, Side side) {
        long missing = each.missingBytes(side);
        return Size.text(each.bytes(side)) + (missing > 0 ? " (" + Size.text(missing) + " missing)" : "");
    }

    private static Map<String, @Nullable Object> fields(Conversation each) {
        Map<String, @Nullable Object> fields = names(each);
        fields.put("start", instant(each.startNanos()));
        fields.put("seconds", seconds(each));
        fields.put("clientBytes", each.bytes(Side.CLIENT));
        fields.put("serverBytes", each.bytes(Side.SERVER));
        fields.put("missingClientBytes", each.missingBytes(Side.CLIENT));
        fields.put("missingServerBytes", each.missingBytes(Side.SERVER));
        fields.put("ending", label(each.ending()));
        fields.put("fromBeginning", each.isFromBeginning());
        fields.put("comment", each.comment());
        return fields;
    }

    /** By what a conversation is known. */
    static Map<String, @Nullable Object> names(Conversation each) {
        Map<String, @Nullable Object> names = new LinkedHashMap<>();
        String[] words = each.toString().split(" ", -1);
        names.put("conversation", each.number());
        names.put("client", words[1]);
        names.put("server", words[3]);
        return names;
    }

    static List<Map<String, Object>> notices(List<Notice> notices) {
        return notices.stream()
                .map(each -> {
                    Map<String, Object> fields = new LinkedHashMap<>();
                    fields.put("kind", label(each.kind()));
                    fields.put("count", each.count());
                    fields.put("first", each.first());
                    return fields;
                })
                .toList();
    }

    static String label(Enum<?> each) {
        return each.name().toLowerCase(Locale.ROOT);
    }

    private static BigDecimal seconds(Conversation each) {
        return BigDecimal.valueOf(each.endNanos() - each.startNanos(), 9);
    }

    private static Instant instant(long nanos) {
        return Instant.ofEpochSecond(0, nanos);
    }
}
