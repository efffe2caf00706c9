// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import io.sluice.conformance.Step.Operation;
import io.sluice.conformance.Steps.Verb;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Memory, and vmsplice between it and pipes. */
final class MemoryVerbs {
    static final Map<String, Verb> TABLE = Map.of(
            "mem", MemoryVerbs::mem,
            "poke", MemoryVerbs::poke,
            "peek", MemoryVerbs::peek,
            "vmsplice", MemoryVerbs::vmsplice);

    /** What a segment at address 0 is long, so that a call has something to reach for. */
    private static final long NULL_BYTES = 8;

    private static final Pattern BAD = Pattern.compile("BAD:(?<length>\\d{1,18})");
    private static final Pattern PIECES = Pattern.compile(
            "(?<memory>[A-Za-z_]\\w*)\\+(?<offset>\\d{1,18}):(?<length>\\d{1,18})(x(?<count>\\d{1,6}))?");

    private MemoryVerbs() {}

    private static Operation mem(Words words) {
        String name = words.name();
        Data content = words.data();
        return stage -> stage.newMemory(name, content);
    }

    private static Operation poke(Words words) {
        String name = words.name();
        long offset = words.number("an offset");
        Data content = words.data();
        return stage -> {
            content.store(part(stage, name, offset, content.length()), 0);
            return Answer.of(content.length());
        };
    }

    private static Operation peek(Words words) {
        String name = words.name();
        long offset = words.number("an offset");
        long length = words.number("a length");
        return stage -> Answer.ofData(length, Data.in(part(stage, name, offset, length)));
    }

    private static Operation vmsplice(Words words) {
        String name = words.name();
        Function<Stage, List<MemorySegment>> iov = segments(words);
        int flags = words.spliceFlags();
        return stage -> Answer.of(stage.kernel.vmsplice(stage.fd(name), iov.apply(stage), flags));
    }

    private static Function<Stage, List<MemorySegment>> segments(Words words) {
        String list = words.word("segments");
        if (list.equals("NOIOV")) {
            return stage -> List.of();
        }
        List<Function<Stage, List<MemorySegment>>> parts = new ArrayList<>();
        for (String part : list.split(",", -1)) {
            parts.add(part(part, words));
        }
        return stage ->
                parts.stream().flatMap(part -> part.apply(stage).stream()).toList();
    }

    private static Function<Stage, List<MemorySegment>> part(String part, Words words) {
        Matcher bad = BAD.matcher(part);
        Matcher pieces = PIECES.matcher(part);
        if (part.equals("NULL")) {
            return stage -> List.of(stage.stand.atNull(NULL_BYTES));
        } else if (bad.matches()) {
            long length = Long.parseLong(bad.group("length"));
            return stage -> List.of(stage.stand.unmapped(length));
        } else if (pieces.matches()) {
            String name = pieces.group("memory");
            long offset = Long.parseLong(pieces.group("offset"));
            long length = Long.parseLong(pieces.group("length"));
            int count = pieces.group("count") == null ? 1 : Integer.parseInt(pieces.group("count"));
            return stage -> consecutive(stage, name, offset, length, count);
        }
        throw words.error("'" + part + "' is not a segment: M+off:len, M+off:lenxn, BAD:len, NULL or NOIOV");
    }

    private static List<MemorySegment> consecutive(Stage stage, String name, long offset, long length, int count) {
        List<MemorySegment> segments = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            segments.add(part(stage, name, offset + i * length, length));
        }
        return segments;
    }

    private static MemorySegment part(Stage stage, String name, long offset, long length) {
        MemorySegment memory = stage.memory(name);
        if (offset < 0 || length < 0 || length > memory.byteSize() || offset > memory.byteSize() - length) {
            throw new StepFailure(
                    name + " has " + memory.byteSize() + " bytes; " + offset + "+" + length + " is not within them");
        }
        return memory.asSlice(offset, length);
    }
}
