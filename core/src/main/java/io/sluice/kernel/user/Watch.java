// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

/** One who wants to hear of changes of readiness: an epoll item, or a thread in poll(2). */
interface Watch {
    /**
     * Something happened. Called without the object's lock, after the change and before the call that made it returns;
     * must not sleep.
     *
     * @param events what may have become true, as poll(2) names it; {@link Waitable#ANY_EVENT}: look at everything
     */
    void changed(int events);
}
