// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.util.concurrent.Future;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;
import io.sluice.kernel.wrap.CountingKernel;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * Real epoll channels with real sockets at their other ends, and a splicer on a counting kernel. Every test ends with
 * the descriptors and the buffers that it began with.
 */
abstract class NettyFixture {
    private static final long PATIENCE_SECONDS = 20;

    final UnpooledByteBufAllocator buffers = new UnpooledByteBufAllocator(true);
    private final List<AutoCloseable> toClose = new ArrayList<>();
    private OpenDescriptors before;
    MultiThreadIoEventLoopGroup loops;
    CountingKernel kernel;
    Splicer splicer;

    /** A channel and, at the other end of its connection, a plain socket. */
    record Wire(Channel channel, Socket peer, Recorder recorder) {
        /**
         * Not before what has been asked of the channel so far is under way: a splice that was started has its bytes.
         */
        void send(byte[] bytes) throws Exception {
            onLoop(channel, () -> {});
            peer.getOutputStream().write(bytes);
        }

        /** The peer ends its side; not before what has been asked of the channel, as above. */
        void end() throws Exception {
            onLoop(channel, () -> {});
            peer.shutdownOutput();
        }

        byte[] receive(int count) throws IOException {
            byte[] bytes = peer.getInputStream().readNBytes(count);
            assertThat(bytes).as("bytes until the peer's end").hasSize(count);
            return bytes;
        }

        /** Everything until the end of the stream. */
        byte[] receiveAll() throws IOException {
            return peer.getInputStream().readAllBytes();
        }
    }

    @BeforeEach
    final void open() throws IOException {
        assumeTrue(
                Epoll.isAvailable(), () -> "Netty's epoll transport is not available: " + Epoll.unavailabilityCause());
        Kernel linux = null;
        try {
            linux = new LinuxKernel();
        } catch (UnsupportedOperationException refused) {
            assumeTrue(false, () -> "native access is denied: " + refused.getMessage());
        }
        loops = new MultiThreadIoEventLoopGroup(2, EpollIoHandler.newFactory());
        // What Netty opens once for each loop belongs to no test.
        loops.forEach(loop -> loop.submit(() -> {}).syncUninterruptibly());
        useJdkSocket();
        before = OpenDescriptors.now();
        kernel = new CountingKernel(linux);
        splicer = Splicer.on(kernel);
    }

    /** Has the JDK open what it needs for closing sockets, and keeps. */
    private static void useJdkSocket() throws IOException {
        try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                Socket near = new Socket(listener.getInetAddress(), listener.getLocalPort());
                Socket far = listener.accept()) {
            near.shutdownOutput();
            assertThat(far.getInputStream().read()).isEqualTo(-1);
        }
    }

    @AfterEach
    final void close() throws Exception {
        if (before == null) {
            return;
        }
        splicer.close();
        for (AutoCloseable resource : toClose.reversed()) {
            resource.close();
        }
        eventually(() -> before.leaks(OpenDescriptors.now()).isEmpty());
        assertThat(before.leaks(OpenDescriptors.now()))
                .as("descriptors left open")
                .isEmpty();
        eventually(() ->
                buffers.metric().usedDirectMemory() == 0 && buffers.metric().usedHeapMemory() == 0);
        assertThat(buffers.metric().usedDirectMemory())
                .as("direct memory of buffers not released")
                .isZero();
        assertThat(buffers.metric().usedHeapMemory())
                .as("heap memory of buffers not released")
                .isZero();
        loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
        kernel.close();
    }

    /** Waits for what happens by itself in a moment; false when it does not. */
    static boolean eventually(BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                return false;
            }
            TimeUnit.MILLISECONDS.sleep(2);
        }
        return true;
    }

    static <T> T done(Future<T> future) throws Exception {
        assertThat(future.await(PATIENCE_SECONDS, TimeUnit.SECONDS))
                .as("done in time")
                .isTrue();
        return future.sync().getNow();
    }

    static void settled(Future<?> future) throws Exception {
        assertThat(future.await(PATIENCE_SECONDS, TimeUnit.SECONDS))
                .as("done in time")
                .isTrue();
    }

    static <T> T done(CompletableFuture<T> future) throws Exception {
        return future.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }

    EventLoop loop(int index) {
        List<EventLoop> all = new ArrayList<>();
        loops.forEach(loop -> all.add((EventLoop) loop));
        return all.get(index);
    }

    /** A connection whose channel runs on that event loop, with a recorder at the end of its pipeline. */
    Wire wire(int loop, ChannelHandler... handlers) throws Exception {
        try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Recorder recorder = new Recorder();
            Channel channel = done(connect(
                    loop,
                    new InetSocketAddress(listener.getInetAddress(), listener.getLocalPort()),
                    recorder,
                    handlers));
            Socket peer = listener.accept();
            recorder.events().clear();
            peer.setSoTimeout((int) TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS));
            toClose.add(peer);
            toClose.add(() -> channel.close().sync());
            return new Wire(channel, peer, recorder);
        }
    }

    private CompletableFuture<Channel> connect(
            int loop, InetSocketAddress address, Recorder recorder, ChannelHandler... handlers) {
        CompletableFuture<Channel> connected = new CompletableFuture<>();
        ChannelHandler all = new ChannelInitializer<Channel>() {
            @Override
            protected void initChannel(Channel channel) {
                channel.pipeline().addLast(handlers).addLast(recorder);
            }
        };
        new Bootstrap()
                .group(loop(loop))
                .channel(EpollSocketChannel.class)
                .option(ChannelOption.ALLOCATOR, buffers)
                .handler(all)
                .connect(address)
                .addListener((ChannelFuture connection) -> {
                    if (connection.isSuccess()) {
                        connected.complete(connection.channel());
                    } else {
                        connected.completeExceptionally(connection.cause());
                    }
                });
        return connected;
    }

    /** Runs it on the channel's event loop, and waits for its end. */
    static void onLoop(Channel channel, Runnable task) throws Exception {
        done(channel.eventLoop().submit(task));
    }

    /** Sends on another thread, since whoever sends may have to wait for who receives. */
    static CompletableFuture<Void> sending(Wire wire, byte[] bytes) throws Exception {
        return sending(wire, bytes, bytes.length);
    }

    /** Sends {@code count} bytes: those given, again and again. */
    static CompletableFuture<Void> sending(Wire wire, byte[] bytes, long count) throws Exception {
        onLoop(wire.channel(), () -> {});
        return CompletableFuture.runAsync(
                () -> {
                    try {
                        OutputStream out = wire.peer().getOutputStream();
                        for (long left = count; left > 0; left -= bytes.length) {
                            out.write(bytes, 0, (int) Math.min(left, bytes.length));
                        }
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                },
                task -> Thread.ofPlatform().start(task));
    }

    static CompletableFuture<byte[]> receiving(Socket peer, int count) {
        return CompletableFuture.supplyAsync(
                () -> {
                    try {
                        return peer.getInputStream().readNBytes(count);
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                },
                task -> Thread.ofPlatform().start(task));
    }

    static byte[] random(int count) {
        byte[] bytes = new byte[count];
        new Random(count).nextBytes(bytes);
        return bytes;
    }
}
