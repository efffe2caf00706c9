// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.O_NONBLOCK;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.TransferResult.Ending;
import io.sluice.kernel.TransferPath;
import io.sluice.testing.AdoptingChild;
import io.sluice.testing.Commands;
import io.sluice.testing.NeedsLinux;
import io.sluice.testing.Pending;
import io.sluice.testing.Stand;
import java.io.File;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Pipes of ours as the standard streams of other processes, and theirs as ours. */
@NeedsLinux
final class ChildProcessTest extends SluiceFixture {
    private static final int BYTES = 3_000_001;

    @Override
    Stand newStand() {
        return Stand.onLinux();
    }

    private Process shell(String script, Redirect in, Redirect out) throws Exception {
        Process process = new ProcessBuilder("sh", "-c", script)
                .redirectInput(in)
                .redirectOutput(out)
                .redirectError(directory.resolve("err").toFile())
                .start();
        keep(() -> {
            process.destroyForcibly().waitFor();
        });
        return process;
    }

    private Path data() throws Exception {
        byte[] data = new byte[BYTES];
        new Random(1).nextBytes(data);
        return Files.write(directory.resolve("data"), data);
    }

    private static Redirect nothing() {
        return Redirect.from(new File("/dev/null"));
    }

    @Test
    void whatAProcessPrintsGoesThroughOurPipeIntoAFileByReference() throws Exception {
        Path data = data();
        Path copy = directory.resolve("copy");
        Pipe pipe = keep(sluice.pipe());
        Process process = shell("cat " + data, nothing(), pipe.writer().redirect());
        pipe.writer().close();
        try (FileEnd file = sluice.open(copy, CREATE, WRITE)) {
            TransferResult result = sluice.transfer(pipe.reader()).to(file).run();
            assertThat(result.ending()).isEqualTo(Ending.SOURCE_ENDED);
            assertThat(result.bytesByPath()).isEqualTo(Map.of(TransferPath.SPLICE, (long) BYTES));
        }
        assertThat(process.waitFor()).isZero();
        assertThat(copy).hasSameBinaryContentAs(data);
    }

    @Test
    void whatWePutIntoOurPipeIsAProcesssInput() throws Exception {
        Path data = data();
        Path copy = directory.resolve("copy");
        Pipe pipe = keep(sluice.pipe());
        Process process = shell("cat", pipe.reader().redirect(), Redirect.to(copy.toFile()));
        pipe.reader().close();
        try (FileEnd file = sluice.open(data)) {
            assertThat(sluice.transfer(file).to(pipe.writer()).run().userSpaceBytes())
                    .isZero();
        }
        pipe.writer().close();
        assertThat(process.waitFor()).isZero();
        assertThat(copy).hasSameBinaryContentAs(data);
    }

    @Test
    void theChildGetsABlockingDescriptionOfItsOwnAndOursStaysNonBlocking() throws Exception {
        Pipe in = keep(sluice.pipe());
        Pipe out = keep(sluice.pipe());
        Process process = shell(
                "sed -n s/^flags://p /proc/self/fdinfo/0 /proc/self/fdinfo/1",
                in.reader().redirect(),
                out.writer().redirect());
        out.writer().close();
        String flags = read(out.reader(), 1000);
        assertThat(process.waitFor()).isZero();
        assertThat(flags.lines().map(line -> Integer.parseInt(line.strip(), 8) & O_NONBLOCK))
                .containsExactly(0, 0);
        assertThat(statusFlags(in.reader().endpoint.fd()) & O_NONBLOCK).isNotZero();
    }

    @Test
    void aChildThatEndsEarlyIsASinkThatHasClosed() throws Exception {
        Pipe pipe = keep(sluice.pipe());
        Process process = shell("head -c 10 >/dev/null", pipe.reader().redirect(), Redirect.DISCARD);
        pipe.reader().close();
        FileEnd zero = keep(sluice.open(Path.of("/dev/zero")));
        assertThat(sluice.transfer(zero).to(pipe.writer()).run().ending()).isEqualTo(Ending.SINK_CLOSED);
        assertThat(process.waitFor()).isZero();
    }

    @Test
    void noDescriptorOfOursReachesAChild() throws Exception {
        keep(sluice.pipe());
        tcp();
        Pipe pipe = keep(sluice.pipe());
        shell("ls /proc/self/fd", nothing(), pipe.writer().redirect());
        pipe.writer().close();
        StringBuilder seen = new StringBuilder();
        for (String part = read(pipe.reader(), 1000); !part.equals("end"); part = read(pipe.reader(), 1000)) {
            seen.append(part);
        }
        assertThat(seen.toString().lines())
                .as("0 to 2, and the directory itself")
                .containsExactly("0", "1", "2", "3");
    }

    /** The whole way: a process of ours between two others, whose streams it shares with nobody's harm (pitfall 44). */
    @Test
    void ourStandardStreamsAreAdoptedInAPipelineOfTheShell() throws Exception {
        Path data = data();
        Path copy = directory.resolve("copy");
        String ours =
                Commands.java(List.of("--enable-native-access=ALL-UNNAMED"), AdoptingChild.class, "streams").stream()
                        .map(word -> "'" + word + "'")
                        .collect(Collectors.joining(" "));
        Process process =
                shell("cat '" + data + "' | " + ours + " | cat > '" + copy + "'", nothing(), Redirect.DISCARD);
        assertThat(process.waitFor()).isZero();
        assertThat(Files.readString(directory.resolve("err"))).isEqualTo("{SPLICE=" + BYTES + "}, still blocking\n");
        assertThat(copy).hasSameBinaryContentAs(data);
    }

    @Test
    void ourStandardStreamsAreFilesWhenTheShellSaysSo() throws Exception {
        Path data = data();
        Path copy = directory.resolve("copy");
        Process process = new ProcessBuilder(
                        Commands.java(List.of("--enable-native-access=ALL-UNNAMED"), AdoptingChild.class, "streams"))
                .redirectInput(data.toFile())
                .redirectOutput(Redirect.appendTo(copy.toFile()))
                .redirectError(directory.resolve("err").toFile())
                .start();
        assertThat(process.waitFor()).isZero();
        assertThat(copy).hasSameBinaryContentAs(data);
        assertThat(Files.readString(directory.resolve("err"), UTF_8))
                .as("nothing but a copy is possible to a file opened with O_APPEND (pitfall 43)")
                .isEqualTo("{COPY=" + BYTES + "}, still blocking\n");
    }

    @Test
    void readingAChildWakesWhenTheChildDies() throws Exception {
        Pipe pipe = keep(sluice.pipe());
        Process process = shell("exec sleep 1000", nothing(), pipe.writer().redirect());
        pipe.writer().close();
        try (Pending<String> reading = Pending.start(Pending.Kind.VIRTUAL, () -> read(pipe.reader(), 10))) {
            reading.mustWait();
            process.destroyForcibly();
            assertThat(reading.value()).isEqualTo("end");
        }
    }

    @Test
    void aProcessCanBeJoinedToAConnection() throws Exception {
        Pipe in = keep(sluice.pipe());
        Pipe out = keep(sluice.pipe());
        shell("tr a-z A-Z", in.reader().redirect(), out.writer().redirect());
        in.reader().close();
        out.writer().close();
        SocketEnd[] pair = tcp();
        pair[1].write(text("louder"));
        pair[1].shutdownOutput();
        Join.Result result = sluice.join(new Duplex(pair[0], pair[0]), new Duplex(out.reader(), in.writer()))
                .run();
        assertThat(result.complete()).isTrue();
        assertThat(read(pair[1], 100)).isEqualTo("LOUDER");
        assertThat(read(pair[1], 100)).isEqualTo("end");
    }
}
