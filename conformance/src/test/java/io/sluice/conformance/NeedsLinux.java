// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.condition.EnabledIf;

/** The half of the suite that calls the system itself: skipped where this JVM denies native access. */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@EnabledIf(
        value = "io.sluice.conformance.LinuxStand#isReachable",
        disabledReason = "native access is denied, and with it the system's own kernel")
@interface NeedsLinux {}
