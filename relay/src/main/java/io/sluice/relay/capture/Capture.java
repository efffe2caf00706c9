// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay.capture;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;

/**
 * One or several files of captured packets, as the TCP conversations in them.
 *
 * <pre>{@code
 * try (Capture capture = Capture.open(List.of(Path.of("a.pcapng"), Path.of("b.pcapng")))) {
 *     for (Conversation each : capture.conversations()) {
 *         byte[] asked = each.stream(Side.CLIENT).readAllBytes();
 *         byte[] answered = each.stream(Side.SERVER).readAllBytes();
 *     }
 * }
 * }</pre>
 *
 * <p>Opening reads the files once, merged by time, and remembers where each byte of each conversation is; the bytes are
 * read when they are asked for. So memory depends on the number of conversations and not on that of bytes. The files
 * may grow meanwhile, and are taken as they were when they were opened; they must not become shorter. Safe for any
 * thread; a thread that is interrupted while it reads closes the file for all, as {@link FileChannel} has it.
 */
public final class Capture implements Closeable {
    /** Files at a time: an eighth of the descriptors that a process has at the least by custom. */
    private static final int MOST_OPEN = 128;

    private final List<Path> paths;
    private final Spill spill = new Spill();
    private final LinkedHashMap<Integer, FileChannel> open =
            new LinkedHashMap<>(); // guarded by itself; the latest used last
    private boolean closed; // guarded by open
    private final Notices notices = new Notices();
    private List<Conversation> conversations = List.of();

    private Capture(List<Path> paths) {
        this.paths = paths;
    }

    /**
     * Reads captures as one.
     *
     * @param paths in any order; their packets are put in order by time
     * @throws CaptureException when one is no capture, or of a kind that is not read here
     * @throws IOException when one cannot be read
     */
    public static Capture open(List<Path> paths) throws IOException {
        if (paths.isEmpty() || paths.size() > Track.MOST_FILES) {
            throw new CaptureException(paths.size() + " files: a capture has 1 to " + Track.MOST_FILES);
        }
        Capture capture = new Capture(List.copyOf(paths));
        boolean read = false;
        try (Merge packets = new Merge(capture.paths, capture.notices)) {
            Assembler assembler = new Assembler(capture, capture.spill, capture.notices);
            for (Packet packet = packets.next(); packet != null; packet = packets.next()) {
                assembler.accept(packet);
            }
            capture.conversations = List.copyOf(assembler.finish());
            read = true;
        } finally {
            if (!read) {
                capture.close();
            }
        }
        return capture;
    }

    /** All conversations, in the order in which they began. */
    public List<Conversation> conversations() {
        return conversations;
    }

    /** What could not be used. */
    public List<Notice> notices() {
        return notices.list();
    }

    /** Fills {@code into} from a file. */
    void read(int file, long offset, ByteBuffer into) throws IOException {
        long at = offset;
        while (into.hasRemaining()) {
            FileChannel channel = channel(file);
            int count;
            try {
                count = channel.read(into, at);
            } catch (ClosedByInterruptException e) {
                throw e;
            } catch (ClosedChannelException e) {
                continue; // another file was opened in its place
            }
            if (count < 0) {
                throw new CaptureException(paths.get(file) + ": has become shorter since it was opened");
            }
            at += count;
        }
    }

    private FileChannel channel(int file) throws IOException {
        synchronized (open) {
            if (closed) {
                throw new ClosedChannelException();
            }
            FileChannel channel = open.remove(file);
            if (channel == null || !channel.isOpen()) {
                if (open.size() == MOST_OPEN) {
                    open.pollFirstEntry().getValue().close();
                }
                channel = FileChannel.open(paths.get(file), StandardOpenOption.READ);
            }
            open.put(file, channel);
            return channel;
        }
    }

    @Override
    public void close() throws IOException {
        synchronized (open) {
            closed = true;
            for (FileChannel channel : open.values()) {
                channel.close();
            }
        }
        spill.close();
    }
}
