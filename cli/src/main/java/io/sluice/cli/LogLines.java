// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import java.io.PrintStream;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Writes lines from a thread of its own: whoever has one to write never waits for a slow disk or reader. When too many
 * wait, lines are dropped, and how many is said as soon as there is room again. Safe for any thread.
 */
final class LogLines implements AutoCloseable {
    /** A second's worth at the rate at which connections can be relayed. */
    private static final int MOST_WAITING = 16 << 10;

    private static final String END = "";

    private final PrintStream out;
    private final BlockingQueue<String> waiting = new ArrayBlockingQueue<>(MOST_WAITING);
    private final AtomicLong dropped = new AtomicLong();
    private final Thread writer = Thread.ofPlatform().name("sluice-log").start(this::write);

    LogLines(PrintStream out) {
        this.out = out;
    }

    /** Takes a line that is not empty, or drops it. */
    void add(String line) {
        if (!waiting.offer(line)) {
            dropped.incrementAndGet();
        }
    }

    private void write() {
        try {
            for (String line = waiting.take(); !line.isEmpty(); line = waiting.take()) {
                out.println(line);
                long missing = dropped.getAndSet(0);
                if (missing > 0) {
                    out.println("# " + missing + " sessions are not in this log: whoever reads it was too slow");
                }
                if (waiting.isEmpty()) {
                    out.flush();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            out.flush();
        }
    }

    /** Writes what waits, and ends. */
    @Override
    public void close() {
        boolean interrupted = Thread.interrupted();
        try {
            waiting.put(END);
            writer.join();
        } catch (InterruptedException e) {
            interrupted = true;
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
