// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static io.sluice.kernel.Flags.MSG_OOB;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * TCP's urgent byte, with which clients of some databases interrupt a query: a read ends before it although there is
 * more behind it, and no edge tells of that again. The byte itself is no part of the stream, and is not carried on.
 */
@NeedsLinux
class UrgentDataTest {
    @TempDir
    private Path directory;

    @ParameterizedTest
    @EnumSource(PathChoice.class)
    void whatFollowsAnUrgentByteIsNotForgotten(PathChoice path) throws Exception {
        try (Kernel kernel = new LinuxKernel();
                Conversation all = new Conversation(kernel, false, directory);
                Arena arena = Arena.ofConfined()) {
            all.start(RelayFixture.route()
                    .to(Backend.at(all.backend()))
                    .path(path)
                    .build());
            Pair pair = all.begin();
            pair.client.say(100);
            all.hear();
            for (int i = 0; i < 3; i++) {
                pair.client.say(100);
                pair.client.send();
                assertThat(kernel.send(pair.client.fd(), arena.allocate(1), MSG_OOB))
                        .isEqualTo(1);
                pair.client.say(200); // before the loop has looked
                all.hear();
                assertThat(pair.serverHasHeardAll())
                        .as("what came after the urgent byte, time %s", i)
                        .isTrue();
            }
            pair.client.end();
            pair.server.end();
            all.hear();
            assertThat(all.ended()).isNotNull();
            pair.assertNothingIsWrong();
        }
    }
}
