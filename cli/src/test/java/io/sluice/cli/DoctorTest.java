// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.flow.EndKind;
import io.sluice.kernel.Capabilities;
import io.sluice.kernel.Capabilities.Support;
import io.sluice.kernel.Errno;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class DoctorTest {
    private static Diagnosis where(Support splice, Support vmsplice) {
        return Diagnosis.of(new Capabilities(splice, splice, vmsplice, 1 << 20, 0, 4096, 0));
    }

    @Test
    @NeedsLinux
    void tellsPeopleOfSystemCallsLimitsAndEveryPairOfEnds() {
        Ran ran = Ran.sluice("doctor", "--all");
        assertThat(ran.code()).isZero();
        assertThat(ran.err()).isEmpty();
        assertThat(ran.out()).contains("\nLinux ", "\n  splice ", "\n  pipe-max-size ", "\n  open-files ");
        for (EndKind from : EndKind.values()) {
            for (EndKind to : EndKind.values()) {
                assertThat(ran.out())
                        .containsPattern("\n  " + from.label() + " to " + to.label() + " +[a-z_, ]+: [a-z]");
            }
        }
    }

    @Test
    void saysFirstWhetherAllIsWellAndListsOnlyThePathsThatAreHindered() {
        assertThat(where(Support.SHARES, Support.SHARES).text(false))
                .startsWith("All is well: splice, tee and vmsplice share pages.\n\n")
                .contains("\nNothing hinders the paths between the kinds of end; --all lists them.\n")
                .doesNotContain("pipe to socket");
        assertThat(where(Support.refused(Errno.EPERM), Support.COPIES).text(false))
                .startsWith("Not all is as it could be: splice is refused (EPERM), tee is refused (EPERM),"
                        + " vmsplice copies.\n\n")
                .contains("\n  pipe to socket        copy: splice is refused here: EPERM\n")
                .contains("\nNothing hinders the paths between the other kinds of end; --all lists them.\n")
                .doesNotContain("file to socket", "terminal to file");
    }

    @Test
    @NeedsLinux
    void tellsProgramsTheSame() {
        Map<String, Object> json =
                JsonText.object(Ran.sluice("doctor", "--json").out());
        assertThat(json).containsOnlyKeys("system", "java", "calls", "limits", "paths");
        assertThat((List<?>) json.get("paths")).hasSize(25);
    }

    @Test
    void aRefusalIsNamedAndThePathsGoAroundIt() {
        Diagnosis diagnosis = where(Support.refused(Errno.EPERM), Support.COPIES);
        assertThat(diagnosis.text(true))
                .contains("splice                refused: EPERM, Operation not permitted\n")
                .contains("vmsplice              works, but copies\n")
                .contains("pipe to socket        copy: splice is refused here: EPERM\n")
                .contains("file to socket        sendfile, copy: ")
                .contains("huge-page-size        none\n")
                .contains("pipe-user-pages-soft  no limit\n");
        assertThat(diagnosis.json()).contains("\"splice\": {\"outcome\": \"refused\", \"errno\": \"EPERM\"}");
    }

    @Test
    void takesNoNames() {
        assertThat(Ran.sluice("doctor", "who").err())
                .startsWith("sluice: doctor: nothing is to be named, and 'who' was");
    }
}
