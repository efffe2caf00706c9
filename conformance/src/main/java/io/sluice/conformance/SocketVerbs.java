// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static io.sluice.kernel.Flags.AF_INET;
import static io.sluice.kernel.Flags.AF_UNIX;
import static io.sluice.kernel.Flags.IPPROTO_TCP;
import static io.sluice.kernel.Flags.SHUT_WR;
import static io.sluice.kernel.Flags.SOCK_STREAM;
import static io.sluice.kernel.Flags.TCP_NODELAY;

import io.sluice.conformance.Step.Operation;
import io.sluice.conformance.Steps.Verb;
import io.sluice.kernel.Kernel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Map;

/** Connected sockets. */
final class SocketVerbs {
    static final Map<String, Verb> TABLE = Map.of(
            "unix", SocketVerbs::unix,
            "tcp", SocketVerbs::tcp,
            "sendshut",
                    words -> PipeVerbs.onDescriptor(words, (kernel, fd) -> Answer.of(kernel.shutdown(fd, SHUT_WR))));

    private SocketVerbs() {}

    private static Operation unix(Words words) {
        String name = words.name();
        return stage -> {
            int[] ends = new int[2];
            long result = stage.kernel.socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
            if (result == 0) {
                stage.named(name + ".a", ends[0]);
                stage.named(name + ".b", ends[1]);
            }
            return Answer.of(result);
        };
    }

    private static Operation tcp(Words words) {
        String name = words.name();
        return stage -> {
            Kernel kernel = stage.kernel;
            long listener = kernel.socket(AF_INET, SOCK_STREAM, 0);
            if (listener < 0) {
                return Answer.of(listener);
            }
            long result = connect(stage, name, (int) listener);
            kernel.close((int) listener);
            return Answer.of(Math.min(result, 0));
        };
    }

    /** S.a connects, S.b is what the listener accepts. Answers the first error, or no error. */
    private static long connect(Stage stage, String name, int listener) {
        Kernel kernel = stage.kernel;
        SocketAddress[] address = new SocketAddress[1];
        long result = kernel.bind(listener, new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        result = result < 0 ? result : kernel.listen(listener, 1);
        result = result < 0 ? result : kernel.getsockname(listener, address);
        long client = result < 0 ? result : kernel.socket(AF_INET, SOCK_STREAM, 0);
        if (client < 0) {
            return client;
        }
        stage.named(name + ".a", client);
        result = kernel.connect((int) client, address[0]);
        long server = result < 0 ? result : kernel.accept4(listener, 0);
        if (server < 0) {
            return server;
        }
        stage.named(name + ".b", server);
        result = kernel.setsockopt((int) client, IPPROTO_TCP, TCP_NODELAY, 1);
        return result < 0 ? result : kernel.setsockopt((int) server, IPPROTO_TCP, TCP_NODELAY, 1);
    }
}
