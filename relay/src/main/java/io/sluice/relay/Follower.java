// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.flow.Tap;

/** What gets a duplicate of one direction of a session, and how that ends. Called by the session's loop. */
interface Follower extends Tap {
    /** The direction has come to its end, and no more bytes follow. */
    void sourceEnded();

    /**
     * The session is over.
     *
     * @param reset whether both sides saw a reset
     */
    void sessionEnded(boolean reset);
}
