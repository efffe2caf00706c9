// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.wrap;

import io.sluice.kernel.Flags;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The C names of flag values. They are read from {@link Flags} itself, by the prefix that C gives to each family, so
 * that there is one list of them.
 */
final class FlagNames {
    private record Flag(String name, int value) {}

    /** Names that are masks or second names of others. */
    private static final List<String> NOT_NAMES = List.of("O_ACCMODE", "O_NOTIFICATION_PIPE", "S_IFMT");

    private static final Map<String, List<Flag>> FAMILIES = new ConcurrentHashMap<>();

    private FlagNames() {}

    /** One of several values: {@code one("SEEK_", 2)} is {@code SEEK_END}; the number where there is no name. */
    static String one(String prefix, int value) {
        for (Flag flag : family(prefix)) {
            if (flag.value == value) {
                return flag.name;
            }
        }
        return Integer.toString(value);
    }

    /** A set of bits: {@code SPLICE_F_MOVE|SPLICE_F_MORE}, what has no name in hexadecimal, {@code 0} for none. */
    static String set(String prefix, int bits) {
        var names = new ArrayList<String>();
        int left = addNames(prefix, bits, names);
        if (left != 0 || names.isEmpty()) {
            names.add(left == 0 ? "0" : "0x" + Integer.toHexString(left));
        }
        return String.join("|", names);
    }

    /** The flags of open(2): the access mode is a number, the rest are bits. */
    static String open(int flags) {
        String mode = switch (flags & Flags.O_ACCMODE) {
            case Flags.O_RDONLY -> "O_RDONLY";
            case Flags.O_WRONLY -> "O_WRONLY";
            case Flags.O_RDWR -> "O_RDWR";
            default -> "O_ACCMODE";
        };
        int rest = flags & ~Flags.O_ACCMODE;
        return rest == 0 ? mode : mode + "|" + set("O_", rest);
    }

    /** The type of socket(2): a number, and two bits above it. */
    static String socketType(int type) {
        int bits = Flags.SOCK_NONBLOCK | Flags.SOCK_CLOEXEC;
        String kind = one("SOCK_", type & ~bits);
        return (type & bits) == 0 ? kind : kind + "|" + set("SOCK_", type & bits);
    }

    /** The mode of a file: its type by name, its permissions in octal. */
    static String mode(int mode) {
        String permissions = "0" + Integer.toOctalString(mode & ~Flags.S_IFMT);
        return (mode & Flags.S_IFMT) == 0 ? permissions : one("S_IF", mode & Flags.S_IFMT) + "|" + permissions;
    }

    private static int addNames(String prefix, int bits, List<String> names) {
        int left = bits;
        for (Flag flag : family(prefix)) {
            if (flag.value != 0 && (left & flag.value) == flag.value) {
                names.add(flag.name);
                left &= ~flag.value;
            }
        }
        return left;
    }

    /**
     * The flags whose names go on after the prefix without another word: O_SYNC holds the bits of O_DSYNC, so first.
     */
    private static List<Flag> family(String prefix) {
        return FAMILIES.computeIfAbsent(prefix, FlagNames::collect);
    }

    private static List<Flag> collect(String prefix) {
        var family = new ArrayList<Flag>();
        for (Field field : Flags.class.getFields()) {
            String name = field.getName();
            if (name.startsWith(prefix) && !NOT_NAMES.contains(name)) {
                try {
                    family.add(new Flag(name, field.getInt(null)));
                } catch (IllegalAccessException e) {
                    throw new AssertionError("Flags holds public numbers only", e);
                }
            }
        }
        family.sort(Comparator.comparingInt((Flag flag) -> -Integer.bitCount(flag.value))
                .thenComparing((a, b) -> Integer.compareUnsigned(a.value, b.value)));
        return List.copyOf(family);
    }
}
