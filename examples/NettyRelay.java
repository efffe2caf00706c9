// SPDX-License-Identifier: Apache-2.0
// java --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow -cp "core/target/classes:netty/target/classes:netty/target/lib/*" examples/NettyRelay.java LISTEN-PORT HOST PORT
// Relays TCP by splice: Netty accepts and connects, and decides; Sluice moves the bytes.
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.*;
import io.netty.channel.epoll.*;
import io.sluice.netty.*;
import java.time.Duration;

void main(String[] args) throws Exception {
    if (args.length != 3) {
        System.err.println("usage: NettyRelay.java LISTEN-PORT HOST PORT");
        System.exit(2);
    }
    EventLoopGroup loops = new MultiThreadIoEventLoopGroup(EpollIoHandler.newFactory());
    try (Splicer splicer = Splicer.open()) {
        Channel listener = new ServerBootstrap()
                .group(loops)
                .channel(EpollServerSocketChannel.class)
                .childHandler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel client) {
                        relay(client, splicer, loops, args[1], Integer.parseInt(args[2]));
                    }
                })
                .bind(Integer.parseInt(args[0]))
                .sync()
                .channel();
        IO.println("listening on " + listener.localAddress());
        listener.closeFuture().sync();
    }
}

void relay(Channel client, Splicer splicer, EventLoopGroup loops, String host, int port) {
    ChannelFuture connecting = new Bootstrap()
            .group(loops)
            .channel(EpollSocketChannel.class)
            .handler(new ChannelInboundHandlerAdapter())
            .connect(host, port);
    splicer.join(client, connecting).idleTimeout(Duration.ofMinutes(10)).start().addListener(ended -> {
        IO.println(ended.isSuccess() ? ended.getNow() : ended.cause());
        client.close();
        connecting.channel().close();
    });
}
