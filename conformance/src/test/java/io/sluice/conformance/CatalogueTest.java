// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Whether every statement about Linux is held by something, and the documentation says by what. */
class CatalogueTest {
    private static final Set<String> REASONS = Set.of(
            "fork", "bad pointer", "privilege", "process-wide signal or limit", "not expressible by the signatures");

    /** What later kernels may do otherwise, so that a scenario on it must ask first. */
    private static final Set<String> ONLY_IF_VMSPLICE_SHARES = Set.of("K01", "K02", "K03", "K06", "K19", "G10");

    private final Catalogue catalogue = Catalogue.read();

    CatalogueTest() throws IOException {}

    @Test
    void thereAre217StatementsOfAtMostTwelveWords() {
        assertThat(catalogue.rules())
                .hasSize(217)
                .allSatisfy((id, rule) -> assertThat(rule.split(" ", -1)).as(id).hasSizeLessThanOrEqualTo(12));
    }

    @Test
    void everyStatementIsHeldOrExemptAndNoneIsBoth() {
        Set<String> missing = new TreeSet<>(catalogue.rules().keySet());
        missing.removeAll(catalogue.holders().keySet());
        missing.removeAll(catalogue.exemptions().keySet());
        Set<String> both = new TreeSet<>(catalogue.exemptions().keySet());
        both.retainAll(catalogue.holders().keySet());

        assertThat(missing).as("neither held nor exempt").isEmpty();
        assertThat(both).as("held, and exempt as well").isEmpty();
    }

    @Test
    void nothingHoldsOrExemptsAnIdThatDoesNotExist() {
        assertThat(catalogue.rules().keySet())
                .containsAll(catalogue.holders().keySet())
                .containsAll(catalogue.exemptions().keySet());
    }

    @Test
    void everyExemptionHasOneOfTheAgreedReasons() {
        assertThat(catalogue.exemptions()).allSatisfy((id, exemption) -> {
            assertThat(exemption.reason()).as(id).isIn(REASONS);
            assertThat(exemption.why()).as(id).isNotBlank();
        });
    }

    @Test
    void everyScenarioHoldsAStatementOrIsAnExample() throws IOException {
        assertThat(ScenarioFiles.all().stream().flatMap(file -> file.scenarios().stream()))
                .allSatisfy(scenario -> assertThat(scenario.id()).matches("[A-Z]\\d\\d[a-z]?|EX-\\d"));
    }

    @Test
    void whatLaterKernelsMayCopyAsksWhetherThisOneShares() throws IOException {
        assertThat(ScenarioFiles.all().stream().flatMap(file -> file.scenarios().stream()))
                .filteredOn(scenario ->
                        ONLY_IF_VMSPLICE_SHARES.contains(scenario.id().substring(0, 3)))
                .isNotEmpty()
                .allSatisfy(scenario ->
                        assertThat(scenario.needs()).as(scenario.id()).contains(Need.VMSPLICE_SHARES));
    }

    @Test
    void theDocumentationIsCurrent() throws IOException {
        Path page = Path.of(System.getProperty("basedir", "."), "..", "docs", "semantics.md");
        if (System.getProperty("semantics.write") != null) {
            Files.writeString(page, catalogue.page());
        }
        assertThat(page).as("run this test with -Dsemantics.write").hasContent(catalogue.page());
    }
}
