// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.Future;
import io.sluice.netty.Splicer;

/**
 * A TCP relay in three ways, for {@code bench/netty.sh}: Sluice's join, Netty's ByteBufs, and Netty's spliceTo. Takes
 * the way and the ports of listener and server, says "ready" and as which process, and ends with its input.
 */
@SuppressWarnings("FutureReturnValueIgnored") // failures close the channels, and the figures show it
public final class NettyRelays {
    private final String way;
    private final int serverPort;
    private final Splicer splicer = Splicer.open();

    private NettyRelays(String way, int serverPort) {
        this.way = way;
        this.serverPort = serverPort;
    }

    /** Arguments: {@code sluice}, {@code bytebuf} or {@code spliceTo}; the port to listen on; the server's. */
    public static void main(String[] arguments) throws Exception {
        NettyRelays relays = new NettyRelays(arguments[0], Integer.parseInt(arguments[2]));
        // One loop, as spliceTo wants both channels on one.
        MultiThreadIoEventLoopGroup loops = new MultiThreadIoEventLoopGroup(
                1, new DefaultThreadFactory("relay", true), EpollIoHandler.newFactory());
        new ServerBootstrap()
                .group(loops)
                .channel(EpollServerSocketChannel.class)
                .childOption(ChannelOption.AUTO_READ, false)
                .childHandler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel client) {
                        relays.connect((EpollSocketChannel) client);
                    }
                })
                .bind("127.0.0.1", Integer.parseInt(arguments[1]))
                .sync();
        System.out.println("ready as process " + ProcessHandle.current().pid());
        while (System.in.read() != -1) {
            // Until whoever started it has gone.
        }
        System.exit(0);
    }

    private void connect(EpollSocketChannel client) {
        EventLoop loop = client.eventLoop();
        new Bootstrap()
                .group(loop)
                .channel(EpollSocketChannel.class)
                .option(ChannelOption.AUTO_READ, false)
                .handler(new ChannelInboundHandlerAdapter())
                .connect("127.0.0.1", serverPort)
                .addListener((ChannelFuture connected) -> {
                    if (connected.isSuccess()) {
                        relay(client, (EpollSocketChannel) connected.channel());
                    } else {
                        client.close();
                    }
                });
    }

    private void relay(EpollSocketChannel client, EpollSocketChannel server) {
        switch (way) {
            case "sluice" ->
                splicer.join(client, server).start().addListener(ended -> {
                    client.close();
                    server.close();
                });
            case "bytebuf" -> {
                client.pipeline().addLast(new Forwarding(server));
                server.pipeline().addLast(new Forwarding(client));
                client.read();
                server.read();
            }
            case "spliceTo" -> {
                spliceTo(client, server);
                spliceTo(server, client);
                client.config().setAutoRead(true);
                server.config().setAutoRead(true);
            }
            default -> throw new IllegalArgumentException(way);
        }
    }

    @SuppressWarnings("deprecation") // it is what we compare with
    private static void spliceTo(EpollSocketChannel from, EpollSocketChannel to) {
        Future<?> spliced = from.spliceTo(to, Integer.MAX_VALUE);
        spliced.addListener(ended -> {
            from.close();
            to.close();
        });
        from.closeFuture().addListener(closed -> to.close());
    }

    /**
     * Writes what it reads to the other channel, and reads on when that is done: backpressure as in Netty's examples.
     */
    private static final class Forwarding extends ChannelInboundHandlerAdapter {
        private final Channel to;

        Forwarding(Channel to) {
            this.to = to;
        }

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            to.writeAndFlush(message).addListener((ChannelFutureListener) written -> {
                if (written.isSuccess()) {
                    ctx.channel().read();
                } else {
                    ctx.close();
                }
            });
        }

        @Override
        public void channelInactive(ChannelHandlerContext ctx) {
            to.close();
        }
    }
}
