// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

/** Device numbers that stat(2) shows for files without a place in the tree of paths. */
final class Device {
    static final long PIPE_FILES = 13;
    static final long ANONYMOUS_FILES = 14;
    static final long SOCKET_FILES = 8;

    private Device() {}
}
