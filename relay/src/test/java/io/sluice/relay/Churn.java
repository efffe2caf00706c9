// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.sluice.Listener;
import io.sluice.Sluice;
import io.sluice.SocketEnd;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Clients and backends at both sides of a relay that say much or little, in this order or that, and end well, leave
 * early or reset: at random, by a seed. What a connection does follows from the seed and its number alone, which is the
 * first thing it says, so that both its ends know the plan and what they have seen can be compared. Its number is also
 * the client's address in its PROXY header, by which its line in the relay's log is found.
 */
final class Churn {
    /** What the relay says of a session: bytes, and the two letters of how it ended. */
    record Line(long up, long down, String termination) {}

    /** How it went for one end of a connection. */
    private enum How {
        /** It has read up to the end that the other side announced. */
        ENDED,
        /** A call has failed. */
        FAILED,
        /** It went before that, as planned. */
        LEFT
    }

    /** What one end has seen; {@code finished} when it had said that it will send no more. */
    private record Saw(long sent, long received, boolean finished, How how) {}

    private static final int MATERIAL_BYTES = 1 << 20;
    private static final int BUFFER_BYTES = 32 << 10;
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Sluice sluice;
    private final long seed;
    private final int connections;
    private final ByteBuffer material = ByteBuffer.allocateDirect(MATERIAL_BYTES);

    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger done = new AtomicInteger();
    private final AtomicInteger nameless = new AtomicInteger();
    private final AtomicReferenceArray<@Nullable Saw> clients;
    private final AtomicReferenceArray<@Nullable Saw> backends;
    private final Set<Side> current = ConcurrentHashMap.newKeySet();
    private final Queue<String> complaints = new ConcurrentLinkedQueue<>();
    private final List<Thread> clientThreads = new ArrayList<>();
    private final List<Thread> backendThreads = new ArrayList<>();

    Churn(Sluice sluice, long seed, int connections) {
        this.sluice = sluice;
        this.seed = seed;
        this.connections = connections;
        this.clients = new AtomicReferenceArray<>(connections);
        this.backends = new AtomicReferenceArray<>(connections);
        byte[] random = new byte[MATERIAL_BYTES];
        new Random(seed).nextBytes(random);
        material.put(random).flip();
    }

    /** Begins: {@code threads} clients at a time, and backends for them. */
    void start(SocketAddress relay, Listener backend, int threads) {
        for (int i = 0; i < threads; i++) {
            clientThreads.add(Thread.ofPlatform().name("client-" + i).start(() -> clients(relay)));
            backendThreads.add(Thread.ofPlatform().name("backend-" + i).start(() -> backends(backend)));
        }
    }

    int done() {
        return done.get();
    }

    /**
     * Waits until every connection is over for its client.
     *
     * @return false when none has come to an end for half a minute; then it is given up
     */
    boolean awaitClients(Runnable everySecond) throws InterruptedException {
        int before = -1;
        long since = System.nanoTime();
        for (Thread each : clientThreads) {
            while (!each.join(Duration.ofSeconds(1))) {
                everySecond.run();
                if (done.get() != before) {
                    before = done.get();
                    since = System.nanoTime();
                } else if (System.nanoTime() - since > PATIENCE.toNanos()) {
                    current.forEach(side -> complaints.add("hangs: " + side));
                    next.set(connections);
                    current.forEach(side -> side.connection.close());
                    return false;
                }
            }
        }
        return true;
    }

    /** Ends the backends; no session may be left by then. */
    void close(Listener backend) throws InterruptedException {
        backend.close();
        for (Thread each : backendThreads) {
            if (!each.join(PATIENCE)) {
                complaints.add("a backend hangs: " + List.of(each.getStackTrace()));
            }
        }
    }

    private void clients(SocketAddress relay) {
        for (int number = next.getAndIncrement(); number < connections; number = next.getAndIncrement()) {
            Plan plan = Plan.of(seed, number);
            try {
                Side side = new Side(sluice.connect(relay), plan, true);
                clients.set(number, side.play());
            } catch (IOException e) {
                complaints.add(plan + " cannot connect: " + e);
            }
            done.incrementAndGet();
        }
    }

    private void backends(Listener listener) {
        while (true) {
            try {
                serve(listener.accept());
            } catch (ClosedChannelException closed) {
                return;
            } catch (IOException e) {
                complaints.add("a backend cannot take connections: " + e);
                return;
            }
        }
    }

    private void serve(SocketEnd connection) {
        ByteBuffer said = ByteBuffer.allocateDirect(Plan.NUMBER_BYTES);
        try {
            while (said.hasRemaining()) {
                if (connection.read(said) < 0) {
                    complaints.add("a connection that never came to its number looks complete");
                    break;
                }
            }
        } catch (IOException reset) {
            nameless.incrementAndGet(); // of a client that left, or it will be missed
        }
        if (said.hasRemaining()) {
            connection.close();
            return;
        }
        int number = said.flip().getInt();
        if (number < 0 || number >= connections || backends.get(number) != null) {
            complaints.add("there is no connection " + number + ", or there was");
            connection.close();
            return;
        }
        backends.set(number, new Side(connection, Plan.of(seed, number), false).play());
    }

    /** One end of a connection, playing its part. */
    private final class Side {
        private final SocketEnd connection;
        private final Plan plan;
        private final boolean client;
        private final SplittableRandom random;
        private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
        private int untilItLeaves;
        private int sent;
        private int received;
        private boolean finished;
        private How how = How.ENDED;

        Side(SocketEnd connection, Plan plan, boolean client) {
            this.connection = connection;
            this.plan = plan;
            this.client = client;
            this.random = new SplittableRandom(plan.number() * 2L + (client ? 1 : 0));
            this.untilItLeaves = client ? plan.clientLeavesAfter() : plan.backendLeavesAfter();
        }

        Saw play() {
            current.add(this);
            try {
                introduce();
                talk();
                if (how == How.LEFT && (client ? plan.clientResets() : plan.backendResets())) {
                    connection.reset();
                }
            } catch (IOException e) {
                how = How.FAILED;
            } finally {
                connection.close();
                current.remove(this);
            }
            return new Saw(sent, received, finished, how);
        }

        private void introduce() throws IOException {
            if (client) {
                sent = Plan.NUMBER_BYTES;
                byte[] header = ("PROXY TCP4 " + plan.source() + " 192.0.2.1 1 1\r\n").getBytes(US_ASCII);
                connection.write(
                        buffer.clear().put(header).putInt(plan.number()).flip());
            } else {
                received = Plan.NUMBER_BYTES;
            }
        }

        private void talk() throws IOException {
            int mine = client ? plan.up() : plan.down();
            int theirs = client ? plan.down() : plan.up();
            boolean goesOn = switch (plan.order()) {
                case CLIENT_FIRST -> client ? speak(mine) && hear(theirs) : hear(theirs) && send(mine);
                case BACKEND_FIRST -> client ? hear(theirs) && send(mine) : speak(mine) && hear(theirs);
                case IN_TURNS -> inTurns(mine, theirs);
                case AT_ONCE -> send(mine) && hear(theirs);
            };
            if (goesOn && leaves()) {
                return;
            }
            if (goesOn && finish()) {
                hearTheEnd();
            }
        }

        private boolean speak(int bytes) throws IOException {
            return send(bytes) && (!plan.halfCloses() || finish());
        }

        private boolean inTurns(int mine, int theirs) throws IOException {
            int ownTurn = Math.max(1, mine / 4);
            int otherTurn = Math.max(1, theirs / 4);
            int toSay = mine;
            int toHear = theirs;
            boolean goesOn = true;
            while (goesOn && (toSay > 0 || toHear > 0)) {
                int say = Math.min(ownTurn, toSay);
                int listen = Math.min(otherTurn, toHear);
                goesOn = client ? send(say) && hear(listen) : hear(listen) && send(say);
                toSay -= say;
                toHear -= listen;
            }
            return goesOn;
        }

        private boolean finish() throws IOException {
            if (!finished) {
                finished = true;
                connection.shutdownOutput();
            }
            return true;
        }

        private boolean leaves() {
            if (untilItLeaves == 0) {
                how = How.LEFT;
            }
            return untilItLeaves == 0;
        }

        private boolean send(int bytes) throws IOException {
            int left = bytes;
            while (left > 0) {
                if (leaves()) {
                    return false;
                }
                int piece = Math.min(Math.min(left, untilItLeaves), 1 + random.nextInt(2 * BUFFER_BYTES));
                ByteBuffer from = expected(client, sent, piece);
                sent += piece; // at most: a call that fails does not tell
                connection.write(from);
                left -= piece;
                untilItLeaves -= piece;
            }
            return true;
        }

        private boolean hear(int bytes) throws IOException {
            int left = bytes;
            while (left > 0) {
                if (leaves()) {
                    return false;
                }
                int got = connection.read(buffer.clear()
                        .limit(Math.min(Math.min(left, untilItLeaves), 1 + random.nextInt(BUFFER_BYTES))));
                if (got < 0) {
                    return false; // the other one has left; whether it may look like this is checked later
                }
                if (buffer.flip().mismatch(expected(!client, received, got)) >= 0) {
                    complaints.add(this + ": the bytes from " + received + " on are not those that were sent");
                }
                received += got;
                left -= got;
                untilItLeaves -= got;
            }
            return true;
        }

        private void hearTheEnd() throws IOException {
            int got = connection.read(buffer.clear());
            if (got > 0) {
                complaints.add(this + ": " + got + " bytes more than were sent");
            }
        }

        private ByteBuffer expected(boolean up, int position, int bytes) {
            return material.slice(plan.materialAt(up) + position, bytes);
        }

        @Override
        public String toString() {
            return (client ? "client" : "backend") + " of " + plan + ", sent " + sent + ", received " + received;
        }
    }

    // The laws.

    /** What does not agree. */
    List<String> complaints(Map<String, Line> log) {
        int namelessAllowed = 0;
        for (int number = 0; number < connections; number++) {
            Plan plan = Plan.of(seed, number);
            Saw client = clients.get(number);
            Saw backend = backends.get(number);
            Line line = log.get(plan.source());
            if (client == null) {
                complaints.add(plan + ": the client has no result");
            } else {
                agree(plan, client, backend, line);
            }
            namelessAllowed += backend == null && plan.clientLeaves() ? 1 : 0;
        }
        if (nameless.get() > namelessAllowed) {
            complaints.add(nameless + " connections were reset before a word; of those that were left early, only "
                    + namelessAllowed + " are not accounted for");
        }
        return List.copyOf(complaints);
    }

    private void agree(Plan plan, Saw client, @Nullable Saw backend, @Nullable Line line) {
        String all = plan + ": client " + client + ", backend " + backend + ", relay " + line;
        if (!plan.clientLeaves() && !plan.backendLeaves()) {
            require(
                    client.how() == How.ENDED && backend != null && backend.how() == How.ENDED,
                    "nobody left, and it did not end well: ",
                    all);
        }
        if (client.how() == How.ENDED) {
            require(
                    backend != null && looksComplete(client, backend, plan.backendResets()),
                    "cut, and looks whole: ",
                    all);
        }
        if (backend != null && backend.how() == How.ENDED) {
            require(looksComplete(backend, client, plan.clientResets()), "cut, and looks whole: ", all);
        }
        if (line == null) {
            require(plan.clientLeaves(), "no line in the log: ", all);
            return;
        }
        long heard = backend == null ? 0 : backend.received();
        long said = backend == null ? 0 : backend.sent();
        require(heard <= line.up() && line.up() <= client.sent(), "bytes up differ: ", all);
        require(client.received() <= line.down() && line.down() <= said, "bytes down differ: ", all);
        boolean byClient = plan.clientLeaves() && line.termination().startsWith("C");
        boolean byBackend = plan.backendLeaves() && line.termination().startsWith("S");
        require(line.termination().equals("--") || byClient || byBackend, "ended by somebody else: ", all);
    }

    /** Whoever is told of an end has all that was sent, by one who ended, or who left without a reset. */
    private static boolean looksComplete(Saw told, Saw other, boolean resets) {
        boolean mayEnd = other.finished() || (other.how() == How.LEFT && !resets);
        return mayEnd && told.received() == other.sent();
    }

    private void require(boolean holds, String what, String all) {
        if (!holds) {
            complaints.add(what + all);
        }
    }

    /** How many ended in which way, for people. */
    String summary() {
        Map<How, Integer> ways = new EnumMap<>(How.class);
        long bytes = 0;
        for (int number = 0; number < connections; number++) {
            Saw client = clients.get(number);
            if (client != null) {
                ways.merge(client.how(), 1, Integer::sum);
                bytes += client.sent() + client.received();
            }
        }
        return ways.getOrDefault(How.ENDED, 0) + " ended, " + ways.getOrDefault(How.FAILED, 0)
                + " were cut by the backend, " + ways.getOrDefault(How.LEFT, 0)
                + " left or reset by the client; " + bytes + " bytes; seed " + seed;
    }
}
