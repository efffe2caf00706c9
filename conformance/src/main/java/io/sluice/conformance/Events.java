// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static io.sluice.kernel.Flags.POLLERR;
import static io.sluice.kernel.Flags.POLLHUP;
import static io.sluice.kernel.Flags.POLLIN;
import static io.sluice.kernel.Flags.POLLNVAL;
import static io.sluice.kernel.Flags.POLLOUT;

import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** The names of poll events in the scenario language. */
enum Events {
    IN(POLLIN),
    OUT(POLLOUT),
    ERR(POLLERR),
    HUP(POLLHUP),
    NVAL(POLLNVAL);

    private final int bit;

    Events(int bit) {
        this.bit = bit;
    }

    /** The mask of {@code IN|HUP} or {@code none}; empty for a word that is neither. */
    static OptionalInt mask(String word) {
        if (word.equals("none")) {
            return OptionalInt.of(0);
        }
        int mask = 0;
        for (String name : word.split("\\|", -1)) {
            Events event = find(name);
            if (event == null) {
                return OptionalInt.empty();
            }
            mask |= event.bit;
        }
        return OptionalInt.of(mask);
    }

    private static @Nullable Events find(String name) {
        for (Events event : values()) {
            if (event.name().equals(name)) {
                return event;
            }
        }
        return null;
    }

    static String names(int mask) {
        StringBuilder names = new StringBuilder();
        for (Events event : values()) {
            if ((mask & event.bit) != 0) {
                names.append(names.isEmpty() ? "" : "|").append(event);
            }
        }
        return names.isEmpty() ? "none" : names.toString();
    }
}
