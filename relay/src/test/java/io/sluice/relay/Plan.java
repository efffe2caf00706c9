// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import java.util.SplittableRandom;

/**
 * What one connection of a {@link Churn} is to do.
 *
 * @param up bytes from the client, behind its number
 * @param down bytes to it
 * @param halfCloses whether who speaks first says that this was all before it listens
 * @param clientLeavesAfter so many bytes, of both directions together; {@link #NEVER}
 * @param clientResets whether it leaves by a reset
 */
record Plan(
        int number,
        Order order,
        int up,
        int down,
        boolean halfCloses,
        int clientLeavesAfter,
        boolean clientResets,
        int backendLeavesAfter,
        boolean backendResets) {
    /** Who speaks when. */
    enum Order {
        CLIENT_FIRST,
        BACKEND_FIRST,
        IN_TURNS,
        /** Both say all, and then listen: no more than sockets hold. */
        AT_ONCE
    }

    static final int NEVER = Integer.MAX_VALUE;
    static final int NUMBER_BYTES = Integer.BYTES;

    private static final int MOST_NUMBERS = 1 << 24;
    private static final int MOST_AT_ONCE = 16 << 10;

    static Plan of(long seed, int number) {
        if (number >= MOST_NUMBERS) {
            throw new IllegalArgumentException("there are addresses for " + MOST_NUMBERS + " connections");
        }
        SplittableRandom random = new SplittableRandom(seed + number * 0x9E3779B97F4A7C15L);
        Order[] orders = Order.values();
        Order order = orders[random.nextInt(orders.length)];
        int most = order == Order.AT_ONCE ? MOST_AT_ONCE : Integer.MAX_VALUE;
        int up = Math.min(most, size(random));
        int down = Math.min(most, size(random));
        int leaver = random.nextInt(20); // of 20, 4 leave to the client, 2 to the backend, and 2 to both
        return new Plan(
                number,
                order,
                up,
                down,
                random.nextBoolean(),
                leaver < 6 ? random.nextInt(up + down + 1) : NEVER,
                random.nextBoolean(),
                leaver >= 4 && leaver < 8 ? random.nextInt(up + down + 1) : NEVER,
                random.nextBoolean());
    }

    /** Mostly little, as between machines; now and then enough to be spliced. */
    private static int size(SplittableRandom random) {
        int kind = random.nextInt(100);
        return random.nextInt(kind < 10 ? 2 : kind < 60 ? 1 << 10 : kind < 95 ? 48 << 10 : 500 << 10);
    }

    boolean clientLeaves() {
        return clientLeavesAfter != NEVER;
    }

    boolean backendLeaves() {
        return backendLeavesAfter != NEVER;
    }

    /** The client's address. */
    String source() {
        return "10." + (number >> 16) + "." + (number >> 8 & 0xFF) + "." + (number & 0xFF);
    }

    /** Where in the material the bytes of a direction begin. */
    int materialAt(boolean up) {
        return new SplittableRandom(number * 2L + (up ? 1 : 0)).nextInt(500 << 10);
    }
}
