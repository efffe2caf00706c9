// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code sluice copy} between files, FIFOs and devices. Standard streams are the business of tests/copy.sh. */
@NeedsLinux
class CopyTest {
    private static final int BYTES = 1_000_003;

    @TempDir
    Path directory;

    private Path source;
    private byte[] data;

    @BeforeEach
    void makeASource() throws IOException {
        data = new byte[BYTES];
        new Random(BYTES).nextBytes(data);
        source = Files.write(directory.resolve("source"), data);
    }

    private Path fifo(String name) {
        Path fifo = directory.resolve(name);
        try (Kernel kernel = new LinuxKernel()) {
            assertThat(kernel.mkfifo(fifo.toString(), 0600)).isZero();
        }
        return fifo;
    }

    @Test
    void aFileIsMadeAndNothingIsSaid() {
        Path copy = directory.resolve("copy");
        assertThat(Ran.sluice("copy", source, copy)).isEqualTo(new Ran(0, "", ""));
        assertThat(copy).hasBinaryContent(data);
    }

    @Test
    void aFileIsReplacedAlsoByAShorterOne() throws IOException {
        Path copy = Files.write(directory.resolve("copy"), new byte[3 * BYTES]);
        assertThat(Ran.sluice("copy", source, copy).code()).isZero();
        assertThat(copy).hasBinaryContent(data);
    }

    @Test
    void anEmptyFileIsCopied() throws IOException {
        Path empty = Files.createFile(directory.resolve("empty"));
        Path copy = Files.write(directory.resolve("copy"), data);
        assertThat(Ran.sluice("copy", empty, copy)).isEqualTo(new Ran(0, "", ""));
        assertThat(copy).isEmptyFile();
    }

    @Test
    void aFileOfProcThatClaimsToBeEmptyIsCopiedWhole() throws IOException {
        Path copy = directory.resolve("copy");
        assertThat(Ran.sluice("copy", "/proc/version", copy)).isEqualTo(new Ran(0, "", ""));
        assertThat(copy).hasContent(Files.readString(Path.of("/proc/version")));
    }

    @Test
    void appendingAddsToWhatIsThereByWrite() throws IOException {
        Path copy = Files.writeString(directory.resolve("copy"), "before");
        Map<String, Object> json =
                Ran.sluice("copy", "--append", "--json", source, copy).json();
        assertThat(json).containsEntry("bytes", (double) BYTES).containsEntry("userSpaceBytes", (double) BYTES);
        assertThat(Files.readAllBytes(copy))
                .startsWith("before".getBytes(UTF_8))
                .endsWith(data)
                .hasSize(6 + BYTES);
    }

    @Test
    void theLimitEndsASourceThatHasNoEnd() {
        Path copy = directory.resolve("copy");
        Map<String, Object> json = Ran.sluice("copy", "--limit", "100K", "--json", "/dev/zero", copy)
                .json();
        assertThat(json).containsEntry("ending", "limit_reached").containsEntry("bytes", 102400.0);
        assertThat(copy).hasBinaryContent(new byte[102400]);
    }

    @Test
    void aLimitOfNothingMovesNothing() {
        Path copy = directory.resolve("copy");
        assertThat(Ran.sluice("copy", "--limit", "0", source, copy)).isEqualTo(new Ran(0, "", ""));
        assertThat(copy).isEmptyFile();
    }

    @Test
    void theRateIsNotExceeded() {
        long start = System.nanoTime();
        Ran ran = Ran.sluice("copy", "--rate", "200KB", "--limit", "100KB", source, directory.resolve("copy"));
        assertThat(ran).isEqualTo(new Ran(0, "", ""));
        // Half a second's worth, less the tenth that the bucket may hold.
        assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(350));
    }

    @ParameterizedTest
    @CsvSource({"copy_file_range, 0", "splice, 0", "copy, 1000003"})
    void onePathCanBeAskedForAndIsReported(String path, double userSpaceBytes) {
        Path copy = directory.resolve("copy");
        Map<String, Object> json =
                Ran.sluice("copy", "--path", path, "--json", source, copy).json();
        assertThat(copy).hasBinaryContent(data);
        assertThat(json).containsEntry("userSpaceBytes", userSpaceBytes).containsEntry("fallbacks", List.of());
        assertThat(sinks(json).getFirst()).containsEntry("paths", Map.of(path, (double) BYTES));
    }

    @Test
    void stableCopiesBytesInsteadOfPassingPagesOn() throws Exception {
        Path fifo = fifo("fifo");
        FutureTask<Ran> reader = Ran.begun("copy", fifo, directory.resolve("copy"));
        Map<String, Object> json =
                Ran.sluice("copy", "--stable", "--json", source, fifo).json();
        assertThat(reader.get()).isEqualTo(new Ran(0, "", ""));
        assertThat(json).containsEntry("userSpaceBytes", (double) BYTES);
        assertThat(directory.resolve("copy")).hasBinaryContent(data);
    }

    @Test
    void aFifoCarriesAFileFromOneCopyToAnother() throws Exception {
        Path fifo = fifo("fifo");
        Path copy = directory.resolve("copy");
        FutureTask<Ran> reader = Ran.begun("copy", "--json", fifo, copy);
        Map<String, Object> sent = Ran.sluice("copy", "--json", source, fifo).json();
        Map<String, Object> received = reader.get().json();
        assertThat(copy).hasBinaryContent(data);
        assertThat(List.of(sent, received)).allSatisfy(json -> {
            assertThat(json).containsEntry("userSpaceBytes", 0.0).containsEntry("ending", "source_ended");
            assertThat(sinks(json).getFirst()).containsEntry("paths", Map.of("splice", (double) BYTES));
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"4K", "64K", "1M"})
    void aPipeOfAnySizeWillDo(String size) throws Exception {
        Path fifo = fifo("fifo");
        Path copy = directory.resolve("copy");
        FutureTask<Ran> reader = Ran.begun("copy", "--buffer", size, fifo, copy);
        assertThat(Ran.sluice("copy", "--buffer", size, source, fifo)).isEqualTo(new Ran(0, "", ""));
        assertThat(reader.get()).isEqualTo(new Ran(0, "", ""));
        assertThat(copy).hasBinaryContent(data);
    }

    @Test
    void syncMakesOneCallForEachFileAtTheEnd() {
        Path copy = directory.resolve("copy");
        Ran ran = Ran.traced("copy", "--sync", source, copy, "/dev/null");
        assertThat(ran.code()).isZero();
        assertThat(ran.err().lines().filter(line -> line.contains("fsync("))).hasSize(1);
    }

    @Test
    void traceTellsOfEachCall() {
        Ran ran = Ran.traced("copy", source, directory.resolve("copy"));
        assertThat(ran.err())
                .contains("open(\"" + source + "\", O_RDONLY|")
                .containsPattern("copy_file_range\\(\\d+, NULL, \\d+, NULL, .* = 1000003\n");
    }

    @Test
    void theSummaryNamesBytesPathAndRefusals() {
        Ran ran = Ran.sluice("copy", "--summary", "--path", "splice", source, directory.resolve("copy"));
        assertThat(ran.code()).isZero();
        assertThat(ran.err())
                .matches("977 KiB \\(1000003 B\\) in \\d+\\.\\d{3} s, .*iB/s, by splice, none through user space\n");
    }

    @Test
    void theProgressLineReachesTheEnd() {
        Ran ran = Ran.sluice("copy", "--progress", "--interval", "0.05", source, directory.resolve("copy"));
        assertThat(ran.code()).isZero();
        assertThat(ran.err()).contains("100%").contains("977 KiB/977 KiB").contains("/s, avg ");
    }

    @Test
    void theProgressOfASourceWithoutEndGoesByTheLimit() {
        Ran ran = Ran.sluice("copy", "--progress", "--limit", "1M", "/dev/zero", "/dev/null");
        assertThat(ran.err()).contains("100%").contains("1.00 MiB/1.00 MiB");
    }

    @Test
    void theProgressOfASourceOfUnknownSizeGoesByWhatWasSaid() throws Exception {
        Path fifo = fifo("fifo");
        FutureTask<Ran> reader = Ran.begun("copy", "--progress", "--size", "2M", fifo, "/dev/null");
        assertThat(Ran.sluice("copy", source, fifo).code()).isZero();
        assertThat(reader.get().err()).contains("977 KiB/2.00 MiB");
    }

    @Test
    void theReaderOfAFifoMayGoAway() throws Exception {
        Path fifo = fifo("fifo");
        FutureTask<Ran> writer = Ran.begun("copy", "--json", "/dev/zero", fifo);
        try (var reader = Files.newInputStream(fifo)) {
            assertThat(reader.readNBytes(10)).hasSize(10);
        }
        Ran ran = writer.get();
        assertThat(ran.code()).isEqualTo(ExitCode.READER_GONE);
        assertThat(ran.json()).containsEntry("ending", "sink_closed");
        assertThat((String) ran.json().get("error")).startsWith(fifo + ": its reader is gone, after ");
    }

    @Test
    void aReaderThatWentAwayIsNoNewsToTheQuiet() throws Exception {
        Path fifo = fifo("fifo");
        FutureTask<Ran> writer = Ran.begun("copy", "--quiet", "/dev/zero", fifo);
        Files.newInputStream(fifo).close();
        assertThat(writer.get()).isEqualTo(new Ran(ExitCode.READER_GONE, "", ""));
    }

    @Test
    void anInterruptSaysWhatHadBeenMoved() throws Exception {
        Path fifo = fifo("fifo");
        Path copy = directory.resolve("copy");
        var started = new CompletableFuture<Thread>();
        FutureTask<Ran> task = new FutureTask<>(() -> {
            started.complete(Thread.currentThread());
            return Ran.sluice("copy", fifo, copy);
        });
        Thread.ofPlatform().start(task);
        try (var writer = Files.newOutputStream(fifo, StandardOpenOption.WRITE)) {
            writer.write(data, 0, 5000);
            while (!Files.exists(copy) || Files.size(copy) < 5000) {
                Thread.onSpinWait();
            }
            started.get().interrupt();
            assertThat(task.get())
                    .isEqualTo(new Ran(ExitCode.INTERRUPTED, "", "sluice: copy: interrupted, after 5000 bytes\n"));
        }
        assertThat(copy).hasSize(5000);
    }

    @SuppressWarnings("unchecked")
    static List<Map<String, Object>> sinks(Map<String, Object> json) {
        return (List<Map<String, Object>>) json.get("sinks");
    }
}
