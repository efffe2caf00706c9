// SPDX-License-Identifier: Apache-2.0

/** The admin address of a relay: a live page, the same as JSON, metrics, and what may be changed while it runs. */
@NullMarked
package io.sluice.relay.admin;

import org.jspecify.annotations.NullMarked;
