// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.linux;

import static io.sluice.kernel.Flags.O_DIRECT;
import static io.sluice.kernel.Flags.O_DIRECTORY;
import static io.sluice.kernel.Flags.O_LARGEFILE;
import static io.sluice.kernel.Flags.O_NOFOLLOW;

/**
 * Where the machines differ in what this binding uses. Everything else (struct statx, iovec, pollfd, sockaddr, errno,
 * options) is equal on x86-64 and aarch64, with glibc and with musl; a test compares both against tables printed by C
 * compilers.
 *
 * @param openFlagsSwapped aarch64 keeps O_DIRECTORY and O_NOFOLLOW where x86-64 has O_DIRECT and O_LARGEFILE, and the
 *     reverse
 * @param epollDataOffset where the datum lies in struct epoll_event, which only x86-64 packs
 * @param epollEventBytes size of struct epoll_event
 */
record Abi(boolean openFlagsSwapped, int epollDataOffset, int epollEventBytes) {
    static final Abi X86_64 = new Abi(false, 4, 12);
    static final Abi AARCH64 = new Abi(true, 8, 16);

    static Abi ofThisMachine() {
        String os = System.getProperty("os.name");
        String machine = System.getProperty("os.arch");
        if (os.equals("Linux")) {
            switch (machine) {
                case "amd64", "x86_64" -> {
                    return X86_64;
                }
                case "aarch64" -> {
                    return AARCH64;
                }
                default -> {}
            }
        }
        throw new UnsupportedOperationException(
                "LinuxKernel needs Linux on x86-64 or aarch64; this is " + os + " on " + machine);
    }

    /** Our open flags as this machine numbers them, and back: the translation is its own inverse. */
    int openFlags(int flags) {
        if (!openFlagsSwapped) {
            return flags;
        }
        int low = flags & (O_DIRECT | O_LARGEFILE);
        int high = flags & (O_DIRECTORY | O_NOFOLLOW);
        return (flags & ~(low | high)) | (low << 2) | (high >> 2);
    }
}
