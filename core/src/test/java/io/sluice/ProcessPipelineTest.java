// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.testing.NeedsLinux;
import io.sluice.testing.Pending;
import io.sluice.testing.Stand;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Processes joined by pipes of ours. */
@NeedsLinux
final class ProcessPipelineTest extends SluiceFixture {
    private static final int BYTES = 3_000_001;

    private final byte[] data = TransferContract.random(BYTES);

    @Override
    Stand newStand() {
        return Stand.onLinux();
    }

    private static ProcessBuilder command(String... words) {
        return new ProcessBuilder(words).redirectError(Redirect.DISCARD);
    }

    private ProcessPipeline pipeline(ProcessBuilder... builders) throws IOException {
        ProcessPipeline pipeline = sluice.pipeline(List.of(builders));
        keep(() -> {
            pipeline.destroyForcibly();
            pipeline.close();
        });
        return pipeline;
    }

    private Path file() throws IOException {
        return Files.write(directory.resolve("file"), data);
    }

    @Test
    void bytesGoInAtOneEndThroughAllProcessesAndOutAtTheOther() throws Exception {
        ProcessPipeline pipeline = pipeline(command("cat"), command("tr", "a-z", "A-Z"), command("rev"));
        pipeline.in().write(text("stressed\n"));
        pipeline.in().close();
        assertThat(pipeline.out().asInputStream().readAllBytes())
                .asString(UTF_8)
                .isEqualTo("DESSERTS\n");
        assertThat(pipeline.waitFor()).containsExactly(0, 0, 0);
        assertThat(pipeline.processes()).hasSize(3).noneMatch(Process::isAlive);
    }

    @Test
    void whatGoesInAndComesOutIsSpliced() throws Exception {
        Path copy = directory.resolve("copy");
        ProcessPipeline pipeline = pipeline(command("cat"), command("cat"), command("cat"));
        try (FileEnd from = sluice.open(file());
                FileEnd to = sluice.open(copy, CREATE, WRITE);
                Pending<TransferResult> feeding = Pending.start(() -> {
                    try (PipeWriter in = pipeline.in()) {
                        return sluice.transfer(from).to(in).run();
                    }
                })) {
            TransferResult result = sluice.transfer(pipeline.out()).to(to).run();
            assertThat(result.userSpaceBytes()).isZero();
            assertThat(feeding.value().userSpaceBytes()).isZero();
        }
        assertThat(copy).hasBinaryContent(data);
        assertThat(pipeline.waitFor()).containsOnly(0);
    }

    @Test
    void whatPassesBetweenTwoPipelinesCanBeTeed() throws Exception {
        Path copy = directory.resolve("copy");
        Path result = directory.resolve("result");
        ProcessPipeline first = pipeline(command("cat", file().toString()));
        ProcessPipeline second = pipeline(command("cat").redirectOutput(result.toFile()));
        try (FileEnd look = sluice.open(copy, CREATE, WRITE)) {
            sluice.transfer(first.out())
                    .to(second.in())
                    .mirrorTo(look, WhenFull.BLOCK)
                    .run();
        }
        second.close();
        assertThat(result).hasBinaryContent(data);
        assertThat(copy).hasBinaryContent(data);
    }

    /** One builder for several processes once passed for the first and the last at once. */
    @Test
    void aBuilderInTheMiddleMayNotBeRedirectedThoughItIsTheLastAsWell() {
        ProcessBuilder twice =
                command("cat").redirectOutput(directory.resolve("copy").toFile());
        assertThatThrownBy(() -> sluice.pipeline(List.of(twice, twice)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("cat");
    }

    @Test
    void theFirstInputAndTheLastOutputGoWhereTheirBuildersSay() throws Exception {
        Path copy = directory.resolve("copy");
        try (ProcessPipeline pipeline = sluice.pipeline(List.of(
                command("cat").redirectInput(file().toFile()), command("cat").redirectOutput(copy.toFile())))) {
            assertThatThrownBy(pipeline::in).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(pipeline::out).isInstanceOf(IllegalStateException.class);
            assertThat(pipeline.waitFor(Duration.ofSeconds(Long.MAX_VALUE))).isTrue();
        }
        assertThat(copy).hasBinaryContent(data);
    }

    @Test
    void aProcessWhoseReaderEndsLearnsItBecauseWeKeepNoInnerEnd() throws Exception {
        ProcessPipeline pipeline = pipeline(command("yes"), command("head", "-n", "1"));
        assertThat(pipeline.out().asInputStream().readAllBytes())
                .asString(UTF_8)
                .isEqualTo("y\n");
        List<Integer> statuses = pipeline.waitFor();
        assertThat(statuses.getFirst()).as("ended by a broken pipe").isNotZero();
        assertThat(statuses.getLast()).isZero();
    }

    @Test
    void theBuildersStayAsTheyWereAndCanBeUsedAgain() throws Exception {
        ProcessBuilder builder = command("cat");
        for (int i = 0; i < 2; i++) {
            ProcessPipeline pipeline = pipeline(builder, builder);
            pipeline.in().write(text("again"));
            pipeline.in().close();
            assertThat(pipeline.out().asInputStream().readAllBytes())
                    .asString(UTF_8)
                    .isEqualTo("again");
            assertThat(builder.redirectInput()).isEqualTo(Redirect.PIPE);
            assertThat(builder.redirectOutput()).isEqualTo(Redirect.PIPE);
        }
    }

    // Refusals.

    private static Stream<ProcessHandle> children() {
        return ProcessHandle.current().children();
    }

    @Test
    void aProcessThatCannotBeStartedTakesThoseBeforeItWithIt() throws Exception {
        List<ProcessHandle> before = children().toList();
        ProcessBuilder missing = command("/nonexistent/command");
        for (List<ProcessBuilder> builders : List.of(
                List.of(missing),
                List.of(missing, command("cat")),
                List.of(command("sleep", "1000"), command("sleep", "1000"), missing),
                List.of(command("sleep", "1000"), missing, command("cat")))) {
            assertThatThrownBy(() -> sluice.pipeline(builders))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("/nonexistent/command");
            assertThat(missing.redirectInput()).isEqualTo(Redirect.PIPE);
        }
        for (ProcessHandle child : children().toList()) {
            if (!before.contains(child)) {
                assertThat(child.onExit().get()).as("killed").isNotNull();
            }
        }
    }

    @Test
    void aRedirectionInTheMiddleIsRefusedBeforeAnythingIsStarted() {
        for (List<ProcessBuilder> builders : List.of(
                List.of(command("cat").redirectOutput(Redirect.DISCARD), command("cat")),
                List.of(command("cat"), command("cat").redirectInput(Redirect.INHERIT)),
                List.<ProcessBuilder>of())) {
            assertThatThrownBy(() -> sluice.pipeline(builders)).isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(callsNamed("pipe2")).isEmpty();
    }

    // The end.

    @Test
    void closingLetsTheProcessesFinishWhatTheyHave() throws Exception {
        Path copy = directory.resolve("copy");
        try (ProcessPipeline pipeline = sluice.pipeline(List.of(
                command("cat"), command("sh", "-c", "cat; sleep 0.1; echo done").redirectOutput(copy.toFile())))) {
            pipeline.in().write(text("all "));
        }
        assertThat(copy).hasContent("all done\n");
    }

    @Test
    void waitingForProcessesThatGoOnEndsWithTheTime() throws Exception {
        ProcessPipeline pipeline = pipeline(command("sleep", "1000"), command("cat"));
        assertThat(pipeline.waitFor(Duration.ofMillis(1))).isFalse();
        assertThat(pipeline.waitFor(Duration.ofMillis(-1))).isFalse();
        pipeline.destroyForcibly();
        assertThat(pipeline.waitFor(Duration.ofSeconds(20))).isTrue();
    }

    @Test
    void anInterruptedCloseKillsTheProcesses() throws Exception {
        for (Pending.Kind kind : Pending.Kind.values()) {
            ProcessPipeline pipeline = pipeline(command("sleep", "1000"), command("sleep", "1000"));
            try (Pending<Void> closing = Pending.start(kind, () -> {
                pipeline.close();
                return null;
            })) {
                closing.mustWait().interrupt();
                assertThat(closing.failure()).isInstanceOf(TransferInterruptedException.class);
            }
            assertThat(pipeline.waitFor(Duration.ofSeconds(20))).isTrue();
            assertThat(List.of(pipeline.in().isOpen(), pipeline.out().isOpen())).containsOnly(false);
        }
    }
}
