// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** docs/netty.md says what is true: its code compiles, and the complaints that it answers are tests. */
final class GuideTest {
    private static final Pattern BLOCK = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);
    private static final Pattern CALL = Pattern.compile("`((?:splicer|[ab])\\.[^`…]*\\))`");
    private static final Pattern COMPLAINT = Pattern.compile("(?m)^\\| (?:\\[\\d+].*)?\\| .* \\| (`.*`) \\|$");

    private final String guide = Files.readString(ExampleTest.ROOT.resolve("docs/netty.md"));

    GuideTest() throws IOException {}

    @Test
    void itsCodeCompiles(@TempDir Path directory) throws Exception {
        String source = """
                import io.netty.channel.*;
                import io.netty.channel.epoll.*;
                import io.netty.channel.unix.FileDescriptor;
                import io.sluice.netty.*;
                import java.nio.file.Path;

                void main() {
                    IO.println("compiled");
                }

                void block(ChannelHandlerContext context, Channel backend, Object message) {
                    %s
                }

                void calls(Splicer splicer, EpollSocketChannel a, EpollSocketChannel b, FileDescriptor fileDescriptor,
                        Path path, int offset, int n) {
                    %s;
                }
                """.formatted(
                        String.join("\n", found(BLOCK).toList()),
                        String.join(";\n", found(CALL).toList()));
        assertThat(source).contains("splicer.join(a, b).start();").contains("a.spliceTo(b, n);");
        Process launched = ExampleTest.started(Files.writeString(directory.resolve("Guide.java"), source));
        assertThat(launched.inputReader().readAllAsString())
                .contains("compiled")
                .doesNotContain("error:");
        assertThat(launched.waitFor()).isZero();
    }

    @Test
    void itsComplaintsAreTheTests() {
        List<String> named = found(COMPLAINT)
                .flatMap(names -> Stream.of(names.replace("`", "").split(", ")))
                .toList();
        assertThat(named)
                .containsExactlyInAnyOrderElementsOf(Arrays.stream(NettyComplaintsTest.class.getDeclaredClasses())
                        .flatMap(issue -> Arrays.stream(issue.getDeclaredMethods()))
                        .filter(method -> method.isAnnotationPresent(Test.class))
                        .map(Method::getName)
                        .toList());
    }

    @Test
    void itsLinksLeadSomewhere() {
        assertThat(found(Pattern.compile("]\\(([^)#:]+)\\)")))
                .isNotEmpty()
                .allSatisfy(link -> assertThat(ExampleTest.ROOT.resolve("docs").resolve(link))
                        .exists());
    }

    private Stream<String> found(Pattern pattern) {
        return pattern.matcher(guide).results().map(match -> match.group(1));
    }
}
