// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Reading scenarios from Markdown, and saying where a text is wrong. */
class ScenarioFileTest {
    @Test
    void aFencedBlockUnderAThirdLevelHeadingIsAScenario() {
        List<Scenario> scenarios = parse("""
                # Title
                ### X01 Two steps
                Some words.
                ```scenario
                pipe A   # a comment

                write A.w "# -> x" -> 6
                ```
                ```text
                not a step
                ```
                ### X02
                needs: vmsplice-shares, splice-shares
                ```scenario
                pipe B
                ```
                """);

        assertThat(scenarios).extracting(Scenario::toString).containsExactly("X01 Two steps", "X02");
        Scenario first = scenarios.getFirst();
        assertThat(first.where()).isEqualTo("x.md:5");
        assertThat(first.steps()).extracting(Step::text).containsExactly("pipe A", "write A.w \"# -> x\" -> 6");
        assertThat(first.steps()).extracting(Step::where).containsExactly("x.md:5", "x.md:7");
        assertThat(first.needs()).isEmpty();
        assertThat(scenarios.get(1).needs()).containsExactly(Need.VMSPLICE_SHARES, Need.SPLICE_SHARES);
    }

    @Test
    void twoBlocksUnderOneHeadingAreTwoScenarios() {
        assertThat(parse("""
                ### X01
                ```scenario
                pipe A
                ```
                ```scenario
                pipe B
                ```
                """)).extracting(Scenario::id).containsExactly("X01", "X01");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "frobnicate A                 | 'frobnicate' is not a step",
                "write A.w                    | data is missing",
                "write A.w \"abc              | a quote is not closed in '\"abc'",
                "write A.w zero(1             | a bracket is not closed in 'zero(1'",
                "write A.w abc                | 'abc' is not data",
                "write A.w \"a\"\"b\"         | '+' is missing before '\"b\"'",
                "write A.w a*999999999        | 999999999 bytes are more than 67108864",
                "write A.w a*1 b*1            | 'b*1' is more than this step takes",
                "read A.r many                | 'many' is not a count",
                "read A.r 99999999999         | a count is too large: 99999999999",
                "read 1 1                     | '1' is not a name",
                "read A.r 1 ->                | nothing is expected after '->'",
                "read A.r 1 -> !EWHAT         | '!EWHAT' is not an error that Linux has",
                "read A.r 1 -> 1 \"a\" \"b\"  | '\"b\"' is one word too many after the data",
                "splice F@x A.w 1             | 'x' is not an offset",
                "splice F A.w 1 FAST          | 'FAST' is not a flag: MOVE, NONBLOCK, MORE, GIFT or hex",
                "splice F A.w 99999999999999999999 | a length does not fit in 64 bits: 99999999999999999999",
                "vmsplice A.w M:4             | 'M:4' is not a segment: M+off:len, M+off:lenxn, BAD:len, NULL or NOIOV",
                "pipe A FAST                  | 'FAST' is not one of slots=N, DIRECT, NONBLOCK",
                "file F \"a\" x               | 'x' is not a mode: r, w, rw, wa, rwa",
                "nonblock A.r yes             | 'yes' is neither on nor off",
                "dup A.r B.r                  | 'as' is missing before 'B.r'",
                "dup A.r                      | 'as' is missing at the end",
                "start t read A.r 1           | ':' is missing after the thread 't'",
                "start t: read A.r 1 -> 1     | what a thread's call answers is expected by 'done', not by 'start'",
            })
    void aBadLineIsNamedByFileLineAndWhatIsWrong(String line, String message) {
        assertThatThrownBy(() -> parse("### X\n```scenario\npipe Z\n" + line + "\n```\n"))
                .isInstanceOf(SyntaxException.class)
                .hasMessage("x.md:4: " + message);
    }

    @Test
    void aBadFrameIsNamedByFileAndLine() {
        assertThatThrownBy(() -> parse("## X\n```scenario\npipe A\n```\n"))
                .hasMessage("x.md:2: this scenario has no ### heading above it");
        assertThatThrownBy(() -> parse("### X\n```scenario\npipe A\n")).hasMessage("x.md:2: this block is not closed");
        assertThatThrownBy(() -> parse("### X\n```scenario\n# nothing\n```\n"))
                .hasMessage("x.md:2: this scenario has no step");
        assertThatThrownBy(() -> parse("### X\nneeds: luck\n")).hasMessage("x.md:2: nobody knows the need 'luck'");
    }

    private static List<Scenario> parse(String text) {
        return ScenarioFile.parse("x.md", text).scenarios();
    }
}
