// SPDX-License-Identifier: Apache-2.0
/**
 * Makes the connections of a {@link io.sluice.relay.capture.Capture} again, to another server. The command line calls
 * it, and any program that wants to know whether a server still answers as it did. Always true: what the client says is
 * said in its order, never before the answers that it had got in the recording are there, and memory depends on the
 * number of connections that are open at once.
 */
@NullMarked
package io.sluice.relay.replay;

import org.jspecify.annotations.NullMarked;
