// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Goes through the events of a conversation, with a page of them in memory. For one thread. */
public final class Events {
    private final Track track;
    private final long[] page = new long[Track.PAGE_LONGS];
    private final Counts positions = new Counts();
    private int pages;
    private int used;
    private int index;

    Events(Track track) {
        this.track = track;
    }

    /** The next one; null after the last. */
    public @Nullable Event next() throws IOException {
        if (index == used) {
            if (pages == track.pages()) {
                return null;
            }
            used = track.load(pages++, page);
            index = 0;
            if (used == 0) {
                return null;
            }
        }
        Event event = Track.event(page, index, positions);
        index += Track.LONGS;
        switch (event) {
            case Event.Piece piece -> positions.add(piece.side(), piece.length());
            case Event.Gap gap -> positions.add(gap.side(), gap.length());
            case Event.End _, Event.Reset _ -> {}
        }
        return event;
    }
}
