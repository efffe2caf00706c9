// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.TransferResult.Ending;
import io.sluice.cli.CopyOptions.WhenOneFails;
import io.sluice.kernel.Errno;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The command line of {@code sluice tee}. What it does with standard streams is the business of tests/tee.sh. */
class TeeTest {
    private static TeeOptions parse(String... words) {
        return TeeOptions.parse(List.of(words));
    }

    @Test
    void comesToACopyFromStandardInputToStandardOutputAndEachFile() {
        CopyOptions copy = parse("a", "-a", "tcp://h:1").copy();
        assertThat(copy.source()).isEqualTo(new Location.Standard());
        assertThat(copy.sinks())
                .containsExactly(new Location.Standard(), new Location.Named(Path.of("a")), new Location.Tcp("h", 1));
        assertThat(copy.append()).isTrue();
        assertThat(parse().copy().sinks()).containsExactly(new Location.Standard());
    }

    @Test
    void saysNothingOfItselfUnlessAsked() {
        assertThat(parse("a").copy().quiet()).isTrue();
        assertThat(parse("-v", "a").copy()).returns(true, CopyOptions::summary).returns(false, CopyOptions::quiet);
        assertThat(parse("--json").copy().json()).isTrue();
    }

    @Test
    void theShortOptionsOfTheOtherTeeAreUnderstoodTogether() {
        TeeOptions options = parse("-aik", "a");
        assertThat(options.ignoreInterrupts()).isTrue();
        assertThat(options.copy().append()).isTrue();
        assertThat(options.copy().whenOneFails()).isEqualTo(WhenOneFails.AS_TEE_WITHOUT_READERS);
        assertThat(parse("a").ignoreInterrupts()).isFalse();
    }

    @Test
    void goesOnWithoutOneThatFailsButNotWithoutAReader() {
        CopyOptions usual = parse("a").copy();
        assertThat(usual.tolerates(Errno.ENOSPC)).isTrue();
        assertThat(usual.tolerates(Errno.EPIPE)).isFalse();
        assertThat(usual.tolerates(Errno.ECONNRESET)).isFalse();
        assertThat(parse("-k", "a").copy().tolerates(Errno.EPIPE)).isTrue();
        assertThat(CopyOptions.parse(List.of("a", "b")).tolerates(Errno.ENOSPC)).isFalse();
        assertThat(CopyOptions.parse(List.of("-k", "a", "b")).tolerates(Errno.EPIPE))
                .isTrue();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "- | standard output gets the bytes in any case; a file of this name is written ./-",
                "--nosuch a | there is no option --nosuch",
                "--kernel bsd a | no kernel is called 'bsd'",
                "tcp://h a | should look like tcp://HOST:PORT",
            })
    void nonsenseIsExplainedAndNothingIsTouched(String words, String complaint) {
        Ran ran = Ran.sluice((Object[]) ("tee " + words).split(" ", -1));
        assertThat(ran.code()).isEqualTo(ExitCode.USAGE);
        assertThat(ran.err()).startsWith("sluice: tee: ").contains(complaint).endsWith(" (see sluice tee --help)\n");
        assertThat(ran.out()).isEmpty();
    }

    @Test
    void aRefusalThatWasToldIsNotToldAgain() {
        Report moved = Report.ofFailure("a", Ending.SOURCE_ENDED, ExitCode.OK, "");
        assertThat(moved.lacking(List.of("b: Is a directory"), true))
                .returns(ExitCode.FAILED, Report::exitCode)
                .satisfies(report -> assertThat(report.complaint()).startsWith("b: Is a directory"));
        assertThat(moved.lacking(List.of("b: Is a directory"), false))
                .returns(ExitCode.FAILED, Report::exitCode)
                .satisfies(report -> assertThat(report.complaint()).doesNotContain("Is a directory"));
        assertThat(moved.butFailed(ExitCode.READER_GONE, "gone").lacking(List.of("b"), false))
                .returns(ExitCode.READER_GONE, Report::exitCode);
    }
}
