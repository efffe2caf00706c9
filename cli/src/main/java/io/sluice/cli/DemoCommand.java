// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/** {@code sluice demo}: a relay with a mirror and a recording, between a client and a backend, and the proof. */
final class DemoCommand implements Command {
    private static final Duration INTERVAL = Duration.ofMillis(250);

    @Override
    public String name() {
        return "demo";
    }

    @Override
    public String summary() {
        return "a relay with a mirror and a recording, shown at work and checked byte for byte; needs nothing";
    }

    @Override
    public int run(List<String> arguments, Host host) {
        DemoOptions options = DemoOptions.parse(arguments);
        if (options.help()) {
            host.out().print(Help.of(name()));
            return ExitCode.OK;
        }
        try (Interruption _ = new Interruption();
                Kernel kernel = options.userSpace() ? host.userSpace() : host.linux()) {
            Path directory = Files.createTempDirectory(temporary(), "sluice-demo");
            try {
                return demonstrate(kernel, directory, options, host);
            } finally {
                delete(directory);
            }
        } catch (InterruptedIOException | InterruptedException told) {
            return ExitCode.INTERRUPTED;
        } catch (IOException e) {
            host.err().println("sluice: demo: " + Complaint.of(e));
            return ExitCode.FAILED;
        }
    }

    /** As other tools have it; Java asks nobody. */
    private static Path temporary() {
        String named = System.getenv("TMPDIR");
        return Path.of(named == null || named.isEmpty() ? System.getProperty("java.io.tmpdir") : named);
    }

    private static int demonstrate(Kernel kernel, Path directory, DemoOptions options, Host host)
            throws IOException, InterruptedException {
        requireRoom(directory, options.bytes());
        try (Demo demo = new Demo(kernel, directory, options.admin(), options.bytes(), Demo.PATIENCE)) {
            if (!options.json()) {
                String end = options.stay() ? "" : " until this ends; --stay keeps it";
                host.err().println("sluice: demo: admin page at " + demo.page() + end);
            }
            Demo.Outcome outcome = watched(host) && !options.json() ? watched(demo, options, host) : demo.run();
            host.out().println(options.json() ? Json.of(outcome.fields()) : outcome.text());
            host.out().flush();
            if (options.stay()) {
                host.err()
                        .println("sluice: demo: the relay at " + demo.entrance()
                                + " and its page stay; Ctrl-C ends them");
                Thread.currentThread().join(); // until the end of the process interrupts it
            }
            return outcome.agrees() ? ExitCode.OK : ExitCode.FAILED;
        }
    }

    private static boolean watched(Host host) {
        try (LinuxKernel kernel = new LinuxKernel()) {
            return host.columns() > 0 && Host.isWatched(kernel);
        }
    }

    private static Demo.Outcome watched(Demo demo, DemoOptions options, Host host)
            throws IOException, InterruptedException {
        try (ProgressLine _ =
                new ProgressLine(host.err(), host.columns(), INTERVAL, 2 * options.bytes(), demo::progressBytes)) {
            return demo.run();
        }
    }

    /** The recording takes a little more than what is sent. */
    private static void requireRoom(Path directory, long bytes) throws IOException {
        long room = Files.getFileStore(directory).getUsableSpace();
        if (room < bytes + bytes / 50) {
            throw new IOException(String.format(
                    Locale.ROOT,
                    "%s has %s left, and the recording takes %s; name another place by TMPDIR, or fewer --bytes",
                    directory.getParent(),
                    Size.text(room),
                    Size.text(bytes)));
        }
    }

    private static void delete(Path directory) throws IOException {
        Files.walkFileTree(directory, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path each, IOException failure) throws IOException {
                Files.delete(each);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
