// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

/** Device numbers that stat(2) shows: what holds a file, as Linux has one of each. */
final class Device {
    static final long MEMORY_FILES = 1;
    static final long DEVICE_FILES = 6;
    static final long SOCKET_FILES = 8;
    static final long PIPE_FILES = 13;
    static final long ANONYMOUS_FILES = 14;
    static final long PROCESS_FILES = 22;
    static final long DISK_FILES = (254L << Integer.SIZE) | 1;

    private Device() {}
}
