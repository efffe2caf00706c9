// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Data expressions and how they are shown again. */
class DataTest {
    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '`',
            delimiter = ' ',
            value = {
                "\"abc\"+\"def\" \"abcdef\"",
                "a*3 \"aaa\"",
                "a*4096+\"Z\" a*4096+\"Z\"",
                "zero(5) zero(5)",
                "empty+\"x\" \"x\"",
                "\"\" empty",
                "pat(10,1,3) 0x11*1+0x18*1+0x1f*1",
            })
    void anExpressionIsShownInItsShortestForm(String expression, String shown) {
        assertThat(Data.parse(expression)).hasToString(shown);
    }

    @Test
    void aPatternIsCountedFromTheStartOfItsFile() {
        assertThat(Data.parse("pat(9,0,5000)+pat(9,5000,3000)")).isEqualTo(Data.parse("pat(9,0,8000)"));
        assertThat(Data.parse("pat(9,0,3)")).isNotEqualTo(Data.parse("pat(9,4096,3)"));
    }

    @Test
    void longDataAreCutWhereTheyAreShown() {
        assertThat(Data.parse("pat(1,0,65536)").toString())
                .endsWith("… (65536 bytes)")
                .hasSizeLessThan(600);
    }
}
