// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.Snapshot;
import io.sluice.kernel.user.UserKernel;
import java.nio.file.Path;
import java.util.List;

/** {@link SessionFaultContract} on the user-space kernel. */
class UserSessionFaultTest extends SessionFaultContract {
    @Override
    Kernel newKernel() {
        return UserKernel.builder().build();
    }

    @Override
    boolean arrivesAtOnce() {
        return true;
    }

    @Override
    Path directory() {
        return Path.of("/tmp");
    }

    private static Snapshot look(Kernel kernel) {
        return kernel.feature(Snapshot.class).orElseThrow();
    }

    @Override
    List<?> descriptors(Kernel kernel) {
        return look(kernel).descriptors();
    }

    @Override
    void assertNoPageIsLeft(Kernel kernel) {
        assertThat(look(kernel).pagesInUse()).as("pages that are left").isZero();
    }
}
