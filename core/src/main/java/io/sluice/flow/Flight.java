// SPDX-License-Identifier: Apache-2.0
package io.sluice.flow;

import io.sluice.kernel.Errno;
import io.sluice.kernel.TransferPath;
import java.util.Arrays;
import java.util.stream.Collectors;
import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.FlightRecorder;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/**
 * Events for JDK Flight Recorder. All are off until a recording asks for them by name; then, and only then, anything is
 * made or described. Ask {@link #isOn} before any method: a run-time image may lack the module {@code jdk.jfr}, and an
 * event class that is only looked at is registered, by reflection, which takes 150 ms of a tool's start.
 */
final class Flight {
    /** Whether this JVM has Flight Recorder, and we can see it. */
    private static final boolean IS_THERE = isThere();

    private static boolean isThere() {
        try {
            Class.forName("jdk.jfr.Event", false, Flight.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException noFlightRecorder) {
            return false;
        }
    }

    private Flight() {}

    /** Whether anything has been recorded in this JVM, and may well be now. */
    static boolean isOn() {
        return IS_THERE && FlightRecorder.isInitialized();
    }

    @Name("io.sluice.Transfer")
    @Label("Transfer")
    @Description("Bytes were moved from a source to a sink, or part of them when it failed")
    @Category("Sluice")
    @Enabled(false)
    @StackTrace(false)
    static final class TransferEvent extends Event {
        static final TransferEvent PROBE = new TransferEvent();

        @Label("Source")
        @Nullable
        String source;

        @Label("Sink")
        @Nullable
        String sink;

        @Label("Bytes")
        @Description("Bytes that reached the sink")
        @DataAmount
        long bytes;

        @Label("Paths")
        @Description("The paths by which they went, the preferred one first")
        @Nullable
        String paths;

        @Label("Ending")
        @Description("Why it ended")
        @Nullable
        String ending;
    }

    @Name("io.sluice.Fallback")
    @Label("Fallback")
    @Description("The kernel refused a path, and the next was taken")
    @Category("Sluice")
    @Enabled(false)
    @StackTrace(false)
    static final class FallbackEvent extends Event {
        static final FallbackEvent PROBE = new FallbackEvent();

        @Label("Path")
        @Description("The path that was given up")
        @Nullable
        String path;

        @Label("Call")
        @Description("The system call that refused it")
        @Nullable
        String call;

        @Label("Reason")
        @Description("The error by its name in the manual")
        @Nullable
        String reason;
    }

    @Name("io.sluice.PoolMiss")
    @Label("Pipe Pool Miss")
    @Description("There was no pipe to borrow, and bytes were copied instead")
    @Category("Sluice")
    @Enabled(false)
    @StackTrace(false)
    static final class PoolMissEvent extends Event {
        static final PoolMissEvent PROBE = new PoolMissEvent();

        @Label("Wanted Capacity")
        @DataAmount
        long wantedBytes;

        @Label("Reason")
        @Description("The bound that forbade it: pipes, bytes, or the kernel's own")
        @Nullable
        String reason;
    }

    @Name("io.sluice.BranchDetached")
    @Label("Branch Detached")
    @Description("A mirror that could not keep up was given up")
    @Category("Sluice")
    @Enabled(false)
    @StackTrace(false)
    static final class BranchDetachedEvent extends Event {
        static final BranchDetachedEvent PROBE = new BranchDetachedEvent();

        @Label("Sink")
        @Description("Its kind and descriptor")
        @Nullable
        String sink;

        @Label("Bytes")
        @Description("Bytes that had reached it")
        @DataAmount
        long bytes;
    }

    static @Nullable Object transferBegins() {
        if (!TransferEvent.PROBE.isEnabled()) {
            return null;
        }
        TransferEvent event = new TransferEvent();
        event.begin();
        return event;
    }

    static void transferEnded(Object begun, Object source, Object sink, Tally delivered, Object ending) {
        TransferEvent event = (TransferEvent) begun;
        event.end();
        if (!event.shouldCommit()) {
            return;
        }
        event.source = source.toString();
        event.sink = sink.toString();
        event.bytes = delivered.bytes();
        event.paths = Arrays.stream(TransferPath.values())
                .filter(path -> delivered.bytes(path) > 0)
                .map(TransferPath::label)
                .collect(Collectors.joining(", "));
        event.ending = ending.toString();
        event.commit();
    }

    static void fellBack(Fallback fallback) {
        if (FallbackEvent.PROBE.isEnabled()) {
            FallbackEvent event = new FallbackEvent();
            event.path = fallback.from().label();
            event.call = fallback.call();
            event.reason = Errno.name(fallback.errno());
            event.commit();
        }
    }

    static void poolMissed(long wantedBytes, String reason) {
        if (PoolMissEvent.PROBE.isEnabled()) {
            PoolMissEvent event = new PoolMissEvent();
            event.wantedBytes = wantedBytes;
            event.reason = reason;
            event.commit();
        }
    }

    static void branchDetached(Endpoint sink, long deliveredBytes) {
        if (BranchDetachedEvent.PROBE.isEnabled()) {
            BranchDetachedEvent event = new BranchDetachedEvent();
            event.sink = sink.kind().label() + " " + sink.fd();
            event.bytes = deliveredBytes;
            event.commit();
        }
    }
}
