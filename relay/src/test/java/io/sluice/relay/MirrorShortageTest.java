// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.SocketEnd;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.user.UserKernel;
import io.sluice.kernel.wrap.ForwardingKernel;
import io.sluice.relay.Mirror.Loss;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Where descriptors are short, mirrors go without before anybody has to wait. */
final class MirrorShortageTest extends RelayFixture {
    /** Of a relay: enough for a session with its mirror and pipes, and for a few mirrors that outlive theirs. */
    private static final int DESCRIPTORS = 30;

    private static final int SESSIONS = 60;
    private static final int AT_ONCE = 6;

    @Override
    protected Kernel newKernel() {
        return new Scarce(UserKernel.builder().build());
    }

    @Test
    void mirrorsThatDoNotHangUpKeepNobodyOut() throws Exception {
        CountDownLatch over = new CountDownLatch(1);
        Relay relay = relay(route().to(Backend.at(echo().address()))
                .mirror(Mirror.to(server(connection -> {
                            while (!hasEnded(connection)) {
                                // It takes all, and then keeps the connection.
                            }
                            try {
                                over.await();
                            } catch (InterruptedException e) {
                                throw new AssertionError(e);
                            }
                        })
                        .address()))
                .build());
        for (int i = 0; i < SESSIONS; i++) {
            try (SocketEnd client = client(relay)) {
                say(client, "x");
                client.shutdownOutput();
                assertThat(hear(client, 2)).isEqualTo("x");
            }
            assertThat(log().termination()).hasToString("--");
        }
        for (int i = 0; i < AT_ONCE; i++) {
            SocketEnd client = client(relay);
            say(client, "x");
            assertThat(hear(client, 1)).isEqualTo("x");
        }
        RelayStatus.MirrorStatus status =
                relay.status().routes().getFirst().mirrors().getFirst();
        assertThat(status.mirrored()).isEqualTo(SESSIONS + AT_ONCE);
        assertThat(status.sessions()).isBetween(1, DESCRIPTORS);
        assertThat(status.lost().get(Loss.LATE)).as("that had all is not lost").isZero();
        over.countDown();
    }

    /** The loops of a relay have so many descriptors, and no more. */
    private static final class Scarce extends ForwardingKernel {
        private final Set<Integer> used = ConcurrentHashMap.newKeySet();

        Scarce(Kernel inner) {
            super(inner);
        }

        @Override
        protected long around(String name, LongSupplier call, @Nullable Object... arguments) {
            if (!Thread.currentThread().getName().startsWith("sluice-relay-")) {
                return call.getAsLong();
            }
            int more = switch (name) {
                case "socket", "accept4", "eventfd" -> 1;
                case "pipe2" -> 2;
                default -> 0;
            };
            if (more > 0 && used.size() + more > DESCRIPTORS) {
                return -Errno.EMFILE;
            }
            long answer = call.getAsLong();
            if (more == 1 && answer >= 0) {
                used.add((int) answer);
            } else if (more == 2 && answer == 0) {
                Arrays.stream((int[]) arguments[0]).forEach(used::add);
            } else if (name.equals("close")) {
                used.remove((Integer) arguments[0]);
            }
            return answer;
        }
    }
}
