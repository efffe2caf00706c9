// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.replay;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.relay.ServerFixture;
import io.sluice.relay.capture.Capture;
import io.sluice.relay.capture.CaptureBytes;
import io.sluice.relay.capture.Frame;
import io.sluice.relay.capture.Talk;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.io.TempDir;

/** A capture that the test writes, and a server on the kernel that the subclass supplies. */
abstract class ReplayFixture extends ServerFixture {
    @TempDir
    Path directory;

    InetSocketAddress address;
    final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    final List<Outcome> outcomes = new ArrayList<>();

    /** The server to which captures are replayed; it hears "broken" of a connection that is lost. */
    final void serve(Service service) throws IOException {
        Server server = server(connection -> {
            try {
                service.serve(connection);
            } catch (IOException lost) {
                heard.add("broken");
                throw lost;
            }
        });
        address = (InetSocketAddress) server.listener.localAddress();
    }

    final Capture capture(Talk... talks) throws IOException {
        List<Frame> frames = new ArrayList<>();
        for (Talk each : talks) {
            frames.addAll(each.frames);
        }
        return captureOf(frames);
    }

    final Capture captureOf(List<Frame> frames) throws IOException {
        Path file = Files.createTempFile(directory, "test", ".pcapng");
        return keep(Capture.open(List.of(Files.write(file, CaptureBytes.pcapNg(frames)))));
    }

    final Replay replay() {
        return new Replay(sluice, address).speed(Replay.MAX_SPEED).timeout(PATIENCE);
    }

    final Summary run(Replay replay, Capture capture) throws InterruptedException {
        return replay.run(capture.conversations(), outcomes::add);
    }

    /** Replays a capture of one conversation. */
    final Outcome one(Replay replay, Capture capture) throws InterruptedException {
        run(replay, capture);
        assertThat(outcomes).hasSize(1);
        return outcomes.getFirst();
    }
}
