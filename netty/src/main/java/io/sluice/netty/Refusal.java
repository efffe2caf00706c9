// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.epoll.AbstractEpollStreamChannel;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.unix.DomainSocketReadMode;
import java.nio.channels.ClosedChannelException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Which channels cannot be spliced, and what to do about it. */
final class Refusal {
    private Refusal() {}

    /** Why the channel cannot be spliced; null when it can. */
    static @Nullable Throwable of(Channel channel) {
        if (!(channel instanceof AbstractEpollStreamChannel)) {
            return new IllegalArgumentException(channel + " is no stream channel of the epoll transport, and only those"
                    + " can be spliced: make its event loops with EpollIoHandler.newFactory() and the channel an"
                    + " EpollSocketChannel or EpollDomainSocketChannel");
        }
        if (channel instanceof EpollDomainSocketChannel unix
                && unix.config().getReadMode() != DomainSocketReadMode.BYTES) {
            return new IllegalArgumentException(channel + " receives descriptors, and those cannot be spliced");
        }
        for (Map.Entry<String, ChannelHandler> handler : channel.pipeline()) {
            if (isOfTls(handler.getValue().getClass())) {
                return new IllegalArgumentException(channel + " cannot be spliced: with \"" + handler.getKey() + "\" ("
                        + handler.getValue().getClass().getName() + ") in its pipeline, what its socket carries are"
                        + " TLS records and not the bytes that handlers see");
            }
        }
        return channel.isActive() ? null : new ClosedChannelException();
    }

    private static boolean isOfTls(Class<?> type) {
        for (Class<?> c = type; c != null; c = c.getSuperclass()) {
            if (c.getPackageName().equals("io.netty.handler.ssl")) {
                return true;
            }
        }
        return false;
    }
}
