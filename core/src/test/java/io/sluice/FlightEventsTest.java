// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.wrap.ForwardingKernel;
import io.sluice.testing.Stand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.LongSupplier;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The events for Flight Recorder, their names and fields as docs/observability.md has them. */
final class FlightEventsTest {
    private static final List<String> ALL =
            List.of("io.sluice.Transfer", "io.sluice.Fallback", "io.sluice.PoolMiss", "io.sluice.BranchDetached");

    @TempDir
    Path recordings;

    private final Stand stand = Stand.inUserSpace();

    @AfterEach
    void close() throws Exception {
        stand.close();
    }

    interface Work {
        void run() throws Exception;
    }

    /** The events of ours that {@code work} leaves in a recording that asks for those. */
    private List<RecordedEvent> recorded(List<String> events, Work work) throws Exception {
        Path file = recordings.resolve("flight.jfr");
        try (Recording recording = new Recording()) {
            events.forEach(recording::enable);
            recording.start();
            work.run();
            recording.stop();
            recording.dump(file);
        }
        return RecordingFile.readAllEvents(file).stream()
                .filter(event -> ALL.contains(event.getEventType().getName()))
                .toList();
    }

    private void moveThreeBytes(Kernel kernel, PipeLimits limits) throws IOException {
        Path path = stand.write(Path.of("/tmp/in"), "abc".getBytes(UTF_8));
        try (Sluice sluice = Sluice.on(kernel, limits);
                FileEnd in = sluice.open(path, READ);
                Pipe out = sluice.pipe()) {
            assertThat(sluice.transfer(in).to(out.writer()).run().bytes()).isEqualTo(3);
        }
    }

    private Kernel refusing(String call) {
        return new ForwardingKernel(stand.kernel()) {
            @Override
            protected long around(String name, LongSupplier next, @Nullable Object... arguments) {
                return name.equals(call) ? -Errno.EINVAL : next.getAsLong();
            }
        };
    }

    @Test
    void aTransferTellsItsEndsBytesPathsAndTime() throws Exception {
        List<RecordedEvent> events = recorded(ALL, () -> moveThreeBytes(stand.kernel(), PipeLimits.DEFAULTS));
        assertThat(events).hasSize(1);
        RecordedEvent transfer = events.getFirst();
        assertThat(transfer.getEventType().getName()).isEqualTo("io.sluice.Transfer");
        assertThat(transfer.getEventType().getCategoryNames()).containsExactly("Sluice");
        assertThat(transfer.getString("source")).isEqualTo("/tmp/in");
        assertThat(transfer.getString("sink")).startsWith("pipe ");
        assertThat(transfer.getLong("bytes")).isEqualTo(3);
        assertThat(transfer.getString("paths")).isEqualTo("splice");
        assertThat(transfer.getString("ending")).isEqualTo("SOURCE_ENDED");
        assertThat(transfer.getDuration()).isGreaterThan(Duration.ZERO);
    }

    @Test
    void aFallbackTellsThePathTheCallAndTheReason() throws Exception {
        List<RecordedEvent> events =
                recorded(List.of("io.sluice.Fallback"), () -> moveThreeBytes(refusing("splice"), PipeLimits.DEFAULTS));
        assertThat(events).hasSize(1);
        assertThat(events.getFirst().getString("path")).isEqualTo("splice");
        assertThat(events.getFirst().getString("call")).isEqualTo("splice");
        assertThat(events.getFirst().getString("reason")).isEqualTo("EINVAL");
    }

    @Test
    void aPoolMissTellsWhichBoundForbadeThePipe() throws Exception {
        List<RecordedEvent> byBound = recorded(
                List.of("io.sluice.PoolMiss"), () -> moveThreeBytes(stand.kernel(), PipeLimits.DEFAULTS.withPipes(0)));
        assertThat(byBound).hasSize(1);
        assertThat(byBound.getFirst().getString("reason")).isEqualTo("pipes");
        assertThat(byBound.getFirst().getLong("wantedBytes")).isEqualTo(512 << 10);
        List<RecordedEvent> byBytes = recorded(
                List.of("io.sluice.PoolMiss"), () -> moveThreeBytes(stand.kernel(), PipeLimits.DEFAULTS.withBytes(1)));
        assertThat(byBytes.getFirst().getString("reason")).isEqualTo("bytes");
    }

    @Test
    void aMirrorThatIsGivenUpIsToldOf() throws Exception {
        List<RecordedEvent> events = recorded(List.of("io.sluice.BranchDetached"), () -> {
            Path path = stand.write(Path.of("/tmp/in"), new byte[1 << 20]);
            try (Sluice sluice = Sluice.on(stand.kernel());
                    FileEnd in = sluice.open(path, READ);
                    FileEnd out = sluice.open(Path.of("/dev/null"), WRITE);
                    Pipe mirror = sluice.pipe(4096)) {
                TransferResult result = sluice.transfer(in)
                        .to(out)
                        .mirrorTo(mirror.writer(), WhenFull.DETACH)
                        .pipeSize(4096)
                        .queue(4096)
                        .run();
                assertThat(result.mirrors().getFirst().fate()).isEqualTo(TransferResult.Fate.DETACHED);
            }
        });
        assertThat(events).hasSize(1);
        assertThat(events.getFirst().getString("sink")).startsWith("pipe ");
        assertThat(events.getFirst().getLong("bytes")).isBetween(0L, 4096L);
    }

    @Test
    void nothingIsRecordedThatWasNotAskedFor() throws Exception {
        assertThat(recorded(List.of(), () -> moveThreeBytes(refusing("splice"), PipeLimits.DEFAULTS)))
                .isEmpty();
    }

    /** To load one registers it, by reflection, which takes longer than all else of a tool's start. */
    @Test
    void noEventIsLoadedAsLongAsNobodyRecords() throws Exception {
        Path from = Files.writeString(recordings.resolve("from"), "three");
        Process copy = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xlog:class+load",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        "target/classes",
                        "../examples/Copy.java",
                        from.toString(),
                        recordings.resolve("to").toString(),
                        recordings.resolve("second").toString())
                .redirectErrorStream(true)
                .start();
        String loaded = new String(copy.getInputStream().readAllBytes(), UTF_8);
        assertThat(copy.waitFor()).as(loaded).isZero();
        assertThat(loaded).contains(" io.sluice.flow.Journal ").doesNotContain("io.sluice.flow.Flight$");
    }
}
