// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Listening sockets that a process is started with: the protocol of systemd's socket activation, sd_listen_fds(3).
 * LISTEN_FDS of them have the numbers from 3 on, if LISTEN_PID names this process and not its parent.
 */
final class Activation {
    private static final int FIRST = 3;

    /** The most that a process may have by Linux's own highest limit (fs.nr_open). */
    private static final int MOST = 1 << 20;

    private Activation() {}

    /** The descriptors, none when there are none for this process. */
    static List<Integer> descriptors(Map<String, String> environment, long pid) throws IOException {
        String count = environment.get("LISTEN_FDS");
        if (count == null || !String.valueOf(pid).equals(environment.get("LISTEN_PID"))) {
            return List.of();
        }
        if (!count.matches("[0-9]{1,7}") || Integer.parseInt(count) > MOST) {
            throw new IOException("LISTEN_FDS is the number of sockets that were passed, and not '" + count + "'");
        }
        return IntStream.range(FIRST, FIRST + Integer.parseInt(count)).boxed().toList();
    }
}
