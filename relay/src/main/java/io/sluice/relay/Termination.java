// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

/**
 * How a session ended, in two letters as HAProxy writes them: who ended it, and during what.
 *
 * @param cause who or what
 * @param phase during what
 */
public record Termination(Cause cause, Phase phase) {
    /** Who or what ended a session. */
    public enum Cause {
        /** Both sides have said all they had to. */
        NORMAL('-'),
        /** The client has reset its connection, or vanished. */
        CLIENT('C'),
        /** So has the backend; or it refused. */
        SERVER('S'),
        /** The client said nothing for too long. */
        CLIENT_TIMEOUT('c'),
        /** The backend did not answer for too long, or nobody said anything. */
        SERVER_TIMEOUT('s'),
        /** A rule or a limit. */
        PROXY('P'),
        /** No descriptors or no memory. */
        RESOURCE('R'),
        /** The longest life of a session is over. */
        LIFE('L'),
        /** An operator: the relay or the backend is being drained. */
        DRAIN('D'),
        /** A mistake of the relay's. */
        INTERNAL('I');

        private final char letter;

        Cause(char letter) {
            this.letter = letter;
        }
    }

    /** What a session is at. */
    public enum Phase {
        /** Waiting for a PROXY header or a ClientHello. */
        HELLO('H'),
        /** Waiting for room in its route. */
        QUEUE('Q'),
        /** Reaching a backend. */
        CONNECT('C'),
        /** Both directions flow. */
        DATA('D'),
        /** One direction has ended. */
        LAST('L'),
        /** Over. */
        ENDED('-');

        private final char letter;

        Phase(char letter) {
            this.letter = letter;
        }
    }

    /** The two letters. */
    @Override
    public String toString() {
        return "" + cause.letter + phase.letter;
    }
}
