// SPDX-License-Identifier: Apache-2.0
package io.sluice.testing;

import static io.sluice.kernel.Flags.O_RDWR;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Snapshot;
import io.sluice.kernel.user.UserKernels;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A machine in memory. Its descriptors are no files of this process, so {@link NoLeaks} cannot see them. */
final class UserStand extends Stand {
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final List<Integer> STANDARD_STREAMS = List.of(0, 1, 2); // open in a process, as a rule
    private static final long STEP_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private UserStand() {
        super(UserKernels.inMemory(), Path.of("/tmp"));
        for (int fd : STANDARD_STREAMS) {
            assertThat(kernel().open("/dev/null", O_RDWR, 0)).isEqualTo(fd);
        }
    }

    static UserStand open() {
        return new UserStand();
    }

    @Override
    public void close() {
        Snapshot snapshot = kernel().feature(Snapshot.class).orElseThrow();
        List<Integer> left = descriptorsAfterAWhile(snapshot);
        List<String> strangers = left.stream()
                .filter(fd -> !STANDARD_STREAMS.contains(fd))
                .map(fd -> DescriptorName.of(kernel(), fd))
                .toList();
        kernel().close();
        assertThat(strangers).as("descriptors open at the end").isEmpty();
        assertThat(left).as("the standard streams at the end").isEqualTo(STANDARD_STREAMS);
        assertThat(snapshot.pagesInUse()).as("pages left in use by the kernel").isZero();
    }

    /** A thread that has just been told to end may close its own a moment later. */
    private static List<Integer> descriptorsAfterAWhile(Snapshot snapshot) {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        List<Integer> left = snapshot.descriptors();
        while (!left.equals(STANDARD_STREAMS) && System.nanoTime() < deadline) {
            LockSupport.parkNanos(STEP_NANOS);
            left = snapshot.descriptors();
        }
        return left;
    }
}
