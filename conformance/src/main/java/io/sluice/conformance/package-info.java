// SPDX-License-Identifier: Apache-2.0

/**
 * What a kernel must do, written once for all of them: the language of scenarios, and their runner. Test suites and the
 * command line call it, as {@code new Runner(LinuxStand::new).run(scenario)} for each scenario of
 * {@code ScenarioFile.parse(path)}. A difference between kernels lives in a {@link io.sluice.conformance.Stand}, never
 * in a branch of a step or a test.
 */
@NullMarked
package io.sluice.conformance;

import org.jspecify.annotations.NullMarked;
