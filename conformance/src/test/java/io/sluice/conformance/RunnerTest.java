// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.conformance.Verdict.Failed;
import io.sluice.conformance.Verdict.Passed;
import io.sluice.conformance.Verdict.Skipped;
import io.sluice.kernel.Capabilities;
import io.sluice.kernel.Capabilities.Support;
import io.sluice.kernel.linux.LinuxKernel;
import io.sluice.kernel.wrap.ForwardingKernel;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a runner says of scenarios that do not simply pass. */
@NeedsLinux
class RunnerTest {
    @Test
    void aWrongAnswerIsReportedWithStepExpectationAndPipes() {
        Failed failed = failed("pipe A slots=2", "write A.w \"abc\"", "read A.r 2 -> 2 \"xy\"");

        assertThat(failed.step()).isEqualTo("x.md:5: read A.r 2 -> 2 \"xy\"");
        assertThat(failed.expected()).isEqualTo("2 \"xy\"");
        assertThat(failed.got()).isEqualTo("2 \"ab\"");
        assertThat(failed.state()).isEqualTo("A.r 1 bytes in 2 slots, IN; A.w 1 bytes in 2 slots, OUT");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "write A.w \"abc\" -> 4                      | 3",
                "write A.w \"abc\" -> !EAGAIN                | 3",
                "read A.w 1                                  | !EBADF",
                "read A.w 1 -> 0                             | !EBADF",
                "poll A.w -> IN|OUT                          | OUT",
                "splice F@2 A.w 5 -> 5 in=6                  | 5 in=7",
                "splice F A.w 5 -> 5 in=5                    | 5",
                "peek M 0 2 -> \"xy\"                        | 2 \"ab\"",
                "read B.r 1 -> 1                             | there is no descriptor B.r",
                "vmsplice A.w N+0:1 -> 1                     | there is no memory N",
                "pipe A                                      | the name A.r was taken already",
                "asleep t                                    | t is not asleep: it answered 0",
                "done u                                      | u has not finished within 3000 ms",
            })
    void whatAStepDidIsSaidInTheLanguagesOwnWords(String step, String got) {
        Failed failed = failed(
                "pipe A",
                "pipe E",
                "file F \"0123456789\"",
                "mem M \"abc\"",
                "start t: pause 0",
                "start u: read E.r 1",
                step);

        assertThat(failed.got()).isEqualTo(got);
    }

    @Test
    void aStepThatSleepsForGoodIsEndedAtTheLimit() {
        Runner hasty = new Runner(LinuxStand::new, Duration.ofSeconds(2));

        Verdict verdict = hasty.run(scenario("", "pipe A", "read A.r 1 -> 1", "write A.w \"x\""));

        assertThat(verdict)
                .isEqualTo(new Failed(
                        "x.md:4: read A.r 1 -> 1", "an answer", "still in this step after 2000 ms", "ended"));
    }

    @Test
    void threadsThatStillSleepAreEndedWithTheScenario() {
        Verdict verdict = run("pipe A", "start sleeper: read A.r 1", "asleep sleeper");

        assertThat(verdict).isInstanceOf(Passed.class);
        assertThat(Thread.getAllStackTraces().keySet())
                .extracting(Thread::getName)
                .doesNotContain("call sleeper");
    }

    @Test
    void aStepThatOnlyLooksIsLeftOutAndNamed() {
        Verdict verdict = run("pipe A", "close A.r", "write A.w \"x\" -> !EPIPE", "sigpipe -> 1");

        assertThat(verdict).isInstanceOf(Passed.class);
        assertThat(verdict).hasToString("passed, but skipped [sigpipe -> 1 (the JVM swallows the signal)]");
    }

    @Test
    void aStepThatActsAndCannotBeExpressedSkipsTheScenario() {
        assertThat(run("file F empty", "fsizelimit 10", "write F \"x\" -> 99"))
                .isEqualTo(new Skipped("fsizelimit 10: RLIMIT_FSIZE would bind the whole JVM"));
    }

    @Test
    void aNeedThatIsNotMetSkipsTheScenario() {
        Runner copies = new Runner(() -> new LinuxStand(new ForwardingKernel(new LinuxKernel()) {
            @Override
            public Capabilities capabilities() {
                Capabilities real = inner.capabilities();
                return new Capabilities(
                        real.splice(),
                        real.tee(),
                        Support.COPIES,
                        real.pipeMaxSizeBytes(),
                        real.pipeUserPagesSoft(),
                        real.pageSizeBytes(),
                        real.hugePageSizeBytes());
            }
        }));

        assertThat(copies.run(scenario("needs: vmsplice-shares", "pipe A")))
                .isEqualTo(new Skipped("vmsplice does not pass references here: it copies"));
        assertThat(copies.run(scenario("needs: splice-shares", "pipe A"))).isInstanceOf(Passed.class);
    }

    @Test
    void aDescriptorLeftBehindFailsTheScenario() {
        int[] kept = new int[1];
        LinuxKernel linux = new LinuxKernel();
        Runner leaky = new Runner(() -> new LinuxStand(new ForwardingKernel(linux) {
            @Override
            public long close(int fd) {
                kept[0] = fd;
                return 0;
            }
        }));

        Verdict verdict = leaky.run(scenario("", "dev N null w"));

        assertThat(verdict).isInstanceOf(Failed.class);
        assertThat(((Failed) verdict).got()).isEqualTo("still open: [" + kept[0] + " /dev/null]");
        assertThat(linux.close(kept[0])).isZero();
    }

    private static Failed failed(String... steps) {
        Verdict verdict = run(steps);
        assertThat(verdict).isInstanceOf(Failed.class);
        return (Failed) verdict;
    }

    private static Verdict run(String... steps) {
        return new Runner(LinuxStand::new).run(scenario("", steps));
    }

    private static Scenario scenario(String needs, String... steps) {
        String block = "```scenario\n" + String.join("\n", steps) + "\n```\n";
        String text = needs.isEmpty() ? "### X\n" + block : "### X\n" + needs + "\n" + block;
        return ScenarioFile.parse("x.md", text).scenarios().getFirst();
    }
}
