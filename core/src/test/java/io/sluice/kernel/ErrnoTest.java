// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Field;
import org.junit.jupiter.api.Test;

final class ErrnoTest {
    @Test
    void namesAndCodesAreEachOthersInverse() throws IllegalAccessException {
        int codes = 0;
        for (Field field : Errno.class.getFields()) {
            int code = field.getInt(null);
            assertThat(Errno.name(code)).isEqualTo(field.getName());
            assertThat(Errno.name(-code)).isEqualTo(field.getName());
            assertThat(Errno.code(field.getName())).hasValue(code);
            assertThat(Errno.message(code)).isNotBlank();
            codes++;
        }
        assertThat(codes).isGreaterThan(125);
    }

    @Test
    void aNumberWithoutNameIsShownAsSuch() {
        assertThat(Errno.name(-4711)).isEqualTo("errno 4711");
        assertThat(Errno.message(4711)).isEqualTo("unknown error 4711");
        assertThat(Errno.code("ENONSENSE")).isEmpty();
        assertThat(Errno.code("EAGAIN")).hasValue(11);
    }
}
