// SPDX-License-Identifier: Apache-2.0
package io.sluice.testing;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.Sluice;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A check that finds nothing would look the same as code that leaks nothing, so it is itself tested. Its descriptors
 * are the JDK's, for it is needed where native access is denied as well.
 */
@NoLeaks
final class NoLeaksTest {
    @TempDir
    private Path directory;

    private FileChannel open;

    @BeforeEach
    void open() throws IOException {
        open = open("open");
    }

    @AfterEach
    void close() throws IOException {
        open.close();
    }

    private FileChannel open(String name) throws IOException {
        return FileChannel.open(directory.resolve(name), CREATE, WRITE);
    }

    @Test
    void letsATestOpenWhatItCloses() throws Exception {
        try (Sluice sluice = Sluice.open()) {
            sluice.pipe().close();
        }
        assertThat(open.isOpen()).isTrue();
    }

    @Test
    void seesADescriptorThatWasLeftOpen() throws Exception {
        LeakCheck.Sight before = LeakCheck.Sight.now();
        FileChannel left = open("left");
        assertThat(LeakCheck.Sight.now().leaksSince(before))
                .singleElement()
                .asString()
                .endsWith("/left");
        left.close();
    }

    @Test
    void seesANumberThatWasClosedAndGivenToAStranger() throws Exception {
        LeakCheck.Sight before = LeakCheck.Sight.now();
        open.close();
        open = open("stranger");
        assertThat(LeakCheck.Sight.now().leaksSince(before))
                .singleElement()
                .asString()
                .endsWith("/stranger");
    }

    @Test
    void seesAThreadThatWasLeftRunning() throws Exception {
        LeakCheck.Sight before = LeakCheck.Sight.now();
        try (Pending<Void> left = Pending.start(() -> {
            LockSupport.park();
            return null;
        })) {
            left.mustWait();
            assertThat(LeakCheck.Sight.now().leaksSince(before))
                    .singleElement()
                    .asString()
                    .contains("pending");
        }
    }
}
