// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.ENOPROTOOPT;
import static io.sluice.kernel.Errno.EOPNOTSUPP;
import static io.sluice.kernel.Flags.IPPROTO_IPV6;
import static io.sluice.kernel.Flags.IPPROTO_TCP;
import static io.sluice.kernel.Flags.IPV6_V6ONLY;
import static io.sluice.kernel.Flags.SOL_SOCKET;
import static io.sluice.kernel.Flags.SO_KEEPALIVE;
import static io.sluice.kernel.Flags.SO_LINGER;
import static io.sluice.kernel.Flags.SO_RCVBUF;
import static io.sluice.kernel.Flags.SO_REUSEADDR;
import static io.sluice.kernel.Flags.SO_REUSEPORT;
import static io.sluice.kernel.Flags.SO_SNDBUF;
import static io.sluice.kernel.Flags.TCP_CORK;
import static io.sluice.kernel.Flags.TCP_DEFER_ACCEPT;
import static io.sluice.kernel.Flags.TCP_FASTOPEN;
import static io.sluice.kernel.Flags.TCP_KEEPCNT;
import static io.sluice.kernel.Flags.TCP_KEEPIDLE;
import static io.sluice.kernel.Flags.TCP_KEEPINTVL;
import static io.sluice.kernel.Flags.TCP_NODELAY;
import static io.sluice.kernel.Flags.TCP_QUICKACK;
import static io.sluice.kernel.Flags.TCP_USER_TIMEOUT;

import java.util.HashMap;
import java.util.Map;

/** The options of a socket that are values to be set and read back. Guarded by itself. */
final class SocketOptions {
    static final int SO_RCVTIMEO = 20;
    static final int SO_SNDTIMEO = 21;

    /** net.core.wmem_max and rmem_max. */
    private static final int LARGEST_BUFFER = 4 << 20;

    private static final int SMALLEST_SEND_BUFFER = 4608;
    private static final int SMALLEST_RECEIVE_BUFFER = 2304;

    private record Option(int level, int name) {}

    private final Protocol protocol;
    private final Map<Option, int[]> values = new HashMap<>();
    private int sendBufferBytes;
    private int receiveBufferBytes;
    private boolean sendBufferChosen;

    SocketOptions(Protocol protocol) {
        this.protocol = protocol;
        sendBufferBytes = protocol.defaultSendBuffer();
        receiveBufferBytes = protocol.defaultReceiveBuffer();
        put(SOL_SOCKET, SO_REUSEADDR, 0);
        put(SOL_SOCKET, SO_KEEPALIVE, 0);
        put(SOL_SOCKET, SO_REUSEPORT, 0);
        put(SOL_SOCKET, SO_LINGER, 0, 0);
        put(SOL_SOCKET, SO_RCVTIMEO, 0, 0, 0, 0);
        put(SOL_SOCKET, SO_SNDTIMEO, 0, 0, 0, 0);
        if (!protocol.isUnix()) {
            put(IPPROTO_TCP, TCP_NODELAY, 0);
            put(IPPROTO_TCP, TCP_CORK, 0);
            put(IPPROTO_TCP, TCP_KEEPIDLE, 7200);
            put(IPPROTO_TCP, TCP_KEEPINTVL, 75);
            put(IPPROTO_TCP, TCP_KEEPCNT, 9);
            put(IPPROTO_TCP, TCP_DEFER_ACCEPT, 0);
            put(IPPROTO_TCP, TCP_QUICKACK, 1);
            put(IPPROTO_TCP, TCP_USER_TIMEOUT, 0);
            put(IPPROTO_TCP, TCP_FASTOPEN, 0);
        }
        if (protocol == Protocol.TCP6) {
            put(IPPROTO_IPV6, IPV6_V6ONLY, 0);
        }
    }

    private void put(int level, int name, int... value) {
        values.put(new Option(level, name), value);
    }

    /** The options of a connection that a listener with these options accepts. */
    synchronized SocketOptions inherited() {
        SocketOptions copy = new SocketOptions(protocol);
        if (!protocol.isUnix()) {
            values.forEach((option, value) -> copy.values.put(option, value.clone()));
            copy.sendBufferBytes = sendBufferBytes;
            copy.receiveBufferBytes = receiveBufferBytes;
            copy.sendBufferChosen = sendBufferChosen;
        }
        return copy;
    }

    /** A TCP connection is made: the send buffer grows unless somebody chose one. */
    synchronized void connected() {
        if (!protocol.isUnix() && !sendBufferChosen) {
            sendBufferBytes = Math.max(sendBufferBytes, Protocol.TCP_CONNECTED_SEND_BUFFER);
        }
    }

    synchronized int sendBufferBytes() {
        return sendBufferBytes;
    }

    synchronized int receiveBufferBytes() {
        return receiveBufferBytes;
    }

    /** Whether an option with one value is on. */
    synchronized boolean on(int level, int name) {
        int[] value = values.get(new Option(level, name));
        return value != null && value[0] != 0;
    }

    /** Whether close(2) is to reset the connection: lingering for no time. */
    synchronized boolean resetsAtClose() {
        int[] linger = values.get(new Option(SOL_SOCKET, SO_LINGER));
        return linger != null && linger[0] != 0 && linger[1] == 0;
    }

    /** When a call that sleeps from now on has slept enough; for SO_RCVTIMEO or SO_SNDTIMEO. */
    synchronized long deadlineNanos(int timeout) {
        int[] value = values.get(new Option(SOL_SOCKET, timeout));
        if (value == null || (value[0] | value[1] | value[2] | value[3]) == 0) {
            return Waitable.NO_DEADLINE;
        }
        long seconds = Math.min(join(value[0], value[1]), Integer.MAX_VALUE);
        return System.nanoTime() + seconds * 1_000_000_000L + join(value[2], value[3]) * 1_000L;
    }

    private static long join(int low, int high) {
        return Integer.toUnsignedLong(low) | ((long) high << 32);
    }

    synchronized long set(int level, int name, int[] value) {
        int[] present = values.get(new Option(level, name));
        boolean buffer = level == SOL_SOCKET && (name == SO_SNDBUF || name == SO_RCVBUF);
        if (present == null && !buffer) {
            return level != SOL_SOCKET && protocol.isUnix() ? -EOPNOTSUPP : -ENOPROTOOPT;
        }
        if (value.length < (present == null ? 1 : present.length)) {
            return -EINVAL;
        }
        if (present == null) {
            setBuffer(name, value[0]);
            return 0;
        }
        if (!takes(level, name, value[0])) {
            return -EINVAL;
        }
        if (protocol.isUnix() && name == SO_REUSEPORT) {
            return -EOPNOTSUPP;
        }
        for (int i = 0; i < present.length; i++) {
            present[i] = stored(level, name, i, value[i]);
        }
        return 0;
    }

    /** Doubled, for the overhead of the kernel's own [socket(7)], and at least what it needs itself. */
    private void setBuffer(int name, int bytes) {
        int chosen = (int) Math.min(Integer.toUnsignedLong(bytes), LARGEST_BUFFER) * 2;
        if (name == SO_SNDBUF) {
            sendBufferBytes = Math.max(chosen, SMALLEST_SEND_BUFFER);
            sendBufferChosen = true;
        } else {
            receiveBufferBytes = Math.max(chosen, SMALLEST_RECEIVE_BUFFER);
        }
    }

    private static boolean takes(int level, int name, int value) {
        if (level != IPPROTO_TCP) {
            return true;
        }
        return switch (name) {
            case TCP_KEEPIDLE, TCP_KEEPINTVL -> value >= 1 && value <= 32767;
            case TCP_KEEPCNT -> value >= 1 && value <= 127;
            case TCP_USER_TIMEOUT, TCP_FASTOPEN -> value >= 0;
            default -> true;
        };
    }

    /** Switches are read back as 0 or 1, numbers as they are. */
    private static int stored(int level, int name, int index, int value) {
        if (level == IPPROTO_TCP && name == TCP_DEFER_ACCEPT) {
            return secondsOfTries(value);
        }
        boolean number = level == IPPROTO_TCP
                ? name != TCP_NODELAY && name != TCP_CORK && name != TCP_QUICKACK
                : name == SO_RCVTIMEO || name == SO_SNDTIMEO || (name == SO_LINGER && index > 0);
        return number || value == 0 ? value : 1;
    }

    /** TCP_DEFER_ACCEPT counts tries that lie 1, 2, 4 … seconds apart, and shows the time they take together. */
    private static int secondsOfTries(int seconds) {
        int total = 0;
        for (int wait = 1; total < seconds && wait <= 64; wait *= 2) {
            total += wait;
        }
        return total;
    }

    /** Answers how many integers there were, or -errno. */
    synchronized long read(int level, int name, int[] out) {
        if (level == SOL_SOCKET && name == SO_SNDBUF) {
            return answer(out, sendBufferBytes);
        }
        if (level == SOL_SOCKET && name == SO_RCVBUF) {
            return answer(out, receiveBufferBytes);
        }
        int[] present = values.get(new Option(level, name));
        if (present == null) {
            boolean knownLevel = level == SOL_SOCKET || (level == IPPROTO_TCP && !protocol.isUnix());
            return knownLevel || (level == IPPROTO_IPV6 && protocol == Protocol.TCP6) ? -ENOPROTOOPT : -EOPNOTSUPP;
        }
        return answer(out, present);
    }

    static long answer(int[] out, int... value) {
        int count = Math.min(out.length, value.length);
        System.arraycopy(value, 0, out, 0, count);
        return count;
    }
}
