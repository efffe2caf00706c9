// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EAFNOSUPPORT;

/** Sockets in memory. */
final class Network {
    Network(Resources resources, Tree tree) {}

    Opened socket(int domain, int type, int protocol) {
        return new Opened.Failed(EAFNOSUPPORT);
    }

    /** Two connected sockets, or the errno of the first. */
    Opened[] pair(int domain, int type, int protocol) {
        return new Opened[] {new Opened.Failed(EAFNOSUPPORT)};
    }

    void close() {}
}
