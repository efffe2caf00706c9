// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel;

import java.util.List;

/**
 * A feature of kernels between whose processes descriptors can travel: SCM_RIGHTS of unix(7). What arrives refers to
 * the very thing that was sent, a listening socket with its queue for instance, and lives on when the sender closes its
 * own or ends. Safe for any thread.
 */
public interface DescriptorPassing {
    /** The most descriptors in one message (SCM_MAX_FD). */
    int MAX_DESCRIPTORS = 253;

    /**
     * Sends one byte and with it what {@code fds} refer to; sendmsg(2). Never raises SIGPIPE. Waits for room when the
     * socket is not non-blocking.
     *
     * @param socket a connected Unix stream socket
     * @param word the byte
     * @param fds at most {@link #MAX_DESCRIPTORS}, which stay the caller's
     * @return 1 or -errno: EBADF for a descriptor that is not open, ETOOMANYREFS for too many under way
     */
    long send(int socket, byte word, List<Integer> fds);

    /**
     * Receives what one {@link #send} has sent, or a byte that was written in another way; recvmsg(2). Waits when the
     * socket is not non-blocking.
     *
     * @param socket a connected Unix stream socket
     * @param fds gets the descriptors that have come; they are close-on-exec, and the caller's to close
     * @return the byte, 0 to 255; -ENODATA at the end of the stream; or -errno: EMFILE when this process had not enough
     *     descriptors left for all that came, of which none is kept then
     */
    long receive(int socket, List<Integer> fds);
}
