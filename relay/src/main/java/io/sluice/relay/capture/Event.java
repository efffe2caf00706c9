// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

/**
 * Something that one side did, in the order in which the capture saw it. Of one side, pieces and gaps follow one
 * another without hole or overlap from position 0 on.
 */
public sealed interface Event {
    /** When, in nanoseconds since 1970; never less than that of the event before. */
    long timeNanos();

    /** Who. */
    Side side();

    /**
     * Bytes that are known; {@link Conversation#read} reads them.
     *
     * @param position where in the side's stream they begin
     * @param length how many there are
     * @param file the number of the file that holds them
     * @param offset where in that file they begin
     */
    record Piece(long timeNanos, Side side, long position, int length, int file, long offset) implements Event {}

    /**
     * Bytes that were sent and are not in the capture: lost by it, or cut off by its snapshot length.
     *
     * @param position where in the side's stream they begin
     * @param length how many there are
     * @param otherPosition how much the other side had said when they were first missed; what it said after that may be
     *     the answer to them
     */
    record Gap(long timeNanos, Side side, long position, long length, long otherPosition) implements Event {}

    /** The side has said all (FIN). */
    record End(long timeNanos, Side side) implements Event {}

    /** The side has torn the connection down (RST); nothing comes after it. */
    record Reset(long timeNanos, Side side) implements Event {}
}
