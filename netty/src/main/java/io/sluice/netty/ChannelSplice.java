// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The description of a splice; {@link #start} begins it, once. One object serves one thread.
 *
 * <p>From the start to the end of the splice, a channel that is read from is out of its event loop, and its handlers
 * are told nothing; a channel that is written to refuses the writes of others. Reads that handlers ask for are kept for
 * later. Closing a channel ends the splice first.
 */
public final class ChannelSplice {
    /** Enough for bulk, and a hundred of them fit into what the kernel grants a user for pipes by default. */
    private static final int DEFAULT_PIPE_BYTES = 256 << 10;

    /** Longer is as good as for ever, and could not be counted in nanoseconds. */
    private static final Duration LONGEST = Duration.ofDays(100 * 365);

    final Splicer splicer;
    final Channel first;
    final @Nullable Channel second;
    final @Nullable TargetFile file;
    final boolean bothWays;

    @Nullable
    ChannelFuture connecting;

    long limitBytes = Long.MAX_VALUE;
    long limitBackBytes = Long.MAX_VALUE;
    int pipeBytes = DEFAULT_PIPE_BYTES;
    Duration progressInterval = Duration.ofMillis(100);

    @Nullable
    Duration idle;

    private boolean started;

    ChannelSplice(
            Splicer splicer, Channel first, @Nullable Channel second, @Nullable TargetFile file, boolean bothWays) {
        this.splicer = splicer;
        this.first = Objects.requireNonNull(first);
        this.second = second;
        this.file = file;
        this.bothWays = bothWays;
        if (first.equals(second)) {
            throw new IllegalArgumentException(first + " cannot be spliced to itself");
        }
    }

    /** The second channel is being connected. */
    ChannelSplice after(ChannelFuture newConnecting) {
        connecting = newConnecting;
        return this;
    }

    /**
     * Ends the splice when this many bytes have gone from the source, or the first channel, to its sink; what follows
     * reaches the handlers. Without a limit the source's end decides.
     *
     * @param bytes zero or more
     */
    public ChannelSplice limit(long bytes) {
        limitBytes = requireLimit(bytes);
        return this;
    }

    /** Ends a join when this many bytes have gone from the second channel to the first. */
    public ChannelSplice limitBack(long bytes) {
        if (!bothWays) {
            throw new IllegalStateException("a transfer has one direction, and no way back to limit");
        }
        limitBackBytes = requireLimit(bytes);
        return this;
    }

    private static long requireLimit(long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("a limit of " + bytes + " bytes");
        }
        return bytes;
    }

    /**
     * Ends the splice when no byte has moved for this long, in either direction; the channels are handed back, open.
     */
    public ChannelSplice idleTimeout(Duration newIdle) {
        if (newIdle.isNegative() || newIdle.isZero()) {
            throw new IllegalArgumentException("an idle timeout of " + newIdle);
        }
        idle = countable(newIdle);
        return this;
    }

    /** Capacity in bytes of the pipe of each direction; the kernel rounds up and may grant less. */
    public ChannelSplice pipeSize(int bytes) {
        if (bytes < 1) {
            throw new IllegalArgumentException("a pipe of " + bytes + " bytes");
        }
        pipeBytes = bytes;
        return this;
    }

    /** How often, at most, listeners are told of progress; a tenth of a second by default. */
    public ChannelSplice progressInterval(Duration interval) {
        if (interval.isNegative()) {
            throw new IllegalArgumentException("an interval of " + interval);
        }
        progressInterval = countable(interval);
        return this;
    }

    private static Duration countable(Duration duration) {
        return duration.compareTo(LONGEST) < 0 ? duration : LONGEST;
    }

    /**
     * Begins. All that was written to the channels goes out first, then what Netty has read and no handler has seen
     * yet. A splice that cannot begin fails the future, with an {@link IllegalArgumentException} for a channel that
     * cannot be spliced and an {@link IllegalStateException} for one that is being spliced already.
     *
     * @throws IllegalStateException when the splicer is closed, this was started before, or the first channel was never
     *     registered to an event loop
     */
    public SpliceFuture start() {
        if (started) {
            throw new IllegalStateException("a splice starts once; describe another");
        }
        started = true;
        Splice splice = new Splice(this);
        splice.start();
        return splice;
    }
}
