// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.SocketEnd;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Snapshot;
import io.sluice.kernel.user.UserKernel;
import io.sluice.kernel.wrap.FaultyKernel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * A relay begins, and takes a new configuration, once for each call of that and each fault that is legal for it (R4):
 * either all of it is done or nothing is, and nothing is left behind.
 */
class StartFaultTest extends RelayFixture {
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(2);

    private static final Map<String, List<Integer>> FAULTS = Map.of(
            "epoll_create1", List.of(Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM),
            "eventfd", List.of(Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM),
            "epoll_ctl", List.of(Errno.ENOMEM, Errno.ENOSPC),
            "socket", List.of(Errno.EMFILE, Errno.ENFILE, Errno.ENOBUFS, Errno.ENOMEM),
            "setsockopt", List.of(Errno.ENOMEM),
            "bind", List.of(Errno.EADDRINUSE, Errno.EACCES, Errno.ENOMEM),
            "listen", List.of(Errno.EADDRINUSE),
            "getsockname", List.of(Errno.ENOBUFS));

    @Override
    protected Kernel newKernel() {
        return UserKernel.builder().build();
    }

    private List<Integer> descriptors() {
        return kernel.feature(Snapshot.class).orElseThrow().descriptors();
    }

    /** Sessions that have just ended may close theirs a moment later. */
    private void assertOpen(List<Integer> expected) {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (!descriptors().equals(expected) && System.nanoTime() - deadline < 0) {
            Thread.onSpinWait();
        }
        assertThat(descriptors()).as("descriptors").isEqualTo(expected);
    }

    /** The sessions so far have ended on both sides. */
    private void awaitQuiet(Server server) {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (server.connections.stream().anyMatch(SocketEnd::isOpen) || logs.size() < server.connections.size()) {
            assertThat(System.nanoTime() - deadline).isNegative();
            Thread.onSpinWait();
        }
    }

    /** What is to be done with one fault. */
    private interface Attempt {
        /** Whether it was done; false when it has failed, as it may. Around what may fail, the fault is laid. */
        boolean succeeds(Runnable laid, Runnable lifted) throws Exception;
    }

    private static Stream<DynamicTest> each(Set<String> calls, FaultyKernel faults, Attempt attempt) {
        return FAULTS.entrySet().stream()
                .filter(call -> calls.contains(call.getKey()))
                .flatMap(call -> call.getValue().stream()
                        .map(errno -> DynamicTest.dynamicTest(call.getKey() + ", " + Errno.name(errno), () -> {
                            int nth = 1;
                            while (meets(attempt, faults, call.getKey(), nth, errno)) {
                                nth++;
                            }
                            assertThat(nth).as("such calls").isGreaterThan(1);
                        })));
    }

    /** Whether there was an nth call to meet it. */
    private static boolean meets(Attempt attempt, FaultyKernel faults, String call, int nth, int errno)
            throws Exception {
        long before = faults.injected(errno);
        boolean succeeded = attempt.succeeds(
                () -> faults.follow((name, count) -> name.equals(call) && count == nth ? Long.valueOf(-errno) : null),
                faults::followNone);
        boolean met = faults.injected(errno) > before;
        assertThat(succeeded || met).as("it fails without a fault").isTrue();
        return met;
    }

    private String answer(Relay relay, Address address) throws IOException {
        try (SocketEnd client = sluice.connect(relay.addresses().get(address))) {
            return hear(client, 4);
        }
    }

    @TestFactory
    Stream<DynamicTest> aRelayStartsWholeOrNotAtAll() throws Exception {
        Server server = named("here");
        List<Route> routes = List.of(
                route().to(Backend.at(server.address())).build(),
                Route.named("unix")
                        .listen(Listen.on(new Address.Unix(Path.of("/tmp/in"))))
                        .to(Backend.at(server.address()))
                        .build());
        FaultyKernel faults = FaultyKernel.builder(kernel).build();
        assertThat(starts(faults, routes, () -> {}, () -> {})).isTrue(); // and the test has all that it needs itself
        awaitQuiet(server);
        List<Integer> before = descriptors();
        return each(FAULTS.keySet(), faults, (laid, lifted) -> {
            boolean started = starts(faults, routes, laid, lifted);
            assertOpen(before);
            return started;
        });
    }

    private boolean starts(FaultyKernel faults, List<Route> routes, Runnable laid, Runnable lifted) throws Exception {
        laid.run();
        try (Relay relay = Relay.start(faults, new Config(routes, 2, 0), logs::add)) {
            lifted.run();
            for (Address address : relay.addresses().keySet()) {
                assertThat(answer(relay, address)).isEqualTo("here");
            }
            return true;
        } catch (IOException refused) {
            lifted.run();
            return false;
        }
    }

    @TestFactory
    Stream<DynamicTest> aNewConfigurationIsTakenWholeOrNotAtAll() throws Exception {
        Address added = new Address.Unix(Path.of("/tmp/added"));
        Address other = new Address.Tcp("127.0.0.2", 0);
        Server server = named("old1");
        Config old = new Config(List.of(route().to(Backend.at(server.address())).build()), 1, 0);
        Config fresh = new Config(
                List.of(Route.named("test")
                        .listen(Listen.on(ANYWHERE))
                        .listen(Listen.on(added))
                        .listen(Listen.on(other))
                        .to(Backend.at(named("new1").address()))
                        .build()),
                1,
                0);
        FaultyKernel faults = FaultyKernel.builder(kernel).build();
        Relay relay = keep(Relay.start(faults, old, logs::add));
        assertThat(answer(relay, ANYWHERE)).isEqualTo("old1"); // and the test has all that it needs itself
        awaitQuiet(server);
        List<Integer> before = descriptors();
        Set<String> calls = Set.of("socket", "setsockopt", "bind", "listen", "getsockname", "epoll_ctl");
        return each(calls, faults, (laid, lifted) -> {
            boolean taken = takes(relay, fresh, laid, lifted);
            assertThat(relay.addresses().keySet()).isEqualTo(taken ? Set.of(ANYWHERE, added, other) : Set.of(ANYWHERE));
            assertThat(answer(relay, ANYWHERE)).isEqualTo(taken ? "new1" : "old1");
            relay.reload(old);
            assertOpen(before);
            return taken;
        });
    }

    private static boolean takes(Relay relay, Config next, Runnable laid, Runnable lifted) {
        laid.run();
        try {
            relay.reload(next);
            return true;
        } catch (IOException refused) {
            return false;
        } finally {
            lifted.run();
        }
    }
}
