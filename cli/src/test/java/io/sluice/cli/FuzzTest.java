// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FuzzTest {
    @Test
    @NeedsLinux
    void theLastLineCountsProgramsCallsAndDifferences() {
        Ran ran = Ran.sluice("fuzz", "--calls", "300", "--seed", "7");
        assertThat(ran.err()).startsWith("sluice: fuzz: from seed 7\n");
        assertThat(ran.out()).matches("\\d+ programs, [3-5]\\d\\d calls, 0 differences\n");
        assertThat(ran.code()).isZero();
    }

    @Test
    @NeedsLinux
    void oneSeedMakesOneSeriesOfPrograms() {
        String once = Ran.sluice("fuzz", "--calls", "300", "--seed", "8").out();
        assertThat(Ran.sluice("fuzz", "--calls", "300", "--seed", "8").out()).isEqualTo(once);
    }

    @Test
    @NeedsLinux
    void allShortProgramsCanBeRunInstead() {
        Ran ran = Ran.sluice("fuzz", "--enumerate", "2");
        assertThat(ran.err()).startsWith("sluice: fuzz: all 676 programs of 2 calls\n");
        assertThat(ran.out()).isEqualTo("676 programs, 1352 calls, 0 differences\n");
        assertThat(ran.code()).isZero();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--seed 1                   | say for how long: --minutes N, or --calls N; or --enumerate N",
                "--minutes 0                | --minutes: not a time in minutes, of at most a year: '0'",
                "--calls many               | --calls: not a whole number: 'many'",
                "--minutes 1 --seed -1      | --seed: not a whole number: '-1'",
                "--enumerate 0              | --enumerate: not a number of calls from 1 to 8: '0'",
                "--enumerate 9              | --enumerate: not a number of calls from 1 to 8: '9'",
                "--enumerate 2 --minutes 1  | --enumerate runs all programs: without --minutes, --calls and --seed",
                "--minutes 1 here           | nothing is to be named, and 'here' was"
            })
    void aCommandLineThatMakesNoSenseIsRefused(String line, String complaint) {
        Ran ran = Ran.sluice((Object[]) ("fuzz " + line).split(" ", -1));
        assertThat(ran.err()).startsWith("sluice: fuzz: " + complaint);
        assertThat(ran.code()).isEqualTo(ExitCode.USAGE);
    }
}
