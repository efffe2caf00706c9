// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.user.UserKernel;
import io.sluice.kernel.wrap.ForwardingKernel;
import io.sluice.relay.Address;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A demonstration of which something goes wrong. */
class DemoTest {
    @TempDir
    Path directory;

    private Kernel kernel() {
        return UserKernel.builder().mount(directory.toString(), directory).build();
    }

    private Demo demo(Kernel kernel, int adminPort) throws IOException {
        Address.Tcp admin = new Address.Tcp("127.0.0.1", adminPort);
        return new Demo(kernel, directory, admin, 1 << 20, Duration.ofMillis(200));
    }

    @Test
    void allAgree() throws Exception {
        try (Kernel kernel = kernel();
                Demo demo =
                        new Demo(kernel, directory, new Address.Tcp("127.0.0.1", 0), 1 << 20, Duration.ofSeconds(60))) {
            assertThat(demo.run().agrees()).isTrue();
        }
    }

    /** What is counted as recorded is in the file. */
    @Test
    void aSlowDiskIsWaitedFor() throws Exception {
        try (Kernel kernel = new ForwardingKernel(kernel()) {
                    @Override
                    protected long around(String name, LongSupplier call, @Nullable Object... arguments) {
                        if (name.equals("pwrite")) {
                            LockSupport.parkNanos(100_000_000);
                        }
                        return call.getAsLong();
                    }
                };
                Demo demo =
                        new Demo(kernel, directory, new Address.Tcp("127.0.0.1", 0), 1 << 20, Duration.ofSeconds(60))) {
            assertThat(demo.run().agrees()).isTrue();
        }
    }

    /** It had been waited for for ever. */
    @Test
    void aMirrorThatIsNotReachedIsNamed() throws Exception {
        CopyOnWriteArrayList<@Nullable Object> sockets = new CopyOnWriteArrayList<>();
        try (Kernel kernel = new ForwardingKernel(kernel()) {
                    @Override
                    protected long around(String name, LongSupplier call, @Nullable Object... arguments) {
                        if (name.equals("connect")) {
                            sockets.addIfAbsent(arguments[0]);
                        }
                        // After the client's and the backend's.
                        boolean isMirrors = name.equals("connect") && sockets.indexOf(arguments[0]) == 2;
                        return isMirrors ? -Errno.ECONNREFUSED : call.getAsLong();
                    }
                };
                Demo demo = demo(kernel, 0)) {
            assertThatThrownBy(demo::run)
                    .isInstanceOf(IOException.class)
                    .hasMessage("the mirror has not heard the end of it");
        }
    }

    @Test
    void nothingOfItRunsOnWhenThePageHasNoPort() throws Exception {
        try (Kernel kernel = kernel();
                ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertThatThrownBy(() -> demo(kernel, taken.getLocalPort())).hasMessageContaining("already in use");
            assertThat(Thread.getAllStackTraces().keySet())
                    .extracting(Thread::getName)
                    .doesNotContain("sluice-relay-0", "sluice-recorder");
        }
    }
}
