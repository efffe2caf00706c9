// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelInboundInvoker;
import java.util.ArrayList;
import java.util.List;

/**
 * What Netty has read from a lent channel and no handler has seen: bytes, and after them the events that tell of their
 * end. Belongs to the channel's event loop.
 */
final class HeldInput {
    private final List<ByteBuf> buffers = new ArrayList<>();
    private final List<Object> events = new ArrayList<>();

    void add(ByteBuf buffer) {
        buffers.add(buffer);
    }

    /** What was taken out and not used goes before all that has come since. */
    void putBack(ByteBuf buffer) {
        if (buffer.isReadable()) {
            buffers.addFirst(buffer);
        } else {
            buffer.release();
        }
    }

    void addEvent(Object event) {
        events.add(event);
    }

    /** Whether Netty has found the end of the input. */
    boolean hasEvents() {
        return !events.isEmpty();
    }

    /** Takes all bytes out, in one buffer outside the heap, where the kernel can take them. */
    ByteBuf takeBytes(ByteBufAllocator allocator) {
        int bytes = buffers.stream().mapToInt(ByteBuf::readableBytes).sum();
        ByteBuf all = bytes == 0 ? Unpooled.EMPTY_BUFFER : allocator.directBuffer(bytes);
        for (ByteBuf buffer : buffers) {
            all.writeBytes(buffer);
            buffer.release();
        }
        buffers.clear();
        return all;
    }

    void fireBytes(ChannelInboundInvoker to) {
        if (buffers.isEmpty()) {
            return;
        }
        List<ByteBuf> fired = List.copyOf(buffers);
        buffers.clear();
        fired.forEach(to::fireChannelRead);
        to.fireChannelReadComplete();
    }

    void fireEvents(ChannelInboundInvoker to) {
        List<Object> fired = List.copyOf(events);
        events.clear();
        fired.forEach(to::fireUserEventTriggered);
    }

    /** All of it goes to another, before what that one holds. */
    void moveTo(HeldInput next) {
        next.buffers.addAll(0, buffers);
        next.events.addAll(0, events);
        buffers.clear();
        events.clear();
    }

    void release() {
        buffers.forEach(ByteBuf::release);
        buffers.clear();
    }
}
