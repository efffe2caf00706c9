// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.ChannelInputShutdownReadComplete;
import io.netty.util.ReferenceCountUtil;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The handler in front of all others that keeps everybody else away from a lent channel. Where the input is lent, what
 * Netty reads is held back and what handlers ask to be read is noted; where the output is lent, their writes are
 * refused; and a close waits for the end of the splice, which is told of it.
 *
 * <pre>
 *            writes and closes     input
 *   SHUT     kept out              held      while the channel is lent
 *   AJAR     pass                  held      from its return until the future is done
 *   OPEN     pass                  passes
 * </pre>
 *
 * <p>Belongs to the channel's event loop.
 */
@SuppressWarnings("FutureReturnValueIgnored") // Netty tells whoever made the promise
final class Gate extends ChannelDuplexHandler {
    private static final String NAME = "sluice-splice";

    private enum State {
        SHUT,
        AJAR,
        OPEN
    }

    private final Loan loan;
    private final Channel channel;
    private final boolean lendsInput;
    private final boolean lendsOutput;
    private final Runnable whenClosed;
    private final List<ChannelPromise> closes = new ArrayList<>();

    /** What has come in and no handler has seen. */
    final HeldInput held = new HeldInput();

    private State state = State.SHUT;
    private @Nullable ChannelHandlerContext context;
    private boolean readRequested;
    private boolean inactive;

    /** Shut, and not in the pipeline yet. */
    Gate(Loan loan, boolean lendsInput, boolean lendsOutput, Runnable whenClosed) {
        this.loan = loan;
        this.channel = loan.channel();
        this.lendsInput = lendsInput;
        this.lendsOutput = lendsOutput;
        this.whenClosed = whenClosed;
    }

    /** Whether the channel is lent, or has a handler of this name of somebody else's. */
    static boolean isAt(Channel channel) {
        return channel.pipeline().get(NAME) != null;
    }

    /** The loan of the channel; null when it is not lent. */
    static @Nullable Loan loanOf(Channel channel) {
        return channel.pipeline().get(NAME) instanceof Gate gate ? gate.loan : null;
    }

    void install() {
        channel.pipeline().addFirst(NAME, this);
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        context = ctx;
    }

    /** Its place in the pipeline; only once it is there. */
    ChannelHandlerContext context() {
        ChannelHandlerContext here = context;
        if (here == null) {
            throw new IllegalStateException("the gate of " + channel + " is not in its pipeline");
        }
        return here;
    }

    // Opening.

    void setAjar() {
        state = State.AJAR;
    }

    void open() {
        state = State.OPEN;
    }

    private boolean holdsInput() {
        return lendsInput && state != State.OPEN;
    }

    private boolean keepsOthersOut() {
        return state == State.SHUT;
    }

    /** Turns auto-read on. What Netty asks for just then comes with it, at the release; listeners may change that. */
    void turnAutoReadOn() {
        boolean requested = readRequested;
        channel.config().setAutoRead(true);
        readRequested = requested;
    }

    /** Whether a handler has asked for a read meanwhile. */
    boolean readRequested() {
        return readRequested;
    }

    /** Whether handlers have been told that the channel is inactive. */
    boolean toldInactive() {
        return inactive;
    }

    /** Whether a handler has asked for a close meanwhile. */
    boolean closeRequested() {
        return !closes.isEmpty();
    }

    /** Closes the channel, and tells those who have asked for it. */
    void close() {
        ChannelHandlerContext ctx = context();
        ctx.close();
        closes.forEach(promise -> ctx.close(promise));
        closes.clear();
    }

    // What Netty tells the handlers.

    @Override
    public void channelRegistered(ChannelHandlerContext ctx) {
        if (!holdsInput()) {
            ctx.fireChannelRegistered();
        }
    }

    @Override
    public void channelUnregistered(ChannelHandlerContext ctx) {
        if (!holdsInput() || !channel.isOpen()) {
            ctx.fireChannelUnregistered();
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        inactive = true;
        held.fireBytes(ctx);
        whenClosed.run();
        ctx.fireChannelInactive();
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (holdsInput() && message instanceof ByteBuf buffer) {
            held.add(buffer);
        } else {
            ctx.fireChannelRead(message);
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        if (!holdsInput()) {
            ctx.fireChannelReadComplete();
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        boolean ofInput =
                event == ChannelInputShutdownEvent.INSTANCE || event == ChannelInputShutdownReadComplete.INSTANCE;
        if (holdsInput() && ofInput) {
            held.addEvent(event);
        } else {
            ctx.fireUserEventTriggered(event);
        }
    }

    // What the handlers ask of Netty.

    @Override
    public void read(ChannelHandlerContext ctx) {
        if (lendsInput) {
            readRequested = true;
        } else {
            ctx.read();
        }
    }

    @Override
    public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
        if (lendsOutput && keepsOthersOut()) {
            ReferenceCountUtil.release(message);
            promise.tryFailure(new IllegalStateException(
                    channel + " is being spliced: what is written now would get between the bytes of the splice"));
        } else {
            ctx.write(message, promise);
        }
    }

    @Override
    public void close(ChannelHandlerContext ctx, ChannelPromise promise) {
        if (keepsOthersOut()) {
            closes.add(promise);
            whenClosed.run();
        } else {
            ctx.close(promise);
        }
    }

    @Override
    public void disconnect(ChannelHandlerContext ctx, ChannelPromise promise) {
        close(ctx, promise);
    }

    @Override
    public void deregister(ChannelHandlerContext ctx, ChannelPromise promise) {
        if (keepsOthersOut()) {
            promise.tryFailure(new IllegalStateException(channel + " is being spliced, and comes back by itself"));
        } else {
            ctx.deregister(promise);
        }
    }
}
