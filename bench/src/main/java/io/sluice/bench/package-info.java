// SPDX-License-Identifier: Apache-2.0

/**
 * What Sluice costs, measured with JMH beside its peers. Run through benchmarks.jar. Every benchmark states the
 * question it answers.
 */
@NullMarked
package io.sluice.bench;

import org.jspecify.annotations.NullMarked;
