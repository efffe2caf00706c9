// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.record;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * The files of one deck, one after the other, in which everything stands that was handed over, in that order. What the
 * disk does not take is counted, and said as soon as there is a file again to say it in. Belongs to the recorder's
 * thread.
 */
final class Reel {
    /** Of all files of all recordings, as a pattern. */
    static final String NAMES = "sluice-*.pcapng";

    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss.SSS'Z'").withZone(ZoneOffset.UTC);

    /** How long a disk that has failed is left alone. */
    private static final long PAUSE_NANOS = 1_000_000_000;

    /** How often an open file is looked at: whether it is old, or somebody has deleted it. */
    private static final long LOOK_NANOS = 1_000_000_000;

    /** Files of the same millisecond, before it is given up to find a name. */
    private static final int MOST_NAMES = 1000;

    private final Kernel kernel;
    private final Deck deck;
    private final Library library;
    private final MemorySegment hand;
    private final Losses losses = new Losses();

    private @Nullable CaptureFile file;
    private String name = "";
    private String path = "";
    private int number;
    private boolean pauses;
    private long pausesUntilNanos;
    private long lookedNanos;
    private boolean broken;

    // Of the file.
    private long beganWallNanos;
    private long packets;
    private long talliedBytes;
    private long gatheredBytes; // of sessions, since

    private long missing; // since the last statistics at a file's end
    private long missedByDeck; // by those

    // Of all files; read by anyone.
    final LongAdder files = new LongAdder();
    final LongAdder fileBytes = new LongAdder();
    final LongAdder bytes = new LongAdder();
    final LongAdder missedBytes = new LongAdder();
    private volatile String trouble = "";

    /** What reels have in common. */
    interface Library {
        /** The first bytes of a file. */
        MemorySegment beginning(Deck of);

        /** Where a file of that name is; makes room for it. */
        String path(String name) throws IOException;

        /** A file has got its last byte. */
        void finished(String name, long bytes);

        long rotateBytes();

        long rotateAgeNanos();
    }

    /** No file is made before there is something to put into it. */
    Reel(Kernel kernel, Deck deck, Library library, Arena arena) {
        this.kernel = kernel;
        this.deck = deck;
        this.library = library;
        this.hand = arena.allocate(CaptureFile.HAND_BYTES, CaptureFile.PAGE_BYTES);
    }

    Deck deck() {
        return deck;
    }

    /** Why the last write failed; empty when nothing has since. */
    String trouble() {
        return trouble;
    }

    /** The name of the file that is written now; empty when there is none. */
    String name() {
        return file == null ? "" : name;
    }

    // The thread's turns.

    /** Writes the next item; false when there is none. */
    boolean writeNext() {
        Item item = deck.next();
        if (item == null) {
            return false;
        }
        try {
            if (broken) {
                loseAll(item);
            } else {
                write(item);
            }
        } finally {
            deck.takeBack(item);
        }
        return true;
    }

    private void write(Item item) {
        switch (item) {
            case Item.Batch batch -> write(batch);
            case Item.Piece piece -> write(piece);
        }
    }

    /** Nothing more is written here. */
    void give(Throwable reason) {
        broken = true;
        trouble = reason.toString();
        CaptureFile open = file;
        if (open != null) {
            loseUnwritten(open);
            open.cut();
            open.close();
            file = null;
        }
    }

    /** Brings what is in hand into the file: there is nothing else to do. */
    void flush() {
        CaptureFile open = file;
        if (open != null && !open.isFlushed()) {
            long result = open.flush();
            if (result < 0) {
                failed("pwrite", result);
            } else {
                tally();
                trouble = "";
            }
        }
    }

    /** Ends a file that is old enough, or that somebody has deleted; answers how long that can wait. */
    long look(long nowNanos) {
        CaptureFile open = file;
        if (open == null) {
            return Long.MAX_VALUE;
        }
        if (nowNanos - lookedNanos >= LOOK_NANOS) {
            lookedNanos = nowNanos;
            if (nowNanos - open.openedNanos() >= library.rotateAgeNanos() || open.isDeleted()) {
                finish();
                return Long.MAX_VALUE;
            }
        }
        return Math.max(open.openedNanos() + library.rotateAgeNanos(), lookedNanos + LOOK_NANOS) - nowNanos;
    }

    // Items.

    private void write(Item.Batch batch) {
        CaptureFile open = begin(batch.length);
        if (open == null) {
            loseAll(batch);
            return;
        }
        long result = open.makeRoom(batch.length);
        if (result < 0) {
            failed("pwrite", result);
            loseAll(batch);
            return;
        }
        open.gather(batch.memory.asSlice(0, batch.length));
        wrote(batch.payloadBytes, batch.packets);
    }

    private void write(Item.Piece piece) {
        long total = piece.pipe().heldBytes();
        long done = 0;
        MemorySegment options = piece.options();
        while (done < total) {
            int payload = (int) Math.min(total - done, Way.MOST_PAYLOAD);
            int flags = done + payload == total ? Way.PSH | Way.ACK : Way.ACK;
            Way.Packet packet =
                    new Way.Packet(piece.way(), payload, flags, piece.sequence() + done, piece.acknowledged());
            if (!write(piece, packet, options)) {
                break;
            }
            options = Pcapng.NO_OPTIONS;
            done += payload;
        }
        for (long lost = done; lost < total; lost += Way.MOST_PAYLOAD) {
            int payload = (int) Math.min(total - lost, Way.MOST_PAYLOAD);
            lose(new Way.Packet(piece.way(), payload, Way.ACK, piece.sequence() + lost, piece.acknowledged()));
        }
        if (piece.acknowledges() && done == total) {
            acknowledge(piece, total);
        }
    }

    /** One packet out of a pipe; false when it is not in the file. */
    private boolean write(Item.Piece piece, Way.Packet packet, MemorySegment options) {
        Way way = packet.way();
        int block = way.blockBytes(packet.payloadBytes(), packet.flags(), (int) options.byteSize());
        CaptureFile open = begin(block);
        if (open == null) {
            return false;
        }
        long result = open.makeRoom(block);
        if (result < 0) {
            failed("pwrite", result);
            return false;
        }
        long at = way.head(
                open.hand(),
                open.inHand(),
                packet.payloadBytes(),
                packet.flags(),
                packet.sequence(),
                packet.acknowledged(),
                piece.wallNanos(),
                (int) options.byteSize());
        result = open.take(piece.pipe(), at, packet.payloadBytes());
        if (result < 0) {
            failed("read", result);
            return false;
        }
        open.gathered(
                way.tail(open.hand(), at + packet.payloadBytes(), packet.payloadBytes(), packet.flags(), options));
        wrote(packet.payloadBytes(), 1);
        return true;
    }

    private void acknowledge(Item.Piece piece, long bytes) {
        Way back = piece.back();
        int block = back.blockBytes(0, Way.ACK, 0);
        CaptureFile open = begin(block);
        if (open != null && open.makeRoom(block) >= 0) {
            long at = back.head(
                    open.hand(),
                    open.inHand(),
                    0,
                    Way.ACK,
                    piece.acknowledged(),
                    piece.sequence() + bytes,
                    piece.wallNanos(),
                    0);
            open.gathered(back.tail(open.hand(), at, 0, Way.ACK, Pcapng.NO_OPTIONS));
            wrote(0, 1);
        }
    }

    private void wrote(long payloadBytes, long packetCount) {
        gatheredBytes += payloadBytes;
        packets += packetCount;
        tally();
        if (!trouble.isEmpty() && losses.isEmpty()) {
            trouble = "";
        }
    }

    /** Counts what has become whole in the file. */
    private void tally() {
        CaptureFile open = file;
        if (open != null && open.complete() > talliedBytes) {
            fileBytes.add(open.complete() - talliedBytes);
            talliedBytes = open.complete();
            long unwrittenBytes = Pcapng.packets(open.unwritten()).stream()
                    .mapToLong(block -> Way.read(block).payloadBytes())
                    .sum();
            bytes.add(gatheredBytes - unwrittenBytes);
            gatheredBytes = unwrittenBytes;
        }
    }

    // Losses.

    private void loseAll(Item item) {
        switch (item) {
            case Item.Batch batch ->
                Pcapng.packets(batch.memory.asSlice(0, batch.length)).forEach(block -> lose(Way.read(block)));
            case Item.Piece piece -> {
                long total = piece.pipe().heldBytes();
                missing++;
                missedBytes.add(total);
                losses.add(new Way.Packet(piece.way(), (int) total, Way.ACK, piece.sequence(), piece.acknowledged()));
            }
        }
    }

    private void lose(Way.Packet packet) {
        missing++;
        missedBytes.add(packet.payloadBytes());
        losses.add(packet);
    }

    /** What was gathered, and is not in the file. */
    private void loseUnwritten(CaptureFile open) {
        tally();
        gatheredBytes = 0;
        for (MemorySegment block : Pcapng.packets(open.unwritten())) {
            packets--;
            lose(Way.read(block));
        }
    }

    /** The file ends before what could not be written. A full disk may have room later; of other trouble it is left. */
    private void failed(String call, long result) {
        CaptureFile open = file;
        if (open == null) {
            throw new IllegalStateException("there is no file for " + call + " to fail with");
        }
        int errno = (int) -result;
        trouble = call + ": " + Errno.name(errno) + " in " + name;
        loseUnwritten(open);
        long cut = open.cut();
        boolean full = errno == Errno.ENOSPC || errno == Errno.EDQUOT;
        if (open.complete() == 0) {
            close(open);
            kernel.unlink(path); // without its beginning it is no capture
        } else if (cut < 0 || !full) {
            close(open);
        }
        if (errno != Errno.EFBIG || open.complete() == 0) { // else another file has room
            pause();
        }
    }

    private void pause() {
        pauses = true;
        pausesUntilNanos = System.nanoTime() + PAUSE_NANOS;
    }

    // Files.

    /** The file for a block of so many bytes, or for several; null when there is none now. */
    private @Nullable CaptureFile begin(int blockBytes) {
        long nowNanos = System.nanoTime();
        if (pauses && nowNanos - pausesUntilNanos < 0) {
            return null;
        }
        pauses = false;
        look(nowNanos);
        CaptureFile open = file;
        if (open != null && packets > 0 && open.length() + blockBytes > library.rotateBytes()) {
            finish();
            if (pauses) {
                return null;
            }
            open = file;
        }
        if (open == null) {
            open = open(nowNanos);
        }
        if (open != null && !losses.isEmpty()) {
            open = sayLosses(open);
        }
        return open;
    }

    private @Nullable CaptureFile open(long nowNanos) {
        long created = -Errno.EEXIST;
        beganWallNanos = Deck.wallNanos();
        Instant now = Instant.ofEpochSecond(0, beganWallNanos);
        try {
            for (int i = 0; i < MOST_NAMES && created == -Errno.EEXIST; i++) {
                number++;
                name = String.format(
                        "sluice-%s-%s-%06d.pcapng",
                        TIME.format(now), deck.loop().name(), number);
                path = library.path(name);
                created = CaptureFile.create(kernel, path);
            }
        } catch (IOException e) {
            trouble = "directory: " + e;
            pause();
            return null;
        }
        if (created < 0) {
            trouble = "open: " + Errno.name((int) -created) + " for " + name;
            pause();
            return null;
        }
        CaptureFile open = CaptureFile.at(kernel, (int) created, hand, deck::isBehind, nowNanos);
        file = open;
        lookedNanos = nowNanos;
        packets = 0;
        talliedBytes = 0;
        files.increment();
        MemorySegment beginning = library.beginning(deck);
        open.gather(beginning);
        long result = open.flush();
        if (result < 0) {
            failed("pwrite", result);
            return null;
        }
        return open;
    }

    /** Says what is missing, before anything else is written. */
    private @Nullable CaptureFile sayLosses(CaptureFile open) {
        long wallNanos = Deck.wallNanos();
        String why = trouble.isEmpty() ? "the disk did not take them" : trouble;
        long result = open.flush();
        if (result < 0) {
            failed("pwrite", result);
            return null;
        }
        long packetsBefore = packets;
        result = losses.write(wallNanos, why, block -> gather(open, block));
        if (result >= 0) {
            result = open.flush();
        }
        if (result < 0) {
            open.cut(); // what is said here will be said again, and is no loss
            packets = packetsBefore;
            failed("pwrite", result);
            return null;
        }
        tally();
        losses.clear();
        trouble = "";
        return open;
    }

    /** Adds a block without payload; answers 0 or more, or -errno. */
    private long gather(CaptureFile open, MemorySegment block) {
        long result = open.makeRoom((int) block.byteSize());
        if (result >= 0) {
            open.gather(block);
            wrote(0, 1);
        }
        return result;
    }

    /** No more will come: what is missing is said, if the disk lets it, and the file ended. */
    void end() {
        flush();
        pauses = false;
        if (!broken && !losses.isEmpty() && begin(0) == null) {
            losses.clear();
        }
        finish();
    }

    /** Ends the file, as readers expect it. */
    private void finish() {
        CaptureFile open = file;
        if (open == null) {
            return;
        }
        long behind = deck.missedPackets.sum() - missedByDeck;
        MemorySegment statistics = Pcapng.statistics(beganWallNanos, Deck.wallNanos(), packets, missing + behind);
        long result = open.makeRoom((int) statistics.byteSize());
        if (result >= 0) {
            open.gather(statistics);
            result = open.flush();
        }
        if (result < 0) {
            failed("pwrite", result);
        } else {
            missing = 0;
            missedByDeck += behind;
        }
        if (file != null) {
            close(open);
        }
    }

    private void close(CaptureFile open) {
        tally();
        open.close();
        file = null;
        library.finished(name, open.complete());
    }
}
