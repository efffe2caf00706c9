// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.kernel.linux.LinuxKernel;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.condition.EnabledIf;

/** Relays on the system's own kernel: skipped where this JVM denies native access. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@EnabledIf(
        value = "io.sluice.relay.NeedsLinux$Access#isGranted",
        disabledReason = "native access is denied, and with it the system's own kernel")
@interface NeedsLinux {
    /** Asks by trying. */
    final class Access {
        private Access() {}

        static boolean isGranted() {
            try {
                new LinuxKernel().close();
                return true;
            } catch (UnsupportedOperationException refused) {
                return false;
            }
        }
    }
}
