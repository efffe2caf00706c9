// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static io.sluice.kernel.Flags.EPOLL_CTL_ADD;
import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static io.sluice.kernel.Flags.MSG_PEEK;
import static io.sluice.kernel.Flags.SO_ERROR;
import static io.sluice.kernel.Flags.SO_LINGER;

import io.sluice.kernel.EpollEvents;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A system call of the relay, as it is about to be made. */
final class Call {
    /** What it is for, as far as that matters to what may befall it. */
    enum Kind {
        RECEIVE,
        LOOK,
        SEND,
        SPLICE_IN,
        SPLICE_OUT,
        PIPE,
        PIPE_SIZE,
        SOCKET,
        CONNECT,
        CONNECT_RESULT,
        ACCEPT,
        PEER_NAME,
        OWN_NAME,
        OPTION,
        END,
        WATCH,
        WAIT,
        OTHER
    }

    private final String name;
    private final @Nullable Object[] arguments;
    private final Kind kind;
    private final int socket;

    /** {@code pipes} are the descriptors that are ends of one. */
    Call(String name, @Nullable Object[] arguments, Set<Integer> pipes) {
        this.name = name;
        this.arguments = arguments;
        this.kind = kind(pipes);
        this.socket = switch (kind) {
            case SPLICE_OUT, WATCH -> integer(2);
            case PIPE, PIPE_SIZE, SOCKET, WAIT, OTHER -> -1;
            default -> integer(0);
        };
    }

    private Kind kind(Set<Integer> pipes) {
        return switch (name) {
            case "recv" -> (integer(2) & MSG_PEEK) != 0 ? Kind.LOOK : Kind.RECEIVE;
            case "send" -> Kind.SEND;
            case "splice" -> pipes.contains(integer(0)) ? Kind.SPLICE_OUT : Kind.SPLICE_IN;
            case "pipe2" -> Kind.PIPE;
            case "fcntl" -> integer(1) == F_SETPIPE_SZ ? Kind.PIPE_SIZE : Kind.OTHER;
            case "socket" -> Kind.SOCKET;
            case "connect" -> Kind.CONNECT;
            case "getsockopt" -> integer(2) == SO_ERROR ? Kind.CONNECT_RESULT : Kind.OTHER;
            case "accept4" -> Kind.ACCEPT;
            case "getpeername" -> Kind.PEER_NAME;
            case "getsockname" -> Kind.OWN_NAME;
            case "setsockopt" -> integer(2) == SO_LINGER ? Kind.OTHER : Kind.OPTION; // which cannot fail
            case "shutdown" -> Kind.END;
            case "epoll_ctl" -> integer(1) == EPOLL_CTL_ADD ? Kind.WATCH : Kind.OTHER;
            case "epoll_wait" -> Kind.WAIT;
            default -> Kind.OTHER;
        };
    }

    String name() {
        return name;
    }

    Kind kind() {
        return kind;
    }

    /** The socket that it concerns; -1 for none. */
    int socket() {
        return socket;
    }

    int integer(int index) {
        return (int) argument(index);
    }

    long number(int index) {
        return (long) argument(index);
    }

    MemorySegment buffer() {
        return (MemorySegment) argument(1);
    }

    /** Where epoll_wait(2) puts what is ready. */
    EpollEvents events() {
        return (EpollEvents) argument(1);
    }

    /** Where getsockopt(2) puts its value. */
    int[] value() {
        return (int[]) argument(3);
    }

    /** The two descriptors that pipe2(2) has made. */
    List<Integer> made() {
        return Arrays.stream((int[]) argument(0)).boxed().toList();
    }

    private Object argument(int index) {
        Object argument = arguments[index];
        if (argument == null) {
            throw new IllegalArgumentException(this + " has no argument " + index);
        }
        return argument;
    }

    @Override
    public String toString() {
        List<String> words = new ArrayList<>();
        for (Object each : arguments) {
            words.add(
                    switch (each) {
                        case null -> "null";
                        case MemorySegment memory -> memory.byteSize() + " bytes";
                        case int[] numbers -> Arrays.toString(numbers);
                        default -> each.toString();
                    });
        }
        return words.stream().collect(Collectors.joining(", ", name + "(", ")"));
    }
}
