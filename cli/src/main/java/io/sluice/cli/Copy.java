// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import io.sluice.End;
import io.sluice.ErrnoException;
import io.sluice.FanOut;
import io.sluice.FileEnd;
import io.sluice.Sink;
import io.sluice.Sluice;
import io.sluice.Transfer;
import io.sluice.TransferInterruptedException;
import io.sluice.TransferResult;
import io.sluice.TransferResult.Ending;
import io.sluice.TransferResult.SinkResult;
import io.sluice.flow.EndKind;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** One run of {@code sluice copy} or {@code sluice tee}: opens, moves, reports. */
final class Copy {
    private final String command;
    private final CopyOptions options;
    private final Host host;
    private final List<String> refused = new ArrayList<>();
    private boolean watched;

    /**
     * A run to come.
     *
     * @param command under which name it speaks
     */
    Copy(String command, CopyOptions options, Host host) {
        this.command = command;
        this.options = options;
        this.host = host;
    }

    /** Answers the exit code. */
    int run() {
        try (Interruption _ = new Interruption();
                Kernel kernel = options.userSpace() ? host.userSpace() : host.linux();
                Sluice sluice = Sluice.on(kernel)) {
            watched = !options.quiet() && !options.json() && Host.isWatched(kernel);
            Report report = copied(sluice);
            if (!refused.isEmpty()) {
                report = report.lacking(refused, options.json());
            }
            print(report);
            return report.exitCode();
        } catch (UnsupportedOperationException e) {
            say(e.getMessage());
            return ExitCode.FAILED;
        }
    }

    private Report copied(Sluice sluice) {
        try (Ends ends = new Ends(sluice, options, this::notice, this::goWithout)) {
            return moved(sluice, ends);
        } catch (TransferInterruptedException e) {
            return Report.ofFailure(
                    name(options.source()), Ending.INTERRUPTED, ExitCode.INTERRUPTED, "interrupted before it began");
        } catch (IOException e) {
            return Report.ofFailure(name(options.source()), Ending.FAILED, ExitCode.FAILED, Complaint.of(e));
        }
    }

    private Report moved(Sluice sluice, Ends ends) throws IOException {
        // A line that is drawn among the bytes themselves helps nobody.
        watched &= !reachesTerminal(ends);
        Report report = ends.sinks().size() > 1 ? toSeveral(sluice, ends) : toOne(sluice, ends);
        if (report.exitCode() != ExitCode.OK && !options.keepGoing()) {
            return report;
        }
        try {
            ends.finish();
            if (options.sync()) {
                ends.sync();
            }
        } catch (TransferInterruptedException e) {
            return report.butFailed(ExitCode.INTERRUPTED, "interrupted after all had been moved");
        } catch (IOException e) {
            return report.butFailed(ExitCode.FAILED, Complaint.of(e));
        }
        return report;
    }

    private Report toOne(Sluice sluice, Ends ends) throws IOException {
        Sink sink = ends.sinks().getFirst();
        Transfer transfer =
                sluice.transfer(ends.source()).to(sink).limit(options.limit()).pipeSize(options.pipeBytes());
        if (options.path() != null) {
            transfer.path(options.path());
        }
        if (options.rate() > 0) {
            transfer.rate(options.rate());
        }
        if (options.stable()) {
            transfer.stable();
        }
        return attempt(ends, transfer::movedBytes, () -> {
            TransferResult result = transfer.run();
            boolean gone = result.ending() == Ending.SINK_CLOSED;
            return Report.of(
                    ends.source().toString(),
                    sink.toString(),
                    result,
                    gone ? ExitCode.READER_GONE : ExitCode.OK,
                    gone ? readerGone(sink.toString(), result.bytes()) : null);
        });
    }

    private Report toSeveral(Sluice sluice, Ends ends) throws IOException {
        FanOut fanOut = sluice.fanOut(ends.source()).limit(options.limit()).pipeSize(options.pipeBytes());
        ends.sinks().forEach(fanOut::to);
        if (options.path() != null) {
            fanOut.path(options.path());
        }
        if (options.rate() > 0) {
            fanOut.rate(options.rate());
        }
        if (options.stable()) {
            fanOut.stable();
        }
        fanOut.keepGoing(options::tolerates);
        return attempt(ends, fanOut::movedBytes, () -> severalReport(ends, fanOut.run()));
    }

    /** Of destinations of which some may have failed while the others went on. */
    private static Report severalReport(Ends ends, FanOut.Result result) {
        List<String> failures = new ArrayList<>();
        boolean onlyReadersGone = true;
        for (SinkResult sink : result.sinks()) {
            if (sink.errno() != 0) {
                failures.add(sink.sink() + ": " + Errno.message(sink.errno()) + ", after " + sink.bytes() + " bytes");
                onlyReadersGone &= isReaderGone(sink.errno());
            }
        }
        String source = ends.source().toString();
        if (failures.isEmpty()) {
            return Report.of(source, result, ExitCode.OK, null);
        }
        return Report.of(
                source,
                result,
                onlyReadersGone ? ExitCode.READER_GONE : ExitCode.FAILED,
                failures.size() + " of " + result.sinks().size() + " destinations failed: "
                        + String.join("; ", failures));
    }

    static boolean isReaderGone(int errno) {
        return errno == Errno.EPIPE || errno == Errno.ECONNRESET;
    }

    private interface Run {
        Report run() throws IOException;
    }

    /** Runs with a progress line where one is wanted; what had been moved before a failure is in the report too. */
    private Report attempt(Ends ends, LongSupplier movedBytes, Run run) throws IOException {
        String source = ends.source().toString();
        String firstSink = ends.sinks().getFirst().toString();
        try (ProgressLine _ = progressLine(ends, movedBytes)) {
            return run.run();
        } catch (TransferInterruptedException e) {
            TransferResult result = e.result();
            String complaint = "interrupted, after " + e.bytesMoved() + " bytes";
            return result == null
                    ? Report.ofFailure(source, Ending.INTERRUPTED, ExitCode.INTERRUPTED, complaint)
                    : Report.of(source, firstSink, result, ExitCode.INTERRUPTED, complaint);
        } catch (ErrnoException e) {
            TransferResult result = e.result();
            if (result == null) {
                throw e;
            }
            boolean gone = e.errno() == Errno.EPIPE;
            return Report.of(source, firstSink, result, gone ? ExitCode.READER_GONE : ExitCode.FAILED, Complaint.of(e));
        }
    }

    private @Nullable ProgressLine progressLine(Ends ends, LongSupplier movedBytes) throws IOException {
        if (!options.progress() && !watched) {
            return null;
        }
        return new ProgressLine(host.err(), host.columns(), options.interval(), expectedBytes(ends), movedBytes);
    }

    /** How many bytes will come, as far as that can be known; else 0. */
    private long expectedBytes(Ends ends) throws IOException {
        long expected = options.expectedBytes();
        if (expected < 0 && ends.source() instanceof FileEnd file && file.sizeBytes() > 0) {
            expected = Math.max(0, file.sizeBytes() - file.position());
        }
        if (expected <= 0) {
            return options.limit() == Long.MAX_VALUE ? 0 : options.limit();
        }
        return Math.min(expected, options.limit());
    }

    private static boolean reachesTerminal(Ends ends) throws IOException {
        for (Sink sink : ends.sinks()) {
            if (EndKind.of(((End) sink).stat()) == EndKind.TERMINAL) {
                return true;
            }
        }
        return false;
    }

    private static String readerGone(String sink, long bytes) {
        return sink + ": its reader is gone, after " + bytes + " bytes";
    }

    private static String name(Location source) {
        return switch (source) {
            case Location.Standard _ -> "standard input";
            case Location.Named(var path) -> path.toString();
            default -> source.toString();
        };
    }

    // What is said.

    private void say(@Nullable String text) {
        host.err().println("sluice: " + command + ": " + text);
    }

    private void notice(String text) {
        if (watched || options.summary()) {
            say(text);
        }
    }

    /** At once: what comes may go on for days. */
    private void goWithout(IOException refusal) {
        String complaint = Complaint.of(refusal);
        refused.add(complaint);
        if (!options.json()) {
            say(complaint);
        }
    }

    private void print(Report report) {
        if (options.json()) {
            host.err().println(report.json());
            return;
        }
        String complaint = report.complaint();
        if (complaint != null && !(options.quiet() && report.exitCode() == ExitCode.READER_GONE)) {
            say(complaint);
        }
        if (options.summary() || watched) {
            host.err().println(report.text());
        }
    }
}
