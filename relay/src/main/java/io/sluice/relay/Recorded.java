// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.flow.PooledPipe;
import io.sluice.flow.Tap;
import io.sluice.relay.record.Tape;
import java.lang.foreign.MemorySegment;

/** One direction of a session that is recorded. How the session ends, it says to the tape itself: it knows by whom. */
final class Recorded implements Follower {
    private final Tape tape;
    private final boolean ofClient;
    private final Tap tap;

    Recorded(Tape tape, boolean ofClient) {
        this.tape = tape;
        this.ofClient = ofClient;
        this.tap = ofClient ? tape.up() : tape.down();
    }

    @Override
    public void sourceEnded() {
        tape.ended(ofClient);
    }

    @Override
    public void sessionEnded(boolean reset) {}

    @Override
    public boolean open() {
        return tap.open();
    }

    @Override
    public boolean ready() {
        return tap.ready();
    }

    @Override
    public boolean hasRoom() {
        return tap.hasRoom();
    }

    @Override
    public int stageBytes() {
        return tap.stageBytes();
    }

    @Override
    public void tee(PooledPipe from) {
        tap.tee(from);
    }

    @Override
    public void write(MemorySegment bytes) {
        tap.write(bytes);
    }

    @Override
    public void rest() {
        tap.rest();
    }

    @Override
    public void close() {
        tap.close();
    }
}
