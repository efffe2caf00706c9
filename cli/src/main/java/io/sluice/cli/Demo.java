// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import io.sluice.Listener;
import io.sluice.Sluice;
import io.sluice.SocketEnd;
import io.sluice.WhenFull;
import io.sluice.kernel.Kernel;
import io.sluice.relay.Address;
import io.sluice.relay.Admin;
import io.sluice.relay.Backend;
import io.sluice.relay.Config;
import io.sluice.relay.Listen;
import io.sluice.relay.Manner;
import io.sluice.relay.Mirror;
import io.sluice.relay.Relay;
import io.sluice.relay.RelayStatus;
import io.sluice.relay.Route;
import io.sluice.relay.Sample;
import io.sluice.relay.admin.AdminServer;
import io.sluice.relay.capture.Capture;
import io.sluice.relay.capture.Conversation;
import io.sluice.relay.capture.Side;
import io.sluice.relay.record.Recording;
import io.sluice.relay.record.RecordingStatus;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/**
 * One demonstration: a client, a relay, a backend, a mirror and a recording, in one process and over real sockets. The
 * mirror and the recording are waited for, so that on the slowest machine all of it has to agree.
 */
final class Demo implements AutoCloseable {
    /**
     * What it came to.
     *
     * @param seconds from the client's first byte to the backend's receipt
     * @param cpuSeconds of the relay's threads meanwhile, those of the recorder not among them
     */
    record Outcome(
            Testimony sent,
            Testimony backend,
            Testimony mirror,
            Testimony recorded,
            boolean answerRecorded,
            double seconds,
            double cpuSeconds,
            long splicedBytes,
            long copiedBytes,
            long recordingBytes,
            String page) {
        /** Whether everybody has seen the same. */
        boolean agrees() {
            return sent.equals(backend) && sent.equals(mirror) && sent.equals(recorded) && answerRecorded;
        }

        private double gigabytes() {
            return sent.bytes() / 1e9;
        }

        /** For people. */
        String text() {
            return line("the client has sent", sent.shown())
                    + line("the backend has got", backend.shown() + verdict(backend.equals(sent)))
                    + line("the mirror has got", mirror.shown() + verdict(mirror.equals(sent)))
                    + line("the recording has", recorded.shown() + verdict(recorded.equals(sent)))
                    + line("the backend's answer in it", verdict(answerRecorded).strip())
                    + line("throughput", rounded(gigabytes() / seconds) + " GB/s, mirrored and recorded")
                    + line("CPU of the relay's loop", rounded(cpuSeconds / gigabytes()) + " s per GB")
                    + line("moved by splice", Size.text(splicedBytes) + ", without a copy")
                    + line("copied", Size.text(copiedBytes) + ", before it was clear that this is bulk")
                    + line("recording", Size.text(recordingBytes) + " of pcapng, for Wireshark or sluice replay")
                    + (agrees() ? "All agree." : "THEY DO NOT AGREE.");
        }

        private static String verdict(boolean agrees) {
            return agrees ? "  agrees" : "  DIFFERS";
        }

        private static String rounded(double number) {
            return String.format(Locale.ROOT, "%.2f", number);
        }

        private static String line(String name, String value) {
            return String.format(Locale.ROOT, "%-32s %s%n", name, value);
        }

        /** For machines. */
        Map<String, Object> fields() {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("agrees", agrees());
            fields.put("sent", fields(sent));
            fields.put("backend", fields(backend));
            fields.put("mirror", fields(mirror));
            fields.put("recorded", fields(recorded));
            fields.put("answerRecorded", answerRecorded);
            fields.put("seconds", seconds);
            fields.put("bytesPerSecond", sent.bytes() / seconds);
            fields.put("loopCpuSeconds", cpuSeconds);
            fields.put("splicedBytes", splicedBytes);
            fields.put("copiedBytes", copiedBytes);
            fields.put("recordingBytes", recordingBytes);
            fields.put("page", page);
            return fields;
        }

        private static Map<String, Object> fields(Testimony one) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("bytes", one.bytes());
            fields.put("crc32c", one.digest());
            return fields;
        }
    }

    private static final Address ANYWHERE = new Address.Tcp("127.0.0.1", 0);
    private static final int PIECE_BYTES = 1 << 20;
    private static final int RECEIPT_BYTES = 100;

    /** For the mirror and the disk, when all has been sent. */
    static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Path directory;
    private final long bytes;
    private final Duration patience;
    private final Sluice sluice;
    private final Witness backend;
    private final Witness mirror;
    private final Relay relay;
    private final AdminServer admin;
    private final AtomicLong progress = new AtomicLong();

    /**
     * Sets everything up.
     *
     * @param directory for the recording
     * @param patience how long the mirror and the disk may take when all has been sent
     */
    Demo(Kernel kernel, Path directory, Address.Tcp adminAddress, long bytes, Duration patience) throws IOException {
        this.directory = directory.resolve("recording");
        this.bytes = bytes;
        this.patience = patience;
        this.sluice = Sluice.on(kernel);
        InetSocketAddress anyPort = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        Listener behind = sluice.listen(anyPort);
        Listener beside = sluice.listen(anyPort);
        this.backend = new Witness("backend", behind);
        this.mirror = new Witness("mirror", beside);
        Route route = Route.named("demo")
                .listen(Listen.on(ANYWHERE))
                .to(Backend.at(address(behind.localAddress())))
                .mirror(new Mirror(
                        Backend.at(address(beside.localAddress())),
                        Mirror.Of.REQUESTS,
                        Sample.ALL,
                        Mirror.DEFAULT_BUFFER_BYTES,
                        WhenFull.BLOCK))
                .build();
        Admin page = new Admin(adminAddress, null);
        Recording usual = Recording.in(this.directory);
        Recording recording = new Recording(
                usual.directory(),
                usual.rotateBytes(),
                usual.rotateAge(),
                usual.limitBytes(),
                Recording.WhenFull.BLOCK,
                usual.bufferBytes());
        this.relay = Relay.start(kernel, new Config(List.of(route), 1, 0, null, page, recording, Sample.ALL), _ -> {});
        try {
            this.admin = AdminServer.start(page, relay, () -> {});
        } catch (IOException e) {
            closeServices();
            throw e;
        }
    }

    private static Address address(SocketAddress bound) {
        InetSocketAddress inet = (InetSocketAddress) bound;
        return new Address.Tcp(inet.getAddress().getHostAddress(), inet.getPort());
    }

    /** Where the page is. */
    String page() {
        return admin.uri().toString();
    }

    /** Where the relay listens. */
    String entrance() {
        return String.valueOf(relay.addresses().get(ANYWHERE)).replaceFirst("^.*/", "");
    }

    /** Bytes sent, and then those of them that were found in the recording. */
    long progressBytes() {
        return progress.get();
    }

    /** Sends, and has all that was seen compared. */
    Outcome run() throws IOException, InterruptedException {
        double cpuBefore = cpuSeconds();
        long begun = System.nanoTime();
        Testimony sent;
        String receipt;
        try (SocketEnd client =
                sluice.connect(Objects.requireNonNull(relay.addresses().get(ANYWHERE)))) {
            sent = send(client);
            receipt = receipt(client);
        }
        double seconds = (System.nanoTime() - begun) / 1e9;
        double cpu = cpuSeconds() - cpuBefore;
        Testimony atMirror = mirror.testimony(patience);
        awaitRecording(sent.bytes() + receipt.length());
        RelayStatus.RouteStatus route = relay.status().routes().getFirst();
        Recorded recorded = recorded(receipt);
        return new Outcome(
                sent,
                backend.testimony(patience),
                atMirror,
                recorded.said,
                recorded.answered,
                seconds,
                cpu,
                route.up().getOrDefault(Manner.SPLICED, 0L) + route.down().getOrDefault(Manner.SPLICED, 0L),
                copied(route.up()) + copied(route.down()),
                recorded.fileBytes,
                page());
    }

    private double cpuSeconds() {
        return relay.status().loops().stream()
                        .mapToLong(RelayStatus.LoopStatus::cpuNanos)
                        .sum()
                / 1e9;
    }

    private static long copied(Map<Manner, Long> bytes) {
        return bytes.entrySet().stream()
                .filter(each -> each.getKey() != Manner.SPLICED)
                .mapToLong(Map.Entry::getValue)
                .sum();
    }

    // The client.

    /** Noise, with its place stamped on each piece: one that is lost, doubled or misplaced does not go unseen. */
    private Testimony send(SocketEnd client) throws IOException {
        byte[] noise = new byte[PIECE_BYTES];
        new Random(1).nextBytes(noise);
        ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES).put(noise);
        Testimony.Taker taker = new Testimony.Taker();
        for (long at = 0; at < bytes; at += piece.limit()) {
            piece.clear().putLong(0, at).limit((int) Math.min(bytes - at, PIECE_BYTES));
            taker.add(piece.duplicate());
            client.write(piece);
            progress.addAndGet(piece.limit());
        }
        client.shutdownOutput();
        return taker.take();
    }

    private static String receipt(SocketEnd client) throws IOException {
        ByteBuffer receipt = ByteBuffer.allocateDirect(RECEIPT_BYTES);
        while (receipt.hasRemaining() && client.read(receipt) >= 0) {
            // Until the backend has said all.
        }
        return StandardCharsets.US_ASCII.decode(receipt.flip()).toString();
    }

    // The recording.

    private record Recorded(Testimony said, boolean answered, long fileBytes) {}

    private void awaitRecording(long expectedBytes) throws InterruptedException {
        long deadline = System.nanoTime() + patience.toNanos();
        while (System.nanoTime() - deadline < 0) {
            RecordingStatus status = Objects.requireNonNull(relay.status().recording());
            if (status.bytes() + status.bytesMissedBehind() + status.bytesMissedDisk() >= expectedBytes
                    && relay.sessions() == 0) {
                return;
            }
            TimeUnit.MILLISECONDS.sleep(5);
        }
    }

    private Recorded recorded(String receipt) throws IOException {
        List<Path> files;
        try (Stream<Path> all = Files.list(directory)) {
            files = all.filter(each -> each.toString().endsWith(".pcapng")).toList();
        }
        long fileBytes = 0;
        for (Path each : files) {
            fileBytes += Files.size(each);
        }
        try (Capture capture = Capture.open(files)) {
            Testimony.Taker taker = new Testimony.Taker();
            StringBuilder answer = new StringBuilder();
            for (Conversation each : capture.conversations()) {
                read(each, taker);
                answer.append(new String(each.stream(Side.SERVER).readAllBytes(), StandardCharsets.US_ASCII));
            }
            return new Recorded(taker.take(), answer.toString().equals(receipt), fileBytes);
        }
    }

    private void read(Conversation from, Testimony.Taker into) throws IOException {
        byte[] piece = new byte[PIECE_BYTES];
        try (InputStream said = from.stream(Side.CLIENT)) {
            for (int count = said.read(piece); count >= 0; count = said.read(piece)) {
                into.add(ByteBuffer.wrap(piece, 0, count));
                progress.addAndGet(count);
            }
        }
    }

    @Override
    public void close() {
        admin.close();
        closeServices();
    }

    private void closeServices() {
        relay.close();
        backend.close();
        mirror.close();
        sluice.close();
    }
}
