// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

/**
 * Something in a capture that could not be used, or was used only in part.
 *
 * @param kind what it is
 * @param count how often it was met
 * @param first where it was met first: file, byte, and what is special about it
 */
public record Notice(Kind kind, long count, String first) {
    /** What there is to be noticed. */
    public enum Kind {
        /** A file that ends in the middle of a packet; one does that is still being written. */
        CUT_SHORT("file that ends in the middle of a packet", "files that end in the middle of a packet"),

        /** A file that makes no sense from some byte on; what is before it counts. */
        DAMAGED("file that is damaged and was read up to there", "files that are damaged and were read up to there"),

        /** A file without a single byte. */
        EMPTY("empty file", "empty files"),

        /** Packets that whoever recorded them says were lost. */
        DROPPED("packet that the recorder says it has dropped", "packets that the recorder says it has dropped"),

        /** Packets of a link type that is not read here. */
        UNKNOWN_LINK("packet of an unknown link type", "packets of an unknown link type"),

        /** Packets that carry something else than TCP. */
        NOT_TCP("packet that carries no TCP", "packets that carry no TCP"),

        /** Pieces of IP packets, which are not put together. */
        FRAGMENT("IP fragment", "IP fragments"),

        /** Packets whose headers contradict themselves. */
        MALFORMED("packet with headers that make no sense", "packets with headers that make no sense"),

        /** Packets of which not even the headers were captured. */
        HEADERS_CUT("packet captured without all of its headers", "packets captured without all of their headers"),

        /** Segments that belong to no connection that is known, and carry no data. */
        STRAY("segment of an unknown connection", "segments of unknown connections"),

        /** Segments that are far from where their connection is. */
        OUT_OF_WINDOW("segment outside its connection's window", "segments outside their connection's window"),

        /** Segments of conversations beyond the limit. */
        TOO_MANY("segment of a conversation beyond the limit", "segments of conversations beyond the limit");

        private final String one;
        private final String several;

        Kind(String one, String several) {
            this.one = one;
            this.several = several;
        }
    }

    /** One line for people. */
    @Override
    public String toString() {
        return count + " " + (count == 1 ? kind.one : kind.several) + " (" + (count == 1 ? "" : "first: ") + first
                + ")";
    }
}
