// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.IllegalBlockingModeException;
import java.nio.channels.SelectableChannel;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The channels that are non-blocking for the sake of our ends, and for how many: a channel that was adopted as a source
 * and as a sink gets its mode back when the second of them is released. The mode is changed by the channel's own
 * method, so that it knows. It belongs to the process, as the channels do.
 */
final class ChannelMode {
    /** Each count is guarded by its channel's blockingLock. */
    private static final ConcurrentHashMap<SelectableChannel, Integer> HOLDERS = new ConcurrentHashMap<>();

    private ChannelMode() {}

    /** Makes the channel non-blocking; false when its owner has done so, and nothing is to be released. */
    static boolean hold(SelectableChannel channel) throws IOException {
        synchronized (channel.blockingLock()) {
            int holders = HOLDERS.getOrDefault(channel, 0);
            if (holders == 0) {
                if (!channel.isBlocking()) {
                    return false;
                }
                channel.configureBlocking(false);
            }
            HOLDERS.put(channel, holders + 1);
            return true;
        }
    }

    /** Makes the channel blocking again when nobody else holds it. */
    static void release(SelectableChannel channel) {
        synchronized (channel.blockingLock()) {
            int holders = HOLDERS.getOrDefault(channel, 0) - 1;
            if (holders > 0) {
                HOLDERS.put(channel, holders);
                return;
            }
            HOLDERS.remove(channel);
            try {
                channel.configureBlocking(true);
            } catch (ClosedChannelException | IllegalBlockingModeException notNeeded) {
                // Its owner has closed it, or registered it with a selector, which needs it as it is.
            } catch (IOException e) {
                throw new UncheckedIOException("the channel could not be made blocking again", e);
            }
        }
    }
}
