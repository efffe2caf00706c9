// SPDX-License-Identifier: Apache-2.0
/**
 * What passes through a relay, on its way into pcapng files: duplicated by the event loops, written by one thread of
 * its own. The relay calls it; it knows nothing of routes and sessions. Always true: no event loop does file I/O or
 * touches a pipe that the recorder's thread may be writing from, what is recorded of a stream is in the order of its
 * bytes, and whatever is missing is counted and said in the file.
 */
@NullMarked
package io.sluice.relay.record;

import org.jspecify.annotations.NullMarked;
