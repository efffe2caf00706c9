// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.linux;

/** The numbers of the system calls, x86-64 first, aarch64 second: asm/unistd.h of each. */
final class Numbers {
    private static final boolean AARCH64 = System.getProperty("os.arch").equals("aarch64");

    // The splice family.
    static final long SPLICE = number(275, 76);
    static final long TEE = number(276, 77);
    static final long VMSPLICE = number(278, 75);
    static final long PIPE2 = number(293, 59);
    static final long SENDFILE = number(40, 71);
    static final long COPY_FILE_RANGE = number(326, 285);

    // Reading and writing.
    static final long READ = number(0, 63);
    static final long WRITE = number(1, 64);
    static final long READV = number(19, 65);
    static final long WRITEV = number(20, 66);
    static final long PREAD64 = number(17, 67);
    static final long PWRITE64 = number(18, 68);
    static final long PWRITEV = number(296, 70);
    static final long RECVFROM = number(45, 207);
    static final long SENDTO = number(44, 206);

    // Files and descriptors. The old calls without "at" do not exist on aarch64.
    static final long OPENAT = number(257, 56);
    static final long MEMFD_CREATE = number(319, 279);
    static final long MKNODAT = number(259, 33);
    static final long UNLINKAT = number(263, 35);
    static final long CLOSE = number(3, 57);
    static final long DUP = number(32, 23);
    static final long FCNTL = number(72, 25);
    static final long IOCTL = number(16, 29);
    static final long LSEEK = number(8, 62);
    static final long STATX = number(332, 291);
    static final long FTRUNCATE = number(77, 46);
    static final long FALLOCATE = number(285, 47);
    static final long FSYNC = number(74, 82);

    // Sockets.
    static final long SOCKET = number(41, 198);
    static final long SOCKETPAIR = number(53, 199);
    static final long BIND = number(49, 200);
    static final long CONNECT = number(42, 203);
    static final long LISTEN = number(50, 201);
    static final long ACCEPT4 = number(288, 242);
    static final long SHUTDOWN = number(48, 210);
    static final long SETSOCKOPT = number(54, 208);
    static final long GETSOCKOPT = number(55, 209);
    static final long GETSOCKNAME = number(51, 204);
    static final long GETPEERNAME = number(52, 205);
    static final long SENDMSG = number(46, 211);
    static final long RECVMSG = number(47, 212);

    // Readiness.
    static final long PPOLL = number(271, 73);
    static final long EPOLL_CREATE1 = number(291, 20);
    static final long EPOLL_CTL = number(233, 21);
    static final long EPOLL_PWAIT = number(281, 22);
    static final long EVENTFD2 = number(290, 19);

    // Memory.
    static final long MMAP = number(9, 222);
    static final long MUNMAP = number(11, 215);
    static final long MADVISE = number(28, 233);

    // Threads, for Signals.
    static final long GETPID = number(39, 172);
    static final long GETTID = number(186, 178);
    static final long TGKILL = number(234, 131);

    private Numbers() {}

    private static long number(int x86, int aarch64) {
        return AARCH64 ? aarch64 : x86;
    }
}
