// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static io.sluice.kernel.Flags.EFD_CLOEXEC;
import static io.sluice.kernel.Flags.EFD_NONBLOCK;
import static io.sluice.kernel.Flags.EPOLLET;
import static io.sluice.kernel.Flags.EPOLLIN;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.flow.PipePool;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.user.UserKernel;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Who is told of what, and what one's mistake does to the others. */
class EventLoopTest {
    private final Kernel kernel = UserKernel.builder().build();
    private EventLoop loop;

    @BeforeEach
    void start() throws IOException {
        loop = new EventLoop(kernel, new PipePool(kernel), "tested");
        loop.start();
    }

    @AfterEach
    void close() {
        loop.close();
        kernel.close();
    }

    private int counter(int initial) {
        return (int) kernel.eventfd(initial, EFD_CLOEXEC | EFD_NONBLOCK);
    }

    /** The first of two that are ready at once ends the other, and a third takes its place (pitfall 73). */
    @Test
    void anEventOfOneWhoHasLeftIsNobodys() throws Exception {
        int[] ready = {counter(1), counter(1)};
        int stranger = counter(0);
        List<String> told = new ArrayList<>();
        long[] seats = new long[2];
        CompletableFuture<List<String>> done = new CompletableFuture<>();
        loop.execute(() -> {
            for (int i = 0; i < ready.length; i++) {
                int other = 1 - i;
                seats[i] = loop.watch(ready[i], EPOLLIN | EPOLLET, _ -> {
                    told.add("one of two");
                    loop.forget(ready[other], seats[other], false);
                    assertThat(loop.watch(stranger, EPOLLIN, _ -> told.add("the stranger")))
                            .as("the seat that has become free")
                            .isEqualTo(seats[other]);
                    loop.later(() -> loop.later(() -> done.complete(told)));
                });
            }
        });
        assertThat(done.get(20, TimeUnit.SECONDS)).containsExactly("one of two");
    }

    @Test
    void aTaskAfterTheEndIsForgottenAndTouchesNothing() throws Exception {
        EventLoop ended = new EventLoop(kernel, new PipePool(kernel), "ended");
        ended.start();
        ended.close();
        List<Integer> strangers = List.of(counter(0), counter(0));
        ended.execute(() -> {});
        assertThat(strangers)
                .allSatisfy(fd -> assertThat(kernel.poll(fd, EPOLLIN, 0))
                        .as("written by the loop that has ended")
                        .isZero());
    }
}
