// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import io.sluice.conformance.LinuxStand;
import io.sluice.conformance.Stand;
import io.sluice.conformance.UserStand;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.user.UserKernel;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Where scenarios run: the one Linux kernel, or a fresh user-space kernel each time. Nothing of Linux is touched for
 * the user-space kernel, so that it runs where native access is denied.
 */
final class Stands implements Supplier<Stand>, AutoCloseable {
    private final KernelChoice choice;
    private final Host host;
    private final @Nullable Kernel linux;

    private Stands(KernelChoice choice, Host host, @Nullable Kernel linux) {
        this.choice = choice;
        this.host = host;
        this.linux = linux;
    }

    /**
     * Stands on the chosen kernel.
     *
     * @throws UnsupportedOperationException if that is Linux and cannot be reached; the message says why
     */
    static Stands of(KernelChoice choice, Host host) {
        return new Stands(choice, host, choice.user() ? null : host.linux());
    }

    @Override
    public Stand get() {
        return linux != null
                ? new LinuxStand(linux)
                : new UserStand(host.traced(UserKernel.builder()
                        .profile(choice.profile())
                        .checking(true)
                        .build()));
    }

    @Override
    public void close() {
        if (linux != null) {
            linux.close();
        }
    }
}
