// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.linux;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Flags;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every number that is passed to the kernel, against what C compilers for each machine and C library say it is. */
final class AbiTest {
    private static final List<String> LIBRARY = List.of(
            "errno.h",
            "fcntl.h",
            "limits.h",
            "netinet/in.h",
            "netinet/tcp.h",
            "poll.h",
            "signal.h",
            "stddef.h",
            "sys/epoll.h",
            "sys/eventfd.h",
            "sys/ioctl.h",
            "sys/mman.h",
            "sys/socket.h",
            "sys/stat.h",
            "sys/syscall.h",
            "sys/uio.h",
            "sys/un.h",
            "time.h",
            "unistd.h");

    /** What only the kernel's own headers tell: the C libraries hide O_LARGEFILE, which they always mean. */
    private static final List<String> KERNEL = List.of("linux/fcntl.h", "linux/fs.h", "linux/watch_queue.h");

    private static final Set<String> KERNEL_ONLY = Set.of("O_LARGEFILE", "O_NOTIFICATION_PIPE");

    /** Headers of musl do not have these; the numbers are the kernel's, the same with any C library. */
    private static final Set<String> NOT_IN_MUSL =
            Set.of("FALLOC_FL_COLLAPSE_RANGE", "FALLOC_FL_INSERT_RANGE", "FALLOC_FL_ZERO_RANGE");

    /** Which numbers musl has chosen for itself: its advice for listen(2), and a mask that takes in O_PATH. */
    private static final Set<String> OTHERWISE_IN_MUSL = Set.of("SOMAXCONN", "O_ACCMODE");

    @ParameterizedTest
    @EnumSource
    void errorNumbers(CompilerTable compiler) throws Exception {
        Map<String, Long> ours = constants(Errno.class);
        assertThat(compiler.values(LIBRARY, ours.keySet())).isEqualTo(ours);
    }

    @ParameterizedTest
    @EnumSource
    void flags(CompilerTable compiler) throws Exception {
        Map<String, Long> ours = new HashMap<>();
        constants(Flags.class).forEach((name, value) -> ours.put(name, translated(compiler, name, value.intValue())));
        ours.keySet().removeAll(KERNEL_ONLY);
        Map<String, Long> theirs = compiler.values(LIBRARY, ours.keySet());
        theirs.replaceAll((name, value) -> (long) value.intValue()); // EPOLLET is the sign bit of ours
        if (compiler.library.equals("musl")) {
            assertThat(missing(ours, theirs)).isSubsetOf(NOT_IN_MUSL);
            ours.keySet().retainAll(theirs.keySet());
            ours.keySet().removeAll(OTHERWISE_IN_MUSL);
            theirs.keySet().removeAll(OTHERWISE_IN_MUSL);
        }
        assertThat(theirs).isEqualTo(ours);
    }

    private static Set<String> missing(Map<String, Long> ours, Map<String, Long> theirs) {
        var missing = new HashSet<>(ours.keySet());
        missing.removeAll(theirs.keySet());
        return missing;
    }

    private static long translated(CompilerTable compiler, String name, int value) {
        return name.startsWith("O_") ? compiler.abi().openFlags(value) : value;
    }

    @ParameterizedTest
    @EnumSource(names = {"X86_64_GLIBC", "AARCH64_GLIBC"})
    void flagsThatOnlyTheKernelNames(CompilerTable compiler) throws Exception {
        Map<String, Long> theirs = compiler.values(KERNEL, Set.of("O_LARGEFILE", "O_NOTIFICATION_PIPE", "FICLONE"));
        Map<String, Long> ours = constants(Flags.class);
        assertThat(theirs)
                .containsOnly(
                        entry("O_LARGEFILE", translated(compiler, "O_LARGEFILE", Flags.O_LARGEFILE)),
                        entry("O_NOTIFICATION_PIPE", ours.get("O_NOTIFICATION_PIPE")),
                        entry("FICLONE", constants(LinuxKernel.class).get("FICLONE")));
    }

    @ParameterizedTest
    @EnumSource
    void numbersThatLinuxKernelKeepsToItself(CompilerTable compiler) throws Exception {
        Map<String, Long> kernel = constants(LinuxKernel.class);
        Map<String, Long> mappings = constants(Mappings.class);
        Map<String, Long> rights = constants(Rights.class);
        assertThat(compiler.values(
                        LIBRARY,
                        List.of(
                                "FIONREAD",
                                "AT_FDCWD",
                                "AT_EMPTY_PATH",
                                "(PROT_READ | PROT_WRITE)",
                                "(MAP_PRIVATE | MAP_ANONYMOUS)",
                                "MADV_HUGEPAGE",
                                "SCM_RIGHTS",
                                "MSG_CMSG_CLOEXEC",
                                "MSG_CTRUNC",
                                "PATH_MAX")))
                .containsOnly(
                        entry("FIONREAD", kernel.get("FIONREAD")),
                        entry("AT_FDCWD", kernel.get("AT_FDCWD")),
                        entry("AT_EMPTY_PATH", kernel.get("AT_EMPTY_PATH")),
                        entry("(PROT_READ | PROT_WRITE)", mappings.get("PROT_READ_WRITE")),
                        entry("(MAP_PRIVATE | MAP_ANONYMOUS)", mappings.get("MAP_PRIVATE_ANONYMOUS")),
                        entry("MADV_HUGEPAGE", mappings.get("MADV_HUGEPAGE")),
                        entry("SCM_RIGHTS", rights.get("SCM_RIGHTS")),
                        entry("MSG_CMSG_CLOEXEC", rights.get("MSG_CMSG_CLOEXEC")),
                        entry("MSG_CTRUNC", rights.get("MSG_CTRUNC")),
                        entry("PATH_MAX", (long) Scratch.BLOCK_BYTES));
    }

    /** The structure is the kernel's alone; musl has it only since 1.2.4. */
    @ParameterizedTest
    @EnumSource(names = {"X86_64_GLIBC", "AARCH64_GLIBC"})
    void layoutOfStatx(CompilerTable compiler) throws Exception {
        Map<String, Long> ours = Map.ofEntries(
                entry("STATX_BASIC_STATS", constants(LinuxKernel.class).get("STATX_BASIC_STATS")),
                entry("sizeof(struct statx)", 256L),
                entry("offsetof(struct statx, stx_blksize)", 4L),
                entry("offsetof(struct statx, stx_nlink)", 16L),
                entry("offsetof(struct statx, stx_mode)", 28L),
                entry("offsetof(struct statx, stx_ino)", 32L),
                entry("offsetof(struct statx, stx_size)", 40L),
                entry("offsetof(struct statx, stx_mtime.tv_sec)", 112L),
                entry("offsetof(struct statx, stx_mtime.tv_nsec)", 120L),
                entry("offsetof(struct statx, stx_rdev_major)", 128L),
                entry("offsetof(struct statx, stx_rdev_minor)", 132L),
                entry("offsetof(struct statx, stx_dev_major)", 136L),
                entry("offsetof(struct statx, stx_dev_minor)", 140L));
        assertThat(compiler.values(List.of("stddef.h", "linux/stat.h"), ours.keySet()))
                .isEqualTo(ours);
    }

    @ParameterizedTest
    @EnumSource
    void systemCallNumbers(CompilerTable compiler) throws Exception {
        Map<String, Long> ours = new HashMap<>();
        constants(numbersOn(compiler.isAarch64() ? "aarch64" : "amd64"))
                .forEach((name, number) -> ours.put("SYS_" + name.toLowerCase(Locale.ROOT), number));
        assertThat(ours).hasSizeGreaterThan(40);
        assertThat(compiler.values(LIBRARY, ours.keySet())).isEqualTo(ours);
    }

    /** Where LinuxKernel, SocketAddresses, Rights and Signals read and write; fields they leave alone are not named. */
    @ParameterizedTest
    @EnumSource
    void layouts(CompilerTable compiler) throws Exception {
        Abi abi = compiler.abi();
        Map<String, Long> ours = Map.ofEntries(
                entry("sizeof(int)", 4L),
                entry("sizeof(long)", 8L),
                entry("sizeof(void *)", 8L),
                entry("sizeof(socklen_t)", 4L),
                entry("sizeof(struct epoll_event)", (long) abi.epollEventBytes()),
                entry("offsetof(struct epoll_event, events)", 0L),
                entry("offsetof(struct epoll_event, data)", (long) abi.epollDataOffset()),
                entry("sizeof(struct pollfd)", 8L),
                entry("offsetof(struct pollfd, events)", 4L),
                entry("offsetof(struct pollfd, revents)", 6L),
                entry("sizeof(struct timespec)", 16L),
                entry("offsetof(struct timespec, tv_nsec)", 8L),
                entry("sizeof(struct iovec)", 16L),
                entry("offsetof(struct iovec, iov_base)", 0L),
                entry("offsetof(struct iovec, iov_len)", 8L),
                entry("sizeof(struct linger)", 8L),
                entry("offsetof(struct linger, l_onoff)", 0L),
                entry("offsetof(struct linger, l_linger)", 4L),
                entry("sizeof(struct sockaddr_in)", 16L),
                entry("offsetof(struct sockaddr_in, sin_family)", 0L),
                entry("offsetof(struct sockaddr_in, sin_port)", 2L),
                entry("offsetof(struct sockaddr_in, sin_addr)", 4L),
                entry("sizeof(struct sockaddr_in6)", 28L),
                entry("offsetof(struct sockaddr_in6, sin6_port)", 2L),
                entry("offsetof(struct sockaddr_in6, sin6_flowinfo)", 4L),
                entry("offsetof(struct sockaddr_in6, sin6_addr)", 8L),
                entry("offsetof(struct sockaddr_in6, sin6_scope_id)", 24L),
                entry("sizeof(struct sockaddr_un)", 110L),
                entry("offsetof(struct sockaddr_un, sun_path)", 2L),
                entry("sizeof(struct sockaddr_storage)", (long) SocketAddresses.MAX_BYTES),
                entry("sizeof(struct msghdr)", 56L),
                entry("offsetof(struct msghdr, msg_iov)", 16L),
                entry("offsetof(struct msghdr, msg_iovlen)", 24L),
                entry("offsetof(struct msghdr, msg_control)", 32L),
                entry("offsetof(struct msghdr, msg_controllen)", 40L),
                entry("offsetof(struct msghdr, msg_flags)", 48L),
                entry("sizeof(struct cmsghdr)", 16L),
                entry("offsetof(struct cmsghdr, cmsg_level)", 8L),
                entry("offsetof(struct cmsghdr, cmsg_type)", 12L),
                entry("sizeof(struct sigaction)", 152L),
                entry("offsetof(struct sigaction, sa_handler)", 0L),
                entry("offsetof(struct sigaction, sa_flags)", 136L));
        assertThat(compiler.values(LIBRARY, ours.keySet())).isEqualTo(ours);
    }

    @Test
    void translatingOpenFlagsTwiceChangesNothing() {
        for (long flag : constants(Flags.class).values()) {
            int ours = (int) flag;
            assertThat(Abi.AARCH64.openFlags(Abi.AARCH64.openFlags(ours))).isEqualTo(ours);
            assertThat(Abi.X86_64.openFlags(ours)).isEqualTo(ours);
        }
    }

    /** Static whole numbers of a class, by name. */
    private static Map<String, Long> constants(Class<?> type) {
        var constants = new HashMap<String, Long>();
        for (Field field : type.getDeclaredFields()) {
            boolean number = field.getType() == int.class || field.getType() == long.class;
            if (number && Modifier.isStatic(field.getModifiers())) {
                field.setAccessible(true);
                try {
                    constants.put(field.getName(), ((Number) field.get(null)).longValue());
                } catch (IllegalAccessException e) {
                    throw new AssertionError("just made accessible", e);
                }
            }
        }
        return constants;
    }

    /** The class of the numbers as another machine would load it. */
    private static Class<?> numbersOn(String machine) throws IOException, ReflectiveOperationException {
        byte[] bytes;
        try (InputStream file = Objects.requireNonNull(Numbers.class.getResourceAsStream("Numbers.class"))) {
            bytes = file.readAllBytes();
        }
        ClassLoader loader = new ClassLoader(null) {
            @Override
            protected Class<?> findClass(String name) {
                return defineClass(name, bytes, 0, bytes.length);
            }
        };
        String here = System.setProperty("os.arch", machine);
        try {
            return Class.forName(Numbers.class.getName(), true, loader);
        } finally {
            System.setProperty("os.arch", Objects.requireNonNull(here));
        }
    }
}
