// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import io.sluice.Listener;
import io.sluice.SocketEnd;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A server of the demonstration: takes one connection, looks at all that comes, and says what it was. */
final class Witness implements AutoCloseable {
    private static final int PIECE_BYTES = 1 << 20;

    private final String name;
    private final Listener listener;
    private final Thread thread;
    private final CompletableFuture<Testimony> heard = new CompletableFuture<>();

    /** Begins to listen. */
    Witness(String name, Listener listener) {
        this.name = name;
        this.listener = listener;
        this.thread = Thread.ofPlatform().daemon().name("sluice-demo-" + name).start(this::run);
    }

    private void run() {
        try (SocketEnd connection = listener.accept()) {
            Testimony.Taker taker = new Testimony.Taker();
            ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES);
            while (connection.read(piece) >= 0) {
                taker.add(piece.flip());
                piece.clear();
            }
            Testimony testimony = taker.take();
            connection.write(bytes(testimony.toString()));
            heard.complete(testimony);
        } catch (IOException e) {
            heard.completeExceptionally(e);
        }
    }

    private static ByteBuffer bytes(String text) {
        byte[] encoded = text.getBytes(StandardCharsets.US_ASCII);
        return ByteBuffer.allocateDirect(encoded.length).put(encoded).flip();
    }

    /** What has come, when that has ended. */
    Testimony testimony(Duration patience) throws IOException, InterruptedException {
        try {
            return heard.get(patience.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            throw new IOException("the " + name + " has failed: " + e.getCause(), e);
        } catch (TimeoutException e) {
            throw new IOException("the " + name + " has not heard the end of it", e);
        }
    }

    @Override
    public void close() {
        listener.close();
        thread.interrupt();
    }
}
