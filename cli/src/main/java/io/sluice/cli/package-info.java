// SPDX-License-Identifier: Apache-2.0

/**
 * The sluice command, one class per subcommand. Only the launcher calls it. This room alone prints to the process's own
 * streams and ends the process.
 */
@NullMarked
package io.sluice.cli;

import org.jspecify.annotations.NullMarked;
