// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Kernel;
import java.util.Arrays;
import java.util.List;

/** A client and the backend that it is connected to through the relay: what each has said, and what the other heard. */
final class Pair {
    final Far client;
    final Far server;

    /** What is in front of the client's words when they reach the backend, as it may be. */
    private List<byte[]> prefaces = List.of(new byte[0]);

    /** Of the client's words, those that are for the relay alone. */
    private int headerBytes;

    Pair(Kernel kernel) {
        client = new Far(kernel);
        server = new Far(kernel);
    }

    /**
     * The client's first bytes are a header, for the relay alone, and the backend hears another one.
     *
     * @param asHeard what it may hear
     */
    void preface(byte[] header, List<byte[]> asHeard) {
        client.say(header);
        headerBytes = header.length;
        prefaces = asHeard;
    }

    /** Each has heard all that the other wants to say, and its end where that is due. */
    boolean allIsHeard() {
        return serverHasHeardAll() && clientHasHeardAll();
    }

    boolean clientHasHeardAll() {
        return client.heardBytes() == server.words().length && (!server.ends() || client.heardEnd());
    }

    boolean serverHasHeardAll() {
        return prefaces.stream().anyMatch(preface -> server.heardBytes() == upBytes(preface))
                && (!client.ends() || server.heardEnd());
    }

    /** Whether nobody is left who could hear or say anything. */
    boolean isOver() {
        return (!client.isThere() || client.isOver()) && (!server.isThere() || server.isOver());
    }

    private long upBytes(byte[] preface) {
        return (long) preface.length + client.words().length - headerBytes;
    }

    /** Both hear what is there; whether anything was. */
    boolean receive() {
        boolean clientHeard = client.receive();
        return server.receive() || clientHeard;
    }

    boolean send() {
        boolean clientSaid = client.send();
        return server.send() || clientSaid;
    }

    /** What has arrived is a beginning of what was said. */
    void assertNothingIsWrong() {
        assertThat(isBeginning(client.heard(), server.words()))
                .as("%s bytes heard by the client begin what was said", client.heardBytes())
                .isTrue();
        assertThat(prefaces)
                .as("%s bytes heard by the backend begin what was said", server.heardBytes())
                .anyMatch(preface -> isBeginning(server.heard(), up(preface)));
    }

    private byte[] up(byte[] preface) {
        byte[] said = client.words();
        byte[] all = Arrays.copyOf(preface, (int) upBytes(preface));
        System.arraycopy(said, headerBytes, all, preface.length, said.length - headerBytes);
        return all;
    }

    private static boolean isBeginning(byte[] part, byte[] whole) {
        return part.length <= whole.length && Arrays.equals(part, 0, part.length, whole, 0, part.length);
    }

    /** Says and hears what it can; whether anything moved. */
    boolean move() {
        boolean said = send();
        return receive() || said;
    }

    void close() {
        client.close();
        server.close();
    }
}
