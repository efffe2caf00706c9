// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.relay.record.RecordingStatus;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A relay at one moment. Numbers that grow are since its start, and those of a route since it was last changed.
 *
 * @param since when it was started
 * @param accepting whether it takes connections, or is being drained
 * @param sessions now
 * @param routes in the order of the configuration
 * @param loops its threads
 * @param recording null when there is none
 */
public record RelayStatus(
        Instant since,
        boolean accepting,
        int sessions,
        List<RouteStatus> routes,
        List<LoopStatus> loops,
        @Nullable RecordingStatus recording) {
    /** Copies the lists. */
    public RelayStatus {
        routes = List.copyOf(routes);
        loops = List.copyOf(loops);
    }

    /** Whether it takes connections, and each route has a backend that is up. */
    public boolean isReady() {
        return accepting
                && routes.stream().allMatch(route -> route.backends().stream().anyMatch(BackendStatus::isUp));
    }

    /**
     * A route.
     *
     * @param listeners where it takes connections, as the configuration says it
     * @param sessions now
     * @param queued that wait for room in the route
     * @param accepted sessions that were let in
     * @param refused sessions that were not
     * @param ended sessions, by what ended them
     * @param up bytes on their way to the backends, by how they were moved
     * @param down bytes on their way to the clients
     * @param mirrors in the order of the configuration
     */
    public record RouteStatus(
            String name,
            List<String> listeners,
            int sessions,
            int queued,
            long accepted,
            long refused,
            Map<Termination.Cause, Long> ended,
            Map<Manner, Long> up,
            Map<Manner, Long> down,
            List<BackendStatus> backends,
            List<MirrorStatus> mirrors) {
        /** Copies what is given. */
        public RouteStatus {
            listeners = List.copyOf(listeners);
            ended = Map.copyOf(ended);
            up = Map.copyOf(up);
            down = Map.copyOf(down);
            backends = List.copyOf(backends);
            mirrors = List.copyOf(mirrors);
        }
    }

    /**
     * A mirror.
     *
     * @param of whose bytes it gets
     * @param sessions that it is connected for now, or that are still on their way to it
     * @param mirrored sessions that were in its sample
     * @param bytes that its sockets have taken
     * @param lagBytes that wait for it now
     * @param missedBytes that it did not get, and will not, in sessions in which it was given up
     * @param lost sessions in which it was, by the reason
     */
    public record MirrorStatus(
            String name,
            Mirror.Of of,
            int sessions,
            long mirrored,
            long bytes,
            long lagBytes,
            long missedBytes,
            Map<Mirror.Loss, Long> lost) {
        /** Copies the map. */
        public MirrorStatus {
            lost = Map.copyOf(lost);
        }
    }

    /** Whether a backend gets sessions. */
    public enum State {
        UP,
        /** Too many checks in a row have failed. */
        DOWN,
        /** An operator has said so. */
        DRAINED,
        /** Its name stands for no address. */
        UNRESOLVED
    }

    /**
     * A backend.
     *
     * @param lastCheck the outcome of the last health check, for people; empty before the first
     * @param backup whether it is there for when no other is up
     * @param weight its share, as the configuration says it
     * @param addresses where it is
     * @param sessions now
     * @param served sessions that it was given
     * @param failedConnects connections to it that came to nothing
     * @param bytesUp on their way to it
     * @param bytesDown that came from it
     */
    public record BackendStatus(
            String name,
            State state,
            String lastCheck,
            boolean backup,
            int weight,
            List<String> addresses,
            int sessions,
            long served,
            long failedConnects,
            long bytesUp,
            long bytesDown) {
        /** Copies the list. */
        public BackendStatus {
            addresses = List.copyOf(addresses);
        }

        /** Whether it gets sessions. */
        public boolean isUp() {
            return state == State.UP;
        }
    }

    /**
     * An event loop and its pipes.
     *
     * @param cpuNanos that its thread has used; -1 where the JVM cannot tell
     * @param pipesInUse that hold bytes, or may at any moment
     * @param pipesIdle that wait for use
     * @param pipeBytes which they can hold together
     * @param pipesMade since the start
     * @param pipesRefused for want of room, so that bytes were copied
     */
    public record LoopStatus(
            String name,
            int sessions,
            long cpuNanos,
            int pipesInUse,
            int pipesIdle,
            long pipeBytes,
            long pipesMade,
            long pipesRefused) {}
}
