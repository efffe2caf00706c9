// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Names of backends, with a name service of the test's own. */
class NamesTest {
    private static final Duration AT_ONCE = Duration.ofMillis(1);
    private static final InetAddress OLD = InetAddress.ofLiteral("192.0.2.1");
    private static final InetAddress NEW = InetAddress.ofLiteral("192.0.2.2");

    private final AtomicInteger questions = new AtomicInteger();

    private static LiveBackend backend(String address) throws ConfigException {
        return new LiveBackend(Backend.at(Address.parse(address)));
    }

    private static List<InetSocketAddress> at(InetAddress... addresses) {
        return List.of(addresses).stream()
                .map(each -> new InetSocketAddress(each, 5432))
                .toList();
    }

    private void awaitQuestions(int count) {
        while (questions.get() < count) {
            Thread.onSpinWait();
        }
    }

    @Test
    void aNameThatMovesIsFollowed() throws Exception {
        LiveBackend backend = backend("db:5432");
        try (Names names = new Names(_ -> new InetAddress[] {questions.incrementAndGet() == 1 ? OLD : NEW}, AT_ONCE)) {
            names.add(backend);
            awaitQuestions(3); // by then the second answer has been used
            assertThat(backend.addresses()).isEqualTo(at(NEW));
        }
    }

    @Test
    void aNameThatIsNotKnownForTheMomentKeepsItsAddresses() throws Exception {
        LiveBackend backend = backend("db:5432");
        Names.Service forgetful = host -> {
            if (questions.incrementAndGet() > 1) {
                throw new UnknownHostException(host);
            }
            return new InetAddress[] {OLD, NEW};
        };
        try (Names names = new Names(forgetful, AT_ONCE)) {
            names.add(backend);
            awaitQuestions(3);
            assertThat(backend.addresses()).isEqualTo(at(OLD, NEW));
        }
    }

    @Test
    void aNameThatNobodyKnowsIsRefused() throws Exception {
        LiveBackend backend = backend("db:5432");
        Names.Service empty = host -> {
            throw new UnknownHostException(host);
        };
        try (Names names = new Names(empty, AT_ONCE)) {
            assertThatThrownBy(() -> names.add(backend)).isInstanceOf(UnknownHostException.class);
        }
    }

    @Test
    void aNameThatMayComeLaterIsFoundThen() throws Exception {
        LiveBackend backend = backend("db:5432");
        Names.Service late = host -> {
            if (questions.incrementAndGet() < 3) {
                throw new UnknownHostException(host);
            }
            return new InetAddress[] {OLD};
        };
        try (Names names = new Names(late, AT_ONCE)) {
            names.addLater(backend);
            awaitQuestions(5); // by then the third answer has been used
            assertThat(backend.addresses()).isEqualTo(at(OLD));
        }
    }

    @Test
    void aNameThatMayComeLaterIsKnownAtOnceWhereItIsKnown() throws Exception {
        LiveBackend backend = backend("db:5432");
        try (Names names = new Names(_ -> new InetAddress[] {OLD}, Duration.ofHours(1))) {
            names.addLater(backend);
            assertThat(backend.addresses()).isEqualTo(at(OLD));
        }
    }

    @Test
    void aNameThatMayComeLaterIsNotWaitedFor() throws Exception {
        LiveBackend backend = backend("db:5432");
        CountDownLatch answers = new CountDownLatch(1);
        CountDownLatch answered = new CountDownLatch(1);
        Names.Service slow = _ -> {
            try {
                answers.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            answered.countDown();
            return new InetAddress[] {OLD};
        };
        try (Names names = new Names(slow, Duration.ofHours(1))) {
            names.addLater(backend); // or this would never return
            assertThat(backend.addresses()).isEmpty();
            answers.countDown();
            answered.await();
            while (backend.addresses().isEmpty()) {
                Thread.onSpinWait();
            }
            assertThat(backend.addresses()).isEqualTo(at(OLD));
        }
    }

    @Test
    void whatIsNoLongerUsedIsNotAskedFor() throws Exception {
        LiveBackend gone = backend("gone:5432");
        LiveBackend stays = backend("stays:5432");
        AtomicInteger ofGone = new AtomicInteger();
        Names.Service service = host -> {
            (host.equals("gone") ? ofGone : questions).incrementAndGet();
            return new InetAddress[] {OLD};
        };
        try (Names names = new Names(service, AT_ONCE)) {
            names.add(gone);
            names.add(stays);
            names.remove(gone);
            int asked = questions.get();
            awaitQuestions(asked + 2); // a round that was under way has ended
            int before = ofGone.get();
            awaitQuestions(asked + 5);
            assertThat(ofGone.get()).isEqualTo(before);
        }
    }

    /** getaddrinfo(3) cannot be interrupted, and the end of a relay must not wait for a resolver that is down. */
    @Test
    void theEndDoesNotWaitForAServiceThatDoesNotAnswer() throws Exception {
        CountDownLatch answers = new CountDownLatch(1);
        Thread[] asking = new Thread[1];
        Names.Service stuck = _ -> {
            if (questions.incrementAndGet() > 1) {
                asking[0] = Thread.currentThread();
                boolean interrupted = false;
                while (answers.getCount() > 0) {
                    try {
                        answers.await();
                    } catch (InterruptedException deaf) {
                        interrupted = true;
                    }
                }
                if (interrupted) {
                    Thread.currentThread().interrupt();
                }
            }
            return new InetAddress[] {OLD};
        };
        Names names = new Names(stuck, AT_ONCE);
        names.add(backend("db:5432"));
        awaitQuestions(2);
        names.close();
        assertThat(asking[0].isAlive()).isTrue();
        answers.countDown();
        asking[0].join();
    }
}
