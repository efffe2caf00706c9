// SPDX-License-Identifier: Apache-2.0

/**
 * How bytes move: the engine that steps a direction, the guard around descriptors, the poller and the pipe pool. Only
 * Sluice's own modules call it. Nothing else calls splice or tee, and every step ends in exactly one of progress,
 * subscribed or closed.
 */
@NullMarked
package io.sluice.flow;

import org.jspecify.annotations.NullMarked;
