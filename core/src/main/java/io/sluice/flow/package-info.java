// SPDX-License-Identifier: Apache-2.0
/**
 * The one engine: {@link io.sluice.flow.Direction} moves bytes from a source to a sink and its branches, step by step,
 * over guarded descriptors, a poller and a pool of pipes. {@code io.sluice} wraps it for people, the relay for event
 * loops; it is not exported to anyone else. Always true: no other code calls splice or tee to move a user's bytes, no
 * step blocks, and failures of the world are values here, never exceptions.
 */
@NullMarked
package io.sluice.flow;

import org.jspecify.annotations.NullMarked;
