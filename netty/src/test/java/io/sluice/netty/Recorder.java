// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** The last handler of a pipeline: keeps the bytes and the names of the events that reach it. */
final class Recorder extends ChannelInboundHandlerAdapter {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final List<String> events = new CopyOnWriteArrayList<>();

    byte[] bytes() {
        synchronized (bytes) {
            return bytes.toByteArray();
        }
    }

    /** Waits for so many bytes, and returns all that have come. */
    byte[] bytes(int count) throws InterruptedException {
        NettyFixture.eventually(() -> bytes().length >= count);
        return bytes();
    }

    List<String> events() {
        return events;
    }

    boolean saw(String event) throws InterruptedException {
        return NettyFixture.eventually(() -> events.contains(event));
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        ByteBuf buffer = (ByteBuf) message;
        byte[] copy = new byte[buffer.readableBytes()];
        buffer.readBytes(copy);
        buffer.release();
        synchronized (bytes) {
            bytes.writeBytes(copy);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        events.add("inactive");
    }

    @Override
    public void channelRegistered(ChannelHandlerContext ctx) {
        events.add("registered");
    }

    @Override
    public void channelUnregistered(ChannelHandlerContext ctx) {
        events.add("unregistered");
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        events.add(event.getClass().getSimpleName());
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        events.add("exception " + cause);
    }
}
