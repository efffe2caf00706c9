// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.TransferPath;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CopyOptionsTest {
    private static CopyOptions parse(String... words) {
        return CopyOptions.parse(List.of(words));
    }

    @Test
    void withoutAnyBytesGoFromStandardInputToStandardOutput() {
        assertThat(parse().source()).isEqualTo(new Location.Standard());
        assertThat(parse().sinks()).containsExactly(new Location.Standard());
    }

    @Test
    void aSourceAloneGoesToStandardOutput() {
        assertThat(parse("a").source()).isEqualTo(new Location.Named(Path.of("a")));
        assertThat(parse("a").sinks()).containsExactly(new Location.Standard());
    }

    @Test
    void whatFollowsTheSourceIsADestination() {
        CopyOptions options = parse("a", "--sync", "b", "-", "tcp://h:1");
        assertThat(options.sync()).isTrue();
        assertThat(options.sinks())
                .containsExactly(new Location.Named(Path.of("b")), new Location.Standard(), new Location.Tcp("h", 1));
    }

    @Test
    void eachIsUnderstood() {
        CopyOptions options = parse(
                "--path",
                "splice",
                "--size",
                "1G",
                "--limit=2K",
                "--rate",
                "3M/s",
                "--buffer",
                "1M",
                "--interval",
                "0.25",
                "--quiet",
                "--sync",
                "-a",
                "-k",
                "--json");
        assertThat(options.path()).isEqualTo(TransferPath.SPLICE);
        assertThat(options.expectedBytes()).isEqualTo(1L << 30);
        assertThat(options.limit()).isEqualTo(2048);
        assertThat(options.rate()).isEqualTo(3 << 20);
        assertThat(options.pipeBytes()).isEqualTo(1 << 20);
        assertThat(options.interval()).isEqualTo(Duration.ofMillis(250));
        assertThat(options.quiet()).isTrue();
        assertThat(options.append()).isTrue();
        assertThat(options.keepGoing()).isTrue();
        assertThat(options.json()).isTrue();
        assertThat(parse("-v", "--progress", "--stable"))
                .returns(true, CopyOptions::summary)
                .returns(true, CopyOptions::progress)
                .returns(true, CopyOptions::stable);
    }

    @Test
    void theLastOfTwoCountsSoThatAnAliasCanBeOverruled() {
        assertThat(parse("--limit", "1", "--limit", "2").limit()).isEqualTo(2);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--rate 12x | --rate: not a size: '12x'; examples: 65536, 64K, 1.5G",
                "--rate 0 | --rate: nothing would ever move at '0'",
                "--rate | --rate needs a value",
                "--limit ten | --limit: not a size: 'ten'",
                "--buffer 0 | --buffer: a pipe cannot have 0",
                "--buffer 2T | --buffer: a pipe cannot have 2T",
                "--interval 0 | --interval: not a time in seconds: '0'; examples: 1, 0.2",
                "--interval soon | --interval: not a time in seconds: 'soon'",
                "--interval 4000 | --interval: not a time in seconds: '4000'",
                "--path teleport | no path is called 'teleport'; there are reflink, copy_file_range, sendfile, splice, copy",
                "--quiet --summary | --quiet and --summary contradict each other",
                "-q --progress | --quiet and --progress contradict each other",
                "--stable --path splice | --stable copies the bytes, so it cannot go by --path splice",
                "--path sendfile a b c | --path sendfile has one destination",
                "a - b - | is named twice as a destination; standard output can take the bytes once",
                "--nosuch | there is no option --nosuch",
            })
    void nonsenseIsExplainedAndNothingIsTouched(String words, String complaint) {
        Ran ran = Ran.sluice((Object[]) ("copy " + words).split(" ", -1));
        assertThat(ran.code()).isEqualTo(ExitCode.USAGE);
        assertThat(ran.err()).startsWith("sluice: copy: ").contains(complaint).endsWith(" (see sluice copy --help)\n");
        assertThat(ran.err().lines()).hasSize(1);
        assertThat(ran.out()).isEmpty();
    }
}
