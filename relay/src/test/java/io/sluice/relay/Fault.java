// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.relay.Call.Kind;
import java.util.Set;
import java.util.function.LongSupplier;

/** What may befall a call although its arguments are right, with the calls that it may befall. */
enum Fault {
    NONE(0),

    // For the moment: what did not come or had no room a moment ago comes or has it now, and epoll says so.
    INTERRUPTED(
            Errno.EINTR, Kind.RECEIVE, Kind.LOOK, Kind.SEND, Kind.SPLICE_IN, Kind.SPLICE_OUT, Kind.ACCEPT, Kind.WAIT),
    NOT_READY(Errno.EAGAIN, Kind.RECEIVE, Kind.LOOK, Kind.SEND, Kind.SPLICE_IN, Kind.SPLICE_OUT, Kind.ACCEPT),
    SHORT(0, Kind.RECEIVE, Kind.SEND, Kind.SPLICE_IN, Kind.SPLICE_OUT),

    // Shortages.
    NO_DESCRIPTORS(Errno.EMFILE, Kind.PIPE, Kind.SOCKET, Kind.ACCEPT),
    NO_FILES(Errno.ENFILE, Kind.PIPE, Kind.SOCKET, Kind.ACCEPT),
    NO_MEMORY(
            Errno.ENOMEM,
            Kind.RECEIVE,
            Kind.SEND,
            Kind.SPLICE_IN,
            Kind.SPLICE_OUT,
            Kind.PIPE,
            Kind.PIPE_SIZE,
            Kind.SOCKET,
            Kind.ACCEPT,
            Kind.OPTION,
            Kind.WATCH),
    NO_BUFFERS(Errno.ENOBUFS, Kind.SEND, Kind.SPLICE_OUT, Kind.SOCKET, Kind.ACCEPT, Kind.PEER_NAME, Kind.OWN_NAME),
    NO_WATCHES(Errno.ENOSPC, Kind.WATCH),

    // What a filter or an old kernel forbids.
    FORBIDDEN(Errno.EPERM, Kind.SPLICE_IN, Kind.SPLICE_OUT, Kind.PIPE_SIZE, Kind.ACCEPT),
    MISSING(Errno.ENOSYS, Kind.SPLICE_IN, Kind.SPLICE_OUT),
    REFUSED(Errno.EINVAL, Kind.SPLICE_IN, Kind.SPLICE_OUT),

    // A connection that is not to be had.
    NOBODY_THERE(Errno.ECONNREFUSED, Kind.CONNECT, Kind.CONNECT_RESULT),
    NO_WAY(Errno.ENETUNREACH, Kind.CONNECT, Kind.CONNECT_RESULT),
    NO_ADDRESS(Errno.EADDRNOTAVAIL, Kind.CONNECT),
    ABORTED(Errno.ECONNABORTED, Kind.ACCEPT),
    NOT_CONNECTED(Errno.ENOTCONN, Kind.PEER_NAME),

    // A connection that is lost, just before the call.
    RESET(
            0,
            Kind.RECEIVE,
            Kind.LOOK,
            Kind.SEND,
            Kind.SPLICE_IN,
            Kind.SPLICE_OUT,
            Kind.CONNECT_RESULT,
            Kind.PEER_NAME,
            Kind.OPTION,
            Kind.WATCH,
            Kind.END),
    TIMED_OUT(Errno.ETIMEDOUT, Kind.RECEIVE, Kind.SEND, Kind.SPLICE_IN, Kind.SPLICE_OUT, Kind.CONNECT_RESULT),
    BROKEN(Errno.EPIPE, Kind.SEND, Kind.SPLICE_OUT);

    private final int errno;

    @SuppressWarnings("ImmutableEnumChecker") // made by Set.of
    private final Set<Kind> kinds;

    Fault(int errno, Kind... kinds) {
        this.errno = errno;
        this.kinds = Set.of(kinds);
    }

    /** What the call is told; 0 when it is told what the kernel says. */
    int errno() {
        return errno;
    }

    boolean mayMeet(Call call) {
        return kinds.contains(call.kind()) && (this != SHORT || bytes(call) > 1);
    }

    /** Whether all is to go on as if nothing had been. */
    boolean isForTheMoment() {
        return this == INTERRUPTED || this == NOT_READY || this == SHORT;
    }

    boolean isShortage() {
        return this == NO_DESCRIPTORS
                || this == NO_FILES
                || this == NO_MEMORY
                || this == NO_BUFFERS
                || this == NO_WATCHES;
    }

    /** Whether the other end of the connection is no more, and not only this call's. */
    boolean endsTheConnection() {
        return this == RESET || this == TIMED_OUT || this == BROKEN;
    }

    /** What the call answers; {@code go} makes it. */
    long answer(Call call, Kernel kernel, LongSupplier go) {
        if (this == SHORT) {
            return shorter(call, kernel);
        }
        if (this == RESET) {
            return go.getAsLong();
        }
        if (call.kind() == Kind.CONNECT_RESULT) {
            long told = go.getAsLong();
            call.value()[0] = errno;
            return told;
        }
        return -errno;
    }

    private static long bytes(Call call) {
        return call.name().equals("splice") ? call.number(4) : call.buffer().byteSize();
    }

    /** Half of what the call would have moved. */
    private static long shorter(Call call, Kernel kernel) {
        long most = switch (call.kind()) {
            case RECEIVE, SPLICE_IN -> Math.min(bytes(call), Math.max(kernel.fionread(call.socket()), 0));
            default -> bytes(call);
        };
        long half = Math.max(most / 2, 1);
        return switch (call.kind()) {
            case RECEIVE -> kernel.recv(call.integer(0), call.buffer().asSlice(0, half), call.integer(2));
            case SEND -> kernel.send(call.integer(0), call.buffer().asSlice(0, half), call.integer(2));
            default -> kernel.splice(call.integer(0), null, call.integer(2), null, half, call.integer(5));
        };
    }
}
