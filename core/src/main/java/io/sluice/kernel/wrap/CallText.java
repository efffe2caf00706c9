// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.wrap;

import static io.sluice.kernel.Flags.F_ADD_SEALS;
import static io.sluice.kernel.Flags.F_GETFL;
import static io.sluice.kernel.Flags.F_GET_SEALS;
import static io.sluice.kernel.Flags.F_SETFD;
import static io.sluice.kernel.Flags.F_SETFL;
import static io.sluice.kernel.Flags.O_CREAT;

import io.sluice.kernel.EpollEvents;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Offset;
import io.sluice.kernel.Stat;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One call that has answered, written as strace would write it. */
final class CallText {
    /** How much of a buffer or a list is shown, as in strace. */
    private static final int BUFFER_BYTES = 32;

    private static final int LIST_ELEMENTS = 2;
    private static final String OMITTED = "...";

    private final String name;
    private final @Nullable Object[] entry;
    private final @Nullable Object[] exit;
    private final long result;

    private CallText(String name, @Nullable Object[] entry, @Nullable Object[] exit, long result) {
        this.name = name;
        this.entry = entry;
        this.exit = exit;
        this.result = result;
    }

    /**
     * The whole line.
     *
     * @param entry the arguments as they were before the call: an {@link Offset} by its value
     * @param exit the same arguments after it
     */
    static String of(String name, @Nullable Object[] entry, @Nullable Object[] exit, long result) {
        CallText call = new CallText(name, entry, exit, result);
        String function = name.equals("ficlone") || name.equals("fionread") ? "ioctl" : name;
        return function + "(" + String.join(", ", call.arguments()) + ") = " + call.answer();
    }

    private List<String> arguments() {
        return switch (name) {
            case "pipe2" -> List.of(descriptors(0), open(1));
            case "splice" -> List.of(plain(0), offset(1), plain(2), offset(3), plain(4), set("SPLICE_F_", 5));
            case "tee" -> List.of(plain(0), plain(1), plain(2), set("SPLICE_F_", 3));
            case "vmsplice" -> List.of(plain(0), iov(1), count(1), set("SPLICE_F_", 2));
            case "read", "write" -> List.of(plain(0), buffer(1), size(1));
            case "readv", "writev" -> List.of(plain(0), iov(1), count(1));
            case "pread", "pwrite" -> List.of(plain(0), buffer(1), size(1), plain(2));
            case "pwritev" -> List.of(plain(0), iov(1), count(1), plain(2));
            case "recv", "send" -> List.of(plain(0), buffer(1), size(1), set("MSG_", 2));
            case "sendfile" -> List.of(plain(0), plain(1), offset(2), plain(3));
            case "copy_file_range" -> List.of(plain(0), offset(1), plain(2), offset(3), plain(4), plain(5));
            case "ficlone" -> List.of(plain(0), "FICLONE", plain(1));
            case "open" ->
                (integer(1) & O_CREAT) == 0 ? List.of(string(0), open(1)) : List.of(string(0), open(1), mode(2));
            case "memfd_create" -> List.of(string(0), set("MFD_", 1));
            case "mkfifo" -> List.of(string(0), mode(1));
            case "unlink" -> List.of(string(0));
            case "fcntl" -> fcntl();
            case "fionread" -> List.of(plain(0), "FIONREAD", result < 0 ? OMITTED : "[" + result + "]");
            case "lseek" -> List.of(plain(0), plain(1), one("SEEK_", 2));
            case "fstat" -> List.of(plain(0), stat(1));
            case "fallocate" -> List.of(plain(0), set("FALLOC_FL_", 1), plain(2), plain(3));
            case "socket" -> List.of(one("AF_", 0), FlagNames.socketType(integer(1)), plain(2));
            case "socketpair" -> List.of(one("AF_", 0), FlagNames.socketType(integer(1)), plain(2), descriptors(3));
            case "bind", "connect" -> List.of(plain(0), address((SocketAddress) exit[1]));
            case "accept4" -> List.of(plain(0), "NULL", "NULL", set("SOCK_", 1));
            case "shutdown" -> List.of(plain(0), one("SHUT_", 1));
            case "setsockopt", "getsockopt" -> List.of(plain(0), level(1), option(1, 2), integers(3));
            case "getsockname", "getpeername" -> List.of(plain(0), result < 0 ? OMITTED : address(addressOut(1)));
            case "poll" -> List.of("[{fd=" + plain(0) + ", events=" + set("POLL", 1) + "}]", "1", plain(2));
            case "epoll_create1" -> List.of(set("EPOLL_CLOEXEC", 0));
            case "epoll_ctl" -> List.of(plain(0), one("EPOLL_CTL_", 1), plain(2), event(integer(3), (long) raw(4)));
            case "epoll_wait" -> List.of(plain(0), events(1), plain(2));
            case "eventfd" -> List.of(plain(0), set("EFD_", 1));
            case "mmap" -> List.of("NULL", plain(0), "PROT_READ|PROT_WRITE", "MAP_PRIVATE|MAP_ANONYMOUS", "-1", "0");
            case "munmap" -> List.of(pointer((MemorySegment) raw(0)), size(0));
            default -> Arrays.stream(entry).map(String::valueOf).toList();
        };
    }

    private String answer() {
        if (result < 0) {
            int code = (int) -result;
            return "-1 " + Errno.name(code) + " (" + Errno.message(code) + ")";
        }
        return switch (name) {
            case "poll" ->
                result == 0
                        ? "0 (Timeout)"
                        : "1 ([{fd=" + plain(0) + ", revents=" + FlagNames.set("POLL", (int) result) + "}])";
            case "fcntl" -> fcntlAnswer();
            case "fionread" -> "0";
            case "mmap" -> pointer(((MemorySegment[]) raw(2))[0]);
            default -> Long.toString(result);
        };
    }

    // fcntl's argument and answer depend on its command.

    private List<String> fcntl() {
        String command = integer(1) == F_ADD_SEALS ? "F_ADD_SEALS" : one("F_", 1);
        return switch (integer(1)) {
            case F_SETFL -> List.of(plain(0), command, open(2));
            case F_SETFD -> List.of(plain(0), command, set("FD_", 2));
            case F_ADD_SEALS -> List.of(plain(0), command, set("F_SEAL_", 2));
            default -> command.startsWith("F_GET") ? List.of(plain(0), command) : List.of(plain(0), command, plain(2));
        };
    }

    private String fcntlAnswer() {
        return switch (integer(1)) {
            case F_GETFL -> hex(result) + " (flags " + FlagNames.open((int) result) + ")";
            case F_GET_SEALS -> hex(result) + " (seals " + FlagNames.set("F_SEAL_", (int) result) + ")";
            default -> Long.toString(result);
        };
    }

    // Arguments by kind.

    private Object raw(int i) {
        Object value = exit[i];
        if (value == null) {
            throw new NullPointerException(name + " takes no null as argument " + i);
        }
        return value;
    }

    private int integer(int i) {
        return (int) raw(i);
    }

    private String plain(int i) {
        return String.valueOf(entry[i]);
    }

    private String one(String prefix, int i) {
        return FlagNames.one(prefix, integer(i));
    }

    private String set(String prefix, int i) {
        return FlagNames.set(prefix, integer(i));
    }

    private String open(int i) {
        return name.equals("pipe2") ? FlagNames.set("O_", integer(i)) : FlagNames.open(integer(i));
    }

    private String mode(int i) {
        return FlagNames.mode(integer(i));
    }

    /** {@code [0] => [4096]} for an offset that the call has moved. */
    private String offset(int i) {
        if (entry[i] == null) {
            return "NULL";
        }
        long before = (long) entry[i];
        long after = ((Offset) raw(i)).value();
        return before == after ? "[" + before + "]" : "[" + before + "] => [" + after + "]";
    }

    private String descriptors(int i) {
        int[] fds = (int[]) raw(i);
        return result < 0 ? OMITTED : "[" + fds[0] + ", " + fds[1] + "]";
    }

    private String size(int i) {
        return Long.toString(((MemorySegment) raw(i)).byteSize());
    }

    private String count(int i) {
        return Integer.toString(((List<?>) raw(i)).size());
    }

    private String iov(int i) {
        var shown = new ArrayList<String>();
        for (Object element : (List<?>) raw(i)) {
            if (shown.size() == LIST_ELEMENTS) {
                shown.add(OMITTED);
                break;
            }
            MemorySegment segment = (MemorySegment) element;
            shown.add("{iov_base=" + pointer(segment) + ", iov_len=" + segment.byteSize() + "}");
        }
        return "[" + String.join(", ", shown) + "]";
    }

    /** The first bytes that moved; the kernel has read or written those, so they can be read here too. */
    private String buffer(int i) {
        MemorySegment segment = (MemorySegment) raw(i);
        long moved = Math.max(result, 0);
        if (moved == 0 || !segment.isAccessibleBy(Thread.currentThread())) {
            return pointer(segment);
        }
        try {
            long shown = Math.min(Math.min(moved, segment.byteSize()), BUFFER_BYTES);
            byte[] bytes = segment.asSlice(0, shown).toArray(ValueLayout.JAVA_BYTE);
            return quoted(bytes) + (shown < moved ? OMITTED : "");
        } catch (IllegalStateException closedSince) {
            return pointer(segment);
        }
    }

    private String string(int i) {
        return quoted(((String) raw(i)).getBytes(StandardCharsets.UTF_8));
    }

    private String stat(int i) {
        Stat stat = (Stat) raw(i);
        return result < 0
                ? OMITTED
                : "{st_mode=" + FlagNames.mode(stat.mode()) + ", st_size=" + stat.size() + ", " + OMITTED + "}";
    }

    private String level(int i) {
        return switch (integer(i)) {
            case 1 -> "SOL_SOCKET";
            case 6 -> "SOL_TCP";
            case 41 -> "SOL_IPV6";
            default -> plain(i);
        };
    }

    private String option(int level, int i) {
        return switch (integer(level)) {
            case 1 -> one("SO_", i);
            case 6 -> one("TCP_", i);
            case 41 -> one("IPV6_", i);
            default -> plain(i);
        };
    }

    private String integers(int i) {
        return name.equals("getsockopt") && result < 0 ? OMITTED : Arrays.toString((int[]) raw(i));
    }

    private @Nullable SocketAddress addressOut(int i) {
        return ((SocketAddress[]) raw(i))[0];
    }

    private static String address(@Nullable SocketAddress address) {
        return switch (address) {
            case InetSocketAddress inet when inet.isUnresolved() -> "{unresolved " + inet.getHostString() + "}";
            case InetSocketAddress inet
            when inet.getAddress() instanceof Inet6Address six ->
                "{sa_family=AF_INET6, sin6_port=htons(" + inet.getPort() + "), sin6_addr=\"" + six.getHostAddress()
                        + "\"}";
            case InetSocketAddress inet ->
                "{sa_family=AF_INET, sin_port=htons(" + inet.getPort() + "), sin_addr=\""
                        + inet.getAddress().getHostAddress() + "\"}";
            case UnixDomainSocketAddress unix when unix.getPath().toString().isEmpty() -> "{sa_family=AF_UNIX}";
            case UnixDomainSocketAddress unix -> "{sa_family=AF_UNIX, sun_path=\"" + unix.getPath() + "\"}";
            case null, default -> String.valueOf(address);
        };
    }

    private static String event(int events, long data) {
        return "{events=" + FlagNames.set("EPOLL", events) + ", data=" + hex(data) + "}";
    }

    private String events(int i) {
        EpollEvents events = (EpollEvents) raw(i);
        var shown = new ArrayList<String>();
        for (int k = 0; k < result; k++) {
            if (k == LIST_ELEMENTS) {
                shown.add(OMITTED);
                break;
            }
            shown.add(event(events.events(k), events.data(k)));
        }
        return "[" + String.join(", ", shown) + "], " + events.capacity();
    }

    private static String pointer(@Nullable MemorySegment segment) {
        return segment == null || segment.address() == 0 ? "NULL" : hex(segment.address());
    }

    private static String hex(long value) {
        return "0x" + Long.toHexString(value);
    }

    private static String quoted(byte[] bytes) {
        var text = new StringBuilder("\"");
        for (byte b : bytes) {
            switch (b) {
                case '\n' -> text.append("\\n");
                case '\r' -> text.append("\\r");
                case '\t' -> text.append("\\t");
                case '"' -> text.append("\\\"");
                case '\\' -> text.append("\\\\");
                default -> {
                    if (b >= ' ' && b <= '~') {
                        text.append((char) b);
                    } else {
                        text.append("\\x").append(String.format("%02x", b));
                    }
                }
            }
        }
        return text.append('"').toString();
    }
}
