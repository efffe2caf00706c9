// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where people and machines look at a relay, and change what may be changed while it runs.
 *
 * @param listen TCP; on this machine alone unless its host says otherwise
 * @param tokenFile holds the word that whoever changes anything must know; null to allow no changes
 */
public record Admin(Address.Tcp listen, @Nullable Path tokenFile) {}
