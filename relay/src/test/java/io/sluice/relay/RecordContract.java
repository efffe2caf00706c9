// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.SocketEnd;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.TransferPath;
import io.sluice.relay.capture.Capture;
import io.sluice.relay.capture.Conversation;
import io.sluice.relay.capture.Event;
import io.sluice.relay.capture.Events;
import io.sluice.relay.capture.Notice;
import io.sluice.relay.capture.Side;
import io.sluice.relay.record.Recording;
import io.sluice.relay.record.Recording.WhenFull;
import io.sluice.relay.record.RecordingStatus;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a relay records is what has passed, and what is missing is said; read back by what reads captures. */
abstract class RecordContract extends RelayFixture {
    /** More than all that may wait for the disk, with the least of buffers. */
    private static final int BULK_BYTES = 24 << 20;

    private static final byte[] BULK = new byte[BULK_BYTES];

    static {
        new Random(6).nextBytes(BULK); // once: the session with faults is held hundreds of times
    }

    private static final long MIB = 1 << 20;
    private static final long NO_LIMIT = 0;
    private static final Duration DAY = Duration.ofDays(1);

    @TempDir
    Path home;

    Disk disk;

    abstract Kernel kernelOn(Path hostDirectory);

    @Override
    protected final Kernel newKernel() {
        disk = new Disk(kernelOn(home));
        return disk;
    }

    private Path directory() {
        return home.resolve("recordings");
    }

    private Recording recording(WhenFull whenFull) {
        return new Recording(directory(), 1 << 30, DAY, NO_LIMIT, whenFull, 4 * MIB);
    }

    private Relay relay(Recording how, Sample which, Route.Builder route) throws IOException {
        return keep(Relay.start(kernel, new Config(List.of(route.build()), 1, 0, null, null, how, which), logs::add));
    }

    private Relay relay(WhenFull whenFull, Server to, PathChoice path) throws Exception {
        return relay(
                recording(whenFull),
                Sample.ALL,
                route().to(Backend.at(to.address())).path(path));
    }

    // What is in the files.

    private Capture capture() throws IOException {
        try (Stream<Path> files = Files.list(directory())) {
            return keep(Capture.open(files.sorted().toList()));
        }
    }

    private static Conversation only(Capture capture) {
        assertThat(capture.conversations()).hasSize(1);
        return capture.conversations().getFirst();
    }

    /** The ends are those that were seen, and nothing is damaged; a gap that is told of is no damage. */
    private static void assertSound(Capture capture) {
        assertThat(capture.notices()).allMatch(notice -> notice.kind() == Notice.Kind.DROPPED);
    }

    private static byte[] said(Conversation by, Side side) throws IOException {
        return by.stream(side).readAllBytes();
    }

    private static byte[] bulk() {
        return BULK.clone();
    }

    // Whole recordings.

    @Test
    void hasEveryByteOfBulkInBothDirections() throws Exception {
        byte[] data = bulk();
        byte[] answer = Arrays.copyOf(data, 9_999_999);
        Relay relay = relay(
                WhenFull.BLOCK,
                server(connection -> {
                    assertThat(hear(connection, data.length).getBytes(ISO_8859_1))
                            .isEqualTo(data);
                    say(connection, answer);
                    connection.shutdownOutput();
                    assertThat(hasEnded(connection)).isTrue();
                }),
                PathChoice.SPLICE);
        try (SocketEnd client = client(relay)) {
            say(client, data);
            assertThat(hear(client, answer.length).getBytes(ISO_8859_1)).isEqualTo(answer);
            client.shutdownOutput();
            assertThat(log().bytesByPath()).containsKey(TransferPath.SPLICE);
        }
        relay.close();
        Capture capture = capture();
        assertThat(capture.notices()).isEmpty();
        Conversation session = only(capture);
        assertThat(session.ending()).isEqualTo(Conversation.Ending.CLOSED);
        assertThat(said(session, Side.CLIENT)).isEqualTo(data);
        assertThat(said(session, Side.SERVER)).isEqualTo(answer);
        assertThat(session.comment()).isEqualTo("route test, listener 127.0.0.1:0");
    }

    @Test
    void hasSmallMessagesInTheirOrder() throws Exception {
        Relay relay = relay(WhenFull.GAP, echo(), PathChoice.AUTO);
        StringBuilder all = new StringBuilder();
        InetSocketAddress name;
        try (SocketEnd client = client(relay)) {
            name = (InetSocketAddress) client.localAddress();
            for (int i = 0; i < 500; i++) {
                String words = "message " + i + ";";
                say(client, words);
                assertThat(hear(client, words.length())).isEqualTo(words);
                all.append(words);
            }
            client.shutdownOutput();
            assertThat(hasEnded(client)).isTrue();
        }
        relay.close();
        Capture capture = capture();
        assertThat(capture.notices()).isEmpty();
        Conversation session = only(capture);
        assertThat(said(session, Side.CLIENT)).asString(ISO_8859_1).isEqualTo(all.toString());
        assertThat(said(session, Side.SERVER)).asString(ISO_8859_1).isEqualTo(all.toString());
        assertThat(session.client()).isEqualTo(name);
    }

    @Test
    void saysWhoHasResetTheSession() throws Exception {
        Relay relay = relay(WhenFull.GAP, echo(), PathChoice.AUTO);
        try (SocketEnd client = client(relay)) {
            say(client, "hello");
            assertThat(hear(client, 5)).isEqualTo("hello");
            client.reset();
        }
        log();
        relay.close();
        Conversation session = only(capture());
        assertThat(session.ending()).isEqualTo(Conversation.Ending.RESET);
        Event last = null;
        Events events = session.events();
        for (Event event = events.next(); event != null; event = events.next()) {
            last = event;
        }
        assertThat(last).isInstanceOf(Event.Reset.class);
        assertThat(last.side()).isEqualTo(Side.CLIENT);
    }

    @Test
    void hasWhatWasLookedAtFirstAndTheAnnouncedAddress() throws Exception {
        Relay relay = relay(
                recording(WhenFull.GAP),
                Sample.ALL,
                Route.named("test")
                        .listen(new Listen(ANYWHERE, null, null, null, List.of(Cidr.parse("127.0.0.1/32"))))
                        .to(Backend.at(echo().address())));
        try (SocketEnd client = client(relay)) {
            say(client, "PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\nhello");
            assertThat(hear(client, 5)).isEqualTo("hello");
        }
        relay.close();
        Conversation session = only(capture());
        assertThat(said(session, Side.CLIENT)).asString(ISO_8859_1).isEqualTo("hello");
        assertThat(session.client()).isEqualTo(new InetSocketAddress("192.0.2.7", 4711));
    }

    @Test
    void isOfWholeSessionsInItsSample() throws Exception {
        Relay relay = relay(recording(WhenFull.GAP), Sample.parse("1/2"), route().to(Backend.at(echo().address())));
        for (int i = 0; i < 4; i++) {
            try (SocketEnd client = client(relay)) {
                say(client, "session" + i);
                assertThat(hear(client, 8)).isEqualTo("session" + i);
            }
            log();
        }
        relay.close();
        try (Capture capture = capture()) {
            assertThat(capture.conversations()).hasSize(2);
            assertThat(said(capture.conversations().getLast(), Side.SERVER))
                    .asString(ISO_8859_1)
                    .isEqualTo("session2");
        }
    }

    @Test
    void isNotOfRoutesThatSayNo() throws Exception {
        Relay relay = relay(
                recording(WhenFull.GAP),
                Sample.ALL,
                route().to(Backend.at(echo().address())).recorded(false));
        try (SocketEnd client = client(relay)) {
            say(client, "hello");
            assertThat(hear(client, 5)).isEqualTo("hello");
        }
        log();
        relay.close();
        assertThat(directory()).isEmptyDirectory();
    }

    @Test
    void isForItsOwnerAlone() throws Exception {
        Relay relay = relay(WhenFull.GAP, echo(), PathChoice.AUTO);
        try (SocketEnd client = client(relay)) {
            say(client, "secret");
            assertThat(hear(client, 6)).isEqualTo("secret");
        }
        relay.close();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory())))
                .isEqualTo("rwx------");
        try (Stream<Path> files = Files.list(directory())) {
            assertThat(files)
                    .hasSize(1)
                    .allSatisfy(file -> assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                            .isEqualTo("rw-------"));
        }
    }

    // Files.

    @Test
    void goesOnInTheNextFileWhenOneIsFull() throws Exception {
        byte[] data = bulk();
        Relay relay = bulkThrough(new Recording(directory(), MIB, DAY, NO_LIMIT, WhenFull.BLOCK, 4 * MIB), data);
        RecordingStatus status = relay.status().recording();
        Capture capture = capture();
        assertThat(capture.notices()).isEmpty();
        assertThat(said(only(capture), Side.CLIENT)).isEqualTo(data);
        try (Stream<Path> files = Files.list(directory())) {
            List<Path> all = files.toList();
            assertThat(all).hasSizeGreaterThanOrEqualTo(BULK_BYTES >> 20).hasSize((int) status.files());
            for (Path each : all) {
                assertThat(Files.size(each)).isLessThanOrEqualTo(MIB + 1024);
            }
        }
        assertThat(status.bytes()).isEqualTo(data.length);
    }

    @Test
    void staysWithinTheLimitOfAllByDeletingTheOldest() throws Exception {
        Path other = Files.createDirectories(directory()).resolve("notes.txt");
        Files.writeString(other, "not ours");
        Path old = Files.write(directory().resolve("sluice-20200101T000000.000Z-loop0-000001.pcapng"), new byte[100]);
        Relay relay = bulkThrough(new Recording(directory(), MIB, DAY, 8 * MIB, WhenFull.BLOCK, 4 * MIB), bulk());
        RecordingStatus status = relay.status().recording();
        assertThat(old).doesNotExist();
        assertThat(other).exists();
        assertThat(status.filesDeleted()).isPositive();
        try (Stream<Path> files = Files.list(directory())) {
            assertThat(files.mapToLong(file -> file.toFile().length()).sum()).isLessThanOrEqualTo(8 * MIB + 1024);
        }
    }

    /** Sends bulk that is dropped, and ends the relay. */
    private Relay bulkThrough(Recording how, byte[] data) throws Exception {
        Relay relay = relay(how, Sample.ALL, route().to(Backend.at(sink().address())));
        try (SocketEnd client = client(relay)) {
            say(client, data);
            client.shutdownOutput();
            assertThat(hasEnded(client)).isTrue();
        }
        log();
        relay.close();
        return relay;
    }

    private Server sink() throws IOException {
        return server(connection -> {
            ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 18);
            while (connection.read(buffer.clear()) >= 0) {}
        });
    }

    // A disk that is slow, full or broken.

    @Test
    void whenFullHasAGapThatItTellsOfAndTheSessionGoesOn() throws Exception {
        byte[] data = bulk();
        Relay relay = relay(WhenFull.GAP, echoless(), PathChoice.AUTO);
        disk.hangs();
        try (SocketEnd client = client(relay)) {
            say(client, data);
            client.shutdownOutput();
            assertThat(hear(client, 4)).isEqualTo("done");
        }
        log();
        disk.goOn();
        relay.close();
        Conversation session = only(capture());
        RecordingStatus status = relay.status().recording();
        assertThat(status.bytesMissedBehind()).isPositive();
        assertThat(session.missingBytes(Side.CLIENT)).isEqualTo(status.bytesMissedBehind());
        assertThat(session.bytes(Side.CLIENT)).isEqualTo(data.length);
        assertPiecesAreTrue(session, Side.CLIENT, data);
        assertThat(session.ending()).isEqualTo(Conversation.Ending.CLOSED);
        assertThat(files()).contains(" bytes not recorded: the recorder was behind");
    }

    @Test
    void whenFullAndToldToBlockMissesNothing() throws Exception {
        byte[] data = bulk();
        Relay relay = relay(WhenFull.BLOCK, echoless(), PathChoice.AUTO);
        disk.hangs();
        try (SocketEnd client = client(relay)) {
            Thread speaker = Thread.ofPlatform().start(() -> sayAll(client, data));
            until(relay, status -> status.blockedNanos() > 0);
            disk.goOn();
            assertThat(hear(client, 4)).isEqualTo("done");
            speaker.join();
        }
        log();
        relay.close();
        Conversation session = only(capture());
        assertThat(said(session, Side.CLIENT)).isEqualTo(data);
        assertThat(said(session, Side.SERVER)).asString(ISO_8859_1).isEqualTo("done");
        assertThat(relay.status().recording().blockedNanos()).isPositive();
        assertThat(relay.status().recording().bytesMissedBehind()).isZero();
    }

    private static void sayAll(SocketEnd client, byte[] data) {
        try {
            say(client, data);
            client.shutdownOutput();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Says that it is done when all has come. */
    private Server echoless() throws IOException {
        return server(connection -> {
            ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 18);
            while (connection.read(buffer.clear()) >= 0) {}
            say(connection, "done");
        });
    }

    @Test
    void onAFullDiskTheSessionGoesOnAndTheRecordingToWhenThereIsRoom() throws Exception {
        byte[] data = bulk();
        Relay relay = relay(WhenFull.BLOCK, echo(), PathChoice.AUTO);
        StringBuilder after = new StringBuilder();
        try (SocketEnd client = client(relay)) {
            say(client, "before");
            assertThat(hear(client, 6)).isEqualTo("before");
            until(relay, status -> files().split("before", -1).length == 3);
            disk.meets(0, (go, shorter) -> -Errno.ENOSPC);
            Thread speaker = Thread.ofPlatform().start(() -> sayHere(client, data));
            assertThat(hear(client, data.length).getBytes(ISO_8859_1)).isEqualTo(data);
            speaker.join();
            until(relay, status -> status.bytesMissedDisk() == 2L * data.length);
            disk.meets(0, (go, shorter) -> go.getAsLong());
            while (relay.status().recording().bytes() == 12) {
                say(client, "x");
                assertThat(hear(client, 1)).isEqualTo("x");
                after.append("x");
            }
            client.shutdownOutput();
            assertThat(hasEnded(client)).isTrue();
        }
        log();
        relay.close();
        Capture capture = capture();
        assertSound(capture);
        Conversation session = only(capture);
        byte[] all = ("before" + new String(data, ISO_8859_1) + after).getBytes(ISO_8859_1);
        for (Side side : Side.values()) {
            assertPiecesAreTrue(session, side, all);
            assertThat(session.bytes(side)).isEqualTo(all.length);
        }
        assertThat(session.missingBytes(Side.CLIENT) + session.missingBytes(Side.SERVER))
                .isEqualTo(relay.status().recording().bytesMissedDisk());
        assertThat(session.ending()).isEqualTo(Conversation.Ending.CLOSED);
        assertThat(files()).containsPattern("[0-9]+ bytes not recorded: [a-z]+: ENOSPC in sluice-");
    }

    private long bytesOnDisk() throws IOException {
        try (Stream<Path> files = Files.list(directory())) {
            return files.mapToLong(file -> file.toFile().length()).sum();
        }
    }

    private static void until(Relay relay, Predicate<RecordingStatus> holds) {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!holds.test(relay.status().recording())) {
            assertThat(System.nanoTime() - deadline)
                    .as("%s", relay.status().recording())
                    .isNegative();
            Thread.onSpinWait();
        }
    }

    private static void sayHere(SocketEnd client, byte[] data) {
        try {
            say(client, data);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private String files() {
        StringBuilder all = new StringBuilder();
        try (Stream<Path> files = Files.list(directory())) {
            for (Path each : files.toList()) {
                all.append(Files.readString(each, ISO_8859_1));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return all.toString();
    }

    /** All that is there is what was said, where it was said. */
    static void assertPiecesAreTrue(Conversation session, Side side, byte[] data) throws IOException {
        Events events = session.events();
        for (Event event = events.next(); event != null; event = events.next()) {
            if (event instanceof Event.Piece piece && piece.side() == side) {
                ByteBuffer bytes = ByteBuffer.allocate(piece.length());
                session.read(piece, 0, bytes);
                int at = (int) piece.position();
                assertThat(Arrays.equals(bytes.array(), 0, piece.length(), data, at, at + piece.length()))
                        .as("%s bytes at %s", piece.length(), at)
                        .isTrue();
            }
        }
    }

    /** R4 for the recorder: its calls one by one, each with each of its faults; 0 is a call that comes short. */
    @ParameterizedTest
    @ValueSource(ints = {0, Errno.EINTR, Errno.ENOSPC, Errno.EIO, Errno.EDQUOT, Errno.EFBIG, Errno.EINVAL})
    void whateverACallMeetsTheSessionIsWholeAndTheFilesTellWhatIsMissing(int errno) throws Exception {
        int calls = withTrouble(0, Errno.EINTR, (go, shorter) -> go.getAsLong());
        assertThat(calls).isGreaterThan(8);
        for (int call = 1; call <= calls; call++) {
            if (errno == 0) {
                withTrouble(call, Errno.EINTR, (go, shorter) -> shorter.getAsLong());
            } else {
                withTrouble(call, errno, (go, shorter) -> -errno);
            }
        }
    }

    private int withTrouble(int call, int errno, Disk.Trouble what) throws Exception {
        byte[] data = Arrays.copyOf(BULK, 4_000_000);
        try (Stream<Path> files = Files.exists(directory()) ? Files.list(directory()) : Stream.empty()) {
            for (Path each : files.toList()) {
                Files.delete(each);
            }
        }
        disk = new Disk(disk.inner());
        disk.meets(call == 0 ? Integer.MAX_VALUE : call, what);
        RecordingStatus status;
        try (Server server =
                new Server(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), RelayFixture::echo)) {
            Relay relay = Relay.start(
                    disk,
                    new Config(
                            List.of(route().to(Backend.at(server.address()))
                                    .path(PathChoice.SPLICE)
                                    .build()),
                            1,
                            0,
                            null,
                            null,
                            recording(WhenFull.BLOCK),
                            Sample.ALL),
                    logs::add);
            try (relay;
                    SocketEnd client = sluice.connect(relay.addresses().get(ANYWHERE))) {
                say(client, "hello");
                assertThat(hear(client, 5)).isEqualTo("hello");
                Thread speaker = Thread.ofPlatform().start(() -> sayAll(client, data));
                assertThat(hear(client, data.length).getBytes(ISO_8859_1)).isEqualTo(data);
                assertThat(hasEnded(client)).isTrue();
                speaker.join();
            }
            assertThat(log().termination()).hasToString("--");
            relay.close();
            status = relay.status().recording();
        }
        byte[] all = ("hello" + new String(data, ISO_8859_1)).getBytes(ISO_8859_1);
        String told = "call " + call + " of " + disk.calls() + ", " + Errno.name(errno);
        try (Capture capture = capture()) {
            assertSound(capture);
            if (errno == Errno.EINTR) {
                assertThat(status.bytesMissedDisk()).as(told).isZero();
            }
            long missing = 0;
            for (Conversation each : capture.conversations()) {
                for (Side side : Side.values()) {
                    missing += each.missingBytes(side);
                    if (each.isFromBeginning()) {
                        assertPiecesAreTrue(each, side, all);
                    }
                }
            }
            if (capture.conversations().size() == 1
                    && capture.conversations().getFirst().isFromBeginning()) {
                assertThat(missing).as(told).isEqualTo(status.bytesMissedDisk());
            }
            assertThat(status.bytes() + status.bytesMissedDisk()).as(told).isEqualTo(2L * all.length);
            assertThat(status.fileBytes()).as(told).isEqualTo(bytesOnDisk());
        }
        return disk.calls().size();
    }
}
