// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import io.sluice.conformance.Step.Operation;
import io.sluice.conformance.Steps.Verb;
import io.sluice.kernel.Offset;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** splice and tee. */
final class SpliceVerbs {
    static final Map<String, Verb> TABLE = Map.of("splice", SpliceVerbs::splice, "tee", SpliceVerbs::tee);

    private SpliceVerbs() {}

    /** {@code name} or {@code name@off}. */
    private record End(String name, @Nullable Long offset) {
        static End read(Words words) {
            String word = words.word("a descriptor");
            int at = word.indexOf('@');
            return at < 0
                    ? new End(words.name(word), null)
                    : new End(words.name(word.substring(0, at)), words.parse(word.substring(at + 1), "an offset"));
        }

        /** A variable of this call's own. */
        @Nullable
        Offset variable() {
            return offset == null ? null : new Offset(offset);
        }
    }

    private static Operation splice(Words words) {
        End in = End.read(words);
        End out = End.read(words);
        long length = words.number("a length");
        int flags = words.spliceFlags();
        return stage -> {
            Offset offIn = in.variable();
            Offset offOut = out.variable();
            long result = stage.kernel.splice(stage.fd(in.name), offIn, stage.fd(out.name), offOut, length, flags);
            return Answer.ofOffsets(result, offIn, offOut);
        };
    }

    private static Operation tee(Words words) {
        String in = words.name();
        String out = words.name();
        long length = words.number("a length");
        int flags = words.spliceFlags();
        return stage -> Answer.of(stage.kernel.tee(stage.fd(in), stage.fd(out), length, flags));
    }
}
