// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static io.sluice.kernel.Flags.MSG_DONTWAIT;
import static io.sluice.kernel.Flags.MSG_NOSIGNAL;
import static io.sluice.kernel.Flags.SHUT_WR;
import static io.sluice.kernel.Flags.SOCK_CLOEXEC;
import static io.sluice.kernel.Flags.SOCK_NONBLOCK;
import static io.sluice.kernel.Flags.SOCK_STREAM;
import static io.sluice.kernel.Flags.SOL_SOCKET;
import static io.sluice.kernel.Flags.SOMAXCONN;
import static io.sluice.kernel.Flags.SO_LINGER;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Arrays;
import java.util.Random;

/**
 * A client or a backend, at the far end of one of a session's connections: what it says, and what it hears. It never
 * waits: what it can do now is done by {@link #send} and {@link #receive}. Belongs to the test.
 */
final class Far {
    private static final int ROOM_BYTES = 1 << 20;
    private static final byte[] PATTERN = new byte[1 << 21];

    static {
        new Random(7).nextBytes(PATTERN);
    }

    /** For one call at a time, since only one test runs at a time. */
    private static final MemorySegment ROOM = Arena.global().allocate(ROOM_BYTES);

    private final Kernel kernel;
    private byte[] words = new byte[0];
    private final ByteArrayOutputStream heard = new ByteArrayOutputStream();
    private int fd = -1;
    private int sentBytes;
    private boolean ends;
    private boolean ended;
    private boolean heardEnd;
    private boolean gone; // by its own doing
    private boolean wasReset; // by its own doing
    private int errno;

    Far(Kernel kernel) {
        this.kernel = kernel;
    }

    /** A socket that listens at {@code address}. */
    static int listener(Kernel kernel, SocketAddress address) {
        int fd = socket(kernel, address);
        checked(kernel.bind(fd, address));
        checked(kernel.listen(fd, SOMAXCONN));
        return fd;
    }

    static InetSocketAddress anyPort() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    }

    static SocketAddress name(Kernel kernel, int fd) {
        SocketAddress[] name = new SocketAddress[1];
        checked(kernel.getsockname(fd, name));
        return name[0];
    }

    private static int socket(Kernel kernel, SocketAddress address) {
        return (int) checked(kernel.socket(Sockets.domain(address), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    }

    private static long checked(long result) {
        assertThat(result)
                .as("a call of the test's own: %s", Errno.name((int) -result))
                .isNotNegative();
        return result;
    }

    // Beginning.

    /** Begins a connection. */
    void connect(SocketAddress to) {
        fd = socket(kernel, to);
        long result = kernel.connect(fd, to);
        assertThat(result).isIn(0L, (long) -Errno.EINPROGRESS);
    }

    /** Takes a connection if one waits. */
    boolean accept(int listener) {
        long taken = kernel.accept4(listener, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (taken < 0) {
            assertThat(taken).isEqualTo(-Errno.EAGAIN);
            return false;
        }
        fd = (int) taken;
        return true;
    }

    boolean isThere() {
        return fd >= 0;
    }

    int fd() {
        return fd;
    }

    // Saying.

    /** Will say so many bytes more, which tell where they belong. */
    void say(int bytes) {
        say(Arrays.copyOfRange(PATTERN, words.length, words.length + bytes));
    }

    void say(byte[] bytes) {
        byte[] longer = Arrays.copyOf(words, words.length + bytes.length);
        System.arraycopy(bytes, 0, longer, words.length, bytes.length);
        words = longer;
    }

    /** Will say no more after what it has to say. */
    void end() {
        ends = true;
    }

    /** Says what finds room; whether anything did. */
    boolean send() {
        if (fd < 0 || gone || errno != 0) {
            return false;
        }
        boolean moved = false;
        while (hasMore()) {
            int piece = Math.min(words.length - sentBytes, ROOM_BYTES);
            MemorySegment.copy(words, sentBytes, ROOM, ValueLayout.JAVA_BYTE, 0, piece);
            long sent = kernel.send(fd, ROOM.asSlice(0, piece), MSG_DONTWAIT | MSG_NOSIGNAL);
            if (sent == -Errno.EAGAIN) {
                return moved;
            }
            if (sent < 0) {
                errno = (int) -sent;
                return true;
            }
            sentBytes += (int) sent;
            moved = true;
        }
        if (ends && !ended) {
            ended = true;
            kernel.shutdown(fd, SHUT_WR);
            moved = true;
        }
        return moved;
    }

    /** Whether something waits for room. */
    boolean hasMore() {
        return sentBytes < words.length;
    }

    /** All that it has said or wants to say. */
    byte[] words() {
        return words;
    }

    /** Bytes that found room. */
    long sentBytes() {
        return sentBytes;
    }

    /** Whether it has an end to tell after its words. */
    boolean ends() {
        return ends;
    }

    /** Whether it has told its end. */
    boolean hasEnded() {
        return ended;
    }

    // Hearing.

    /** Takes all that is there; whether there was anything. */
    boolean receive() {
        return receive(Integer.MAX_VALUE);
    }

    /** Takes so many bytes at most. */
    boolean receive(int most) {
        boolean moved = false;
        int left = most;
        while (fd >= 0 && !gone && !heardEnd && left > 0 && (errno == 0 || errno == Errno.EPIPE)) {
            long got = kernel.recv(fd, ROOM.asSlice(0, Math.min(left, ROOM_BYTES)), MSG_DONTWAIT);
            if (got == -Errno.EAGAIN) {
                break;
            }
            moved = true;
            if (got > 0) {
                heard.writeBytes(ROOM.asSlice(0, got).toArray(ValueLayout.JAVA_BYTE));
                left -= (int) got;
            } else if (got == 0 && errno == 0) {
                heardEnd = true;
            } else if (got == 0) {
                errno = Errno.ECONNRESET; // whoever could not say all has not been told an end
            } else {
                errno = (int) -got;
            }
        }
        return moved;
    }

    byte[] heard() {
        return heard.toByteArray();
    }

    long heardBytes() {
        return heard.size();
    }

    /** Whether it was told that nothing more comes. */
    boolean heardEnd() {
        return heardEnd;
    }

    /** How its connection was lost; 0 when it was not. */
    int errno() {
        return errno;
    }

    /** Whether it has nothing more to expect. */
    boolean isOver() {
        return gone || heardEnd || (errno != 0 && errno != Errno.EPIPE);
    }

    /** Whether it has gone by itself, and hears nothing any more. */
    boolean isGone() {
        return gone;
    }

    // Going.

    /** Whether it has ended its connection by a reset. */
    boolean wasReset() {
        return wasReset;
    }

    /** Ends its connection by a reset. */
    void reset() {
        if (fd >= 0 && !gone) {
            wasReset = true;
            kernel.setsockopt(fd, SOL_SOCKET, SO_LINGER, 1, 0);
            close();
        }
    }

    /** Closes its socket, whatever is on its way. */
    void close() {
        if (fd >= 0 && !gone) {
            gone = true;
            kernel.close(fd);
        }
    }
}
