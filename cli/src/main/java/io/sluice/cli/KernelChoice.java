// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import io.sluice.kernel.user.UserKernel;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What {@code --kernel} and {@code --profile} say. */
record KernelChoice(boolean user, UserKernel.Profile profile) {

    /** Reads the values of both options. */
    static KernelChoice parse(String kernel, @Nullable String profile) {
        boolean user = switch (kernel) {
            case "linux" -> false;
            case "user" -> true;
            default -> throw new Misuse("--kernel: no kernel is called '" + kernel + "'; there are linux, user");
        };
        UserKernel.Profile chosen = switch (profile) {
            case null -> UserKernel.Profile.LINUX;
            case "linux" -> UserKernel.Profile.LINUX;
            case "man-pages" -> UserKernel.Profile.MAN_PAGES;
            default ->
                throw new Misuse("--profile: no profile is called '" + profile + "'; there are linux, man-pages");
        };
        if (!user && chosen == UserKernel.Profile.MAN_PAGES) {
            throw new Misuse("--profile man-pages is of the user-space kernel: Linux answers as Linux does;"
                    + " say --kernel user");
        }
        return new KernelChoice(user, chosen);
    }

    /** As it is written after {@code --kernel}. */
    String kernelLabel() {
        return user ? "user" : "linux";
    }

    /** As it is written after {@code --profile}. */
    String profileLabel() {
        return profile.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
