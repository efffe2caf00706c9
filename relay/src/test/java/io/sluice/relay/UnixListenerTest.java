// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Unix sockets of a relay as files: whose they are, and what becomes of them. */
@NeedsLinux
class UnixListenerTest extends RelayFixture {
    @TempDir
    private Path directory;

    @Override
    protected Kernel newKernel() {
        return new LinuxKernel();
    }

    private Path socket() {
        return directory.resolve("in");
    }

    private Route at(@Nullable Integer mode, @Nullable String owner) throws Exception {
        return Route.named("test")
                .listen(new Listen(new Address.Unix(socket()), mode, owner, null, List.of()))
                .to(Backend.at(echo().address()))
                .build();
    }

    @Test
    void theSocketHasTheModeThatWasAskedForAndGoesWithTheRelay() throws Exception {
        Relay relay = relay(at(0640, null));
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket())))
                .isEqualTo("rw-r-----");
        relay.close();
        assertThat(socket()).doesNotExist();
    }

    @Test
    void anOwnerThatNobodyKnowsIsRefusedAndNothingIsLeft() throws Exception {
        Route route = at(null, "nobody-of-that-name");
        assertThatThrownBy(() -> relay(route))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("does not know user 'nobody-of-that-name'");
        assertThat(socket()).doesNotExist();
    }

    @Test
    void aNewModeNeedsANewRelay() throws Exception {
        Relay relay = relay(at(0640, null));
        Config wider = new Config(List.of(at(0666, null)), 1, 0);
        assertThatThrownBy(() -> relay.reload(wider))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("mode, owner and group of unix:" + socket())
                .hasMessageContaining("[640]")
                .hasMessageContaining("[666]");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket())))
                .isEqualTo("rw-r-----");
    }

    @Test
    void whatAKilledRelayHasLeftIsTakenOver() throws Exception {
        Route route = at(null, null);
        try (Kernel killed = new LinuxKernel()) {
            Relay first = Relay.start(killed, new Config(List.of(route), 1, 0), logs::add);
            Path moved = Files.move(socket(), directory.resolve("moved"));
            first.close();
            Files.move(moved, socket());
        }
        assertThat(socket()).exists();
        Relay second = relay(route);
        assertThat(second.addresses()).hasSize(1);
    }

    /** To such a file connect(2) answers ECONNREFUSED, as it does to a socket that a killed relay has left. */
    @Test
    void aFileThatIsNoSocketIsLeftAlone() throws Exception {
        Files.writeString(socket(), "what somebody has written");
        Route route = at(null, null);
        assertThatThrownBy(() -> relay(route)).isInstanceOf(IOException.class).hasMessageContaining("EADDRINUSE");
        assertThat(socket()).hasContent("what somebody has written");
    }

    @Test
    void aRelayThatStillRunsIsNotRobbed() throws Exception {
        Route route = at(null, null);
        Relay first = relay(route);
        assertThatThrownBy(() -> relay(route)).isInstanceOf(IOException.class).hasMessageContaining("EADDRINUSE");
        assertThat(socket()).exists();
        assertThat(first.addresses()).hasSize(1);
    }
}
