// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SizeTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "1, 1",
        "65536, 65536",
        "12B, 12",
        "64K, 65536",
        "64k, 65536",
        "64KiB, 65536",
        "64KB, 64000",
        "10MB, 10000000",
        "1M, 1048576",
        "1.5G, 1610612736",
        "0.5K, 512",
        ".5K, 512",
        "4T, 4398046511104",
        "1P, 1125899906842624",
        "9223372036854775807, 9223372036854775807",
    })
    void isWhatPeopleWrite(String text, long bytes) {
        assertThat(Size.parse("--limit", text)).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "x", "12x", "K", "1.2.3", "-1", "+1", "1 K", "1KK", "1Ki", "1e3", "0x10", "١x"})
    void isNothingElse(String text) {
        assertThatExceptionOfType(Misuse.class)
                .isThrownBy(() -> Size.parse("--rate", text))
                .withMessageStartingWith("--rate: not a size: '" + text + "'; examples: ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"9223372036854775808", "8192P", "99999999999G"})
    void hasALimit(String text) {
        assertThatExceptionOfType(Misuse.class)
                .isThrownBy(() -> Size.parse("--size", text))
                .withMessageStartingWith("--size: '" + text + "' is more than can be counted");
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0 B",
        "1023, 1023 B",
        "1024, 1.00 KiB",
        "1536, 1.50 KiB",
        "10240, 10.0 KiB",
        "102400, 100 KiB",
        "1023487, 999 KiB",
        "1023999, 0.98 MiB",
        "1048576, 1.00 MiB",
        "4294967296, 4.00 GiB",
        "9223372036854775807, 8192 PiB",
    })
    void isShownWithThreeDigits(long bytes, String text) {
        assertThat(Size.text(bytes)).isEqualTo(text);
    }
}
