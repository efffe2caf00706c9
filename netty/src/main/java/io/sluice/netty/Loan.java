// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import static io.sluice.kernel.Flags.F_DUPFD_CLOEXEC;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundInvoker;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.epoll.AbstractEpollStreamChannel;
import io.sluice.flow.Descriptor;
import io.sluice.kernel.Kernel;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * A channel lent by Netty: how it is taken over and given back. Meanwhile its {@link Gate} keeps everybody else away.
 *
 * <p>A channel whose input is lent is deregistered from its event loop. To turn off reading would not be enough: at the
 * peer's end Netty reads all that is left, whatever it was told, and closes the channel. What it has read on the way
 * out of the loop is kept ({@link #early}). A duplicate of its descriptor is used meanwhile, so that no close by Netty
 * frees the number under a running call; and the end that Netty has to be told of is found by itself once the channel
 * is back.
 *
 * <p>Everything but the accessors runs on the channel's event loop.
 */
@SuppressWarnings("FutureReturnValueIgnored") // Netty tells whoever made the promise
final class Loan {
    /** Duplicates stay clear of the standard streams. */
    private static final int LOWEST_DUPLICATE = 3;

    /** Told that a channel has been taken over, or why not. */
    interface Begun {
        void begun(@Nullable Throwable cause);
    }

    private enum Phase {
        /** Not in the pipeline yet. */
        NEW,
        /** What was written before goes out. */
        FLUSHING,
        /** On its way out of the event loop. */
        LEAVING,
        LENT,
        /** On its way back into the event loop. */
        RETURNING,
        /** Back, and holding what is read until the future is done. */
        BACK,
        DONE
    }

    private final Channel channel;
    private final Kernel kernel;
    private final boolean lendsInput;
    private final Gate gate;
    private final HeldInput held;
    private final ChannelFutureListener closedListener;

    private Phase phase = Phase.NEW;
    private @Nullable Begun waiting;
    private @Nullable Descriptor descriptor;
    private ByteBuf early = Unpooled.EMPTY_BUFFER;
    private @Nullable Loan successor;
    private boolean autoRead;
    private boolean allowsHalfClosure;

    Loan(Channel channel, Kernel kernel, boolean lendsInput, boolean lendsOutput, Runnable whenClosed) {
        this.channel = channel;
        this.kernel = kernel;
        this.lendsInput = lendsInput;
        this.gate = new Gate(this, lendsInput, lendsOutput, whenClosed);
        this.held = gate.held;
        this.closedListener = _ -> whenClosed.run();
    }

    Channel channel() {
        return channel;
    }

    /** The duplicate; only while lent. */
    Descriptor descriptor() {
        return require(descriptor);
    }

    /** What Netty has read and no handler has seen. Whoever takes bytes out moves the reader index. */
    ByteBuf early() {
        return early;
    }

    private static <T> T require(@Nullable T present) {
        if (present == null) {
            throw new IllegalStateException("the channel is not lent");
        }
        return present;
    }

    /** Runs a task on the channel's event loop, or {@code whenRejected} here when there is none or it has ended. */
    void onLoop(Runnable task, Runnable whenRejected) {
        EventLoop loop;
        try {
            loop = channel.eventLoop();
        } catch (IllegalStateException never) { // such as the channel of a connection for which there was no descriptor
            whenRejected.run();
            return;
        }
        if (loop.inEventLoop()) {
            task.run();
            return;
        }
        try {
            loop.execute(task);
        } catch (RejectedExecutionException ended) {
            whenRejected.run();
        }
    }

    // Taking over.

    /** Takes the channel over as soon as it is connected. */
    void begin(ChannelFuture connecting, Begun begun) {
        waiting = begun;
        connecting.addListener((ChannelFuture connected) -> {
            if (waiting == null) {
                return; // the splice was stopped
            }
            waiting = null;
            if (connected.isSuccess()) {
                begin(begun);
            } else {
                begun.begun(connected.cause());
            }
        });
    }

    void begin(Begun begun) {
        Loan last = Gate.loanOf(channel);
        if (last != null && last.phase == Phase.BACK && !last.isPromised()) {
            last.successor = this;
            waiting = begun;
            return;
        }
        Throwable refusal = Refusal.of(channel);
        if (refusal == null && Gate.isAt(channel)) {
            refusal = new IllegalStateException(channel + " is being spliced already");
        }
        if (refusal != null) {
            begun.begun(refusal);
            return;
        }
        gate.install();
        phase = Phase.FLUSHING;
        waiting = begun;
        channel.closeFuture().addListener(closedListener);
        if (lendsInput) {
            autoRead = channel.config().isAutoRead();
            channel.config().setAutoRead(false);
            // Else Netty would close the channel at an end that it meets on the way out.
            allowsHalfClosure = channel.config().getOption(ChannelOption.ALLOW_HALF_CLOSURE);
            channel.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
        }
        // An empty buffer is through when all before it is.
        gate.context().writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(flushed -> {
            if (phase == Phase.FLUSHING) {
                flushed(begun, flushed.cause());
            }
        });
    }

    /** Whether another splice waits for the release already, and has not been stopped. */
    private boolean isPromised() {
        return successor != null && successor.waiting != null;
    }

    private void flushed(Begun begun, @Nullable Throwable cause) {
        if (cause != null) {
            lent(begun, cause);
        } else if (lendsInput) {
            phase = Phase.LEAVING;
            gate.context().deregister().addListener(left -> lent(begun, left.cause()));
        } else {
            lent(begun, null);
        }
    }

    private void lent(Begun begun, @Nullable Throwable cause) {
        phase = Phase.LENT;
        if (cause != null) {
            begun.begun(cause);
        } else if (!channel.isOpen()) {
            begun.begun(new ClosedChannelException());
        } else {
            int fd = ((AbstractEpollStreamChannel) channel).fd().intValue();
            long duplicate = kernel.fcntl(fd, F_DUPFD_CLOEXEC, LOWEST_DUPLICATE);
            if (duplicate < 0) {
                begun.begun(new SpliceException("fcntl F_DUPFD_CLOEXEC", (int) -duplicate, channel.toString()));
                return;
            }
            descriptor = new Descriptor(kernel, (int) duplicate);
            early = held.takeBytes(channel.alloc());
            begun.begun(null);
        }
    }

    /** The splice has been stopped: neither a connection nor what is still going out need be waited for. */
    void hurry() {
        if (phase == Phase.FLUSHING) {
            phase = Phase.LENT;
        } else if (phase != Phase.NEW || waiting == null) {
            return;
        }
        Begun told = require(waiting);
        waiting = null;
        told.begun(null);
    }

    // Giving back.

    /** The lanes have ended: closes the duplicate, which would keep the connection open after a close by Netty. */
    void closeDuplicate() {
        Descriptor last = descriptor;
        descriptor = null;
        if (last != null) {
            last.close();
        }
    }

    /** The other side's end is passed on. */
    void shutdownOutput() {
        ((AbstractEpollStreamChannel) channel).shutdownOutput();
    }

    /** Registers the channel again, and sends what the splice could not. */
    void giveBack(@Nullable ByteBuf leftover, Runnable whenBack) {
        if (phase == Phase.NEW) {
            whenBack.run();
            return;
        }
        phase = Phase.RETURNING;
        if (lendsInput && channel.isOpen() && !channel.isRegistered()) {
            channel.eventLoop().register(channel).addListener((ChannelFuture registered) -> back(leftover, whenBack));
        } else {
            back(leftover, whenBack);
        }
    }

    private void back(@Nullable ByteBuf leftover, Runnable whenBack) {
        phase = Phase.BACK;
        gate.setAjar();
        if (leftover != null) {
            gate.context().writeAndFlush(leftover);
        }
        held.putBack(early);
        early = Unpooled.EMPTY_BUFFER;
        if (lendsInput && autoRead) {
            gate.turnAutoReadOn();
        }
        whenBack.run();
    }

    /** The future is done: handlers see what the splice has left to them. */
    void release(boolean cut) {
        if (phase == Phase.NEW) {
            return;
        }
        ChannelHandlerContext ctx = gate.context();
        phase = Phase.DONE;
        gate.open();
        channel.closeFuture().removeListener(closedListener);
        if (lendsInput) {
            channel.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, allowsHalfClosure);
        }
        if (successor == null) {
            held.fireBytes(ctx);
        }
        if (cut && channel.isOpen()) {
            channel.config().setOption(ChannelOption.SO_LINGER, 0);
        }
        if (cut || gate.closeRequested()) {
            gate.close();
        }
        if (lendsInput && !gate.toldInactive() && !channel.isOpen() && !channel.isRegistered()) {
            // Closed while no event loop knew it: Netty has told nobody, and will not.
            channel.pipeline().fireChannelInactive();
            channel.pipeline().fireChannelUnregistered();
        } else if (!ctx.isRemoved()) {
            leave(ctx);
        }
        succeed();
    }

    /** The next splice of this channel was begun when this one was as good as done: it gets what is left. */
    private void succeed() {
        Loan next = successor;
        if (next == null) {
            return;
        }
        Begun begun = next.waiting;
        if (begun != null) { // else it was stopped
            next.begin(begun);
        }
        if (next.phase != Phase.NEW && next.lendsInput) {
            held.moveTo(next.held);
        } else {
            held.fireBytes(channel.pipeline());
            passEndOn(channel.pipeline());
        }
    }

    /** The end that Netty has found: handlers are told, or Netty does what it would have done but for the loan. */
    private void passEndOn(ChannelInboundInvoker to) {
        if (allowsHalfClosure) {
            held.fireEvents(to);
        } else if (held.hasEvents()) {
            channel.unsafe().close(channel.unsafe().voidPromise());
        }
    }

    private void leave(ChannelHandlerContext ctx) {
        if (successor == null) {
            passEndOn(ctx);
        }
        channel.pipeline().remove(gate);
        // At the end of the input nothing is left to read. To ask for it would even close the channel, where its event
        // loop has found that end already: Netty (4.2.18) has taken a descriptor without interests out of its epoll
        // set then, and fails to change what is not there any more.
        if (lendsInput
                && (gate.readRequested() || channel.config().isAutoRead())
                && channel.isActive()
                && !((AbstractEpollStreamChannel) channel).isInputShutdown()) {
            channel.read();
        }
    }

    /** There is no event loop, or none any more: nobody to give the channel to, if it was ever taken. */
    void abandon(@Nullable ByteBuf leftover) {
        if (leftover != null) {
            leftover.release();
        }
        early.release();
        early = Unpooled.EMPTY_BUFFER;
        held.release();
        if (phase != Phase.NEW) {
            channel.unsafe().closeForcibly();
        }
    }
}
