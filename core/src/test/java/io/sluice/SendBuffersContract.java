// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.SendBuffers.Counts;
import io.sluice.kernel.Errno;
import io.sluice.kernel.TransferPath;
import io.sluice.kernel.wrap.ForwardingKernel;
import io.sluice.testing.Pending;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Semaphore;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pitfall 30: no reader ever sees memory change that was sent; and what is proven free is lent again. */
abstract class SendBuffersContract extends SluiceFixture {
    private static final int KEPT = 3;

    private long page() {
        return kernel.capabilities().pageSizeBytes();
    }

    final SendBuffers buffers(long bytes) throws IOException {
        return keep(sluice.sendBuffers(bytes, KEPT));
    }

    final SendBuffer filled(SendBuffers buffers, char with) throws IOException {
        SendBuffer buffer = buffers.lease();
        buffer.segment().fill((byte) with);
        return buffer;
    }

    /** Sends that many bytes of that letter, and says from which address. */
    final long send(SendBuffers buffers, Sink sink, char letter, long bytes) throws IOException {
        SendBuffer buffer = filled(buffers, letter);
        long address = buffer.segment().address();
        buffer.sendTo(sink, bytes);
        return address;
    }

    /** The address of the memory that is leased next; it goes back unsent. */
    final long next(SendBuffers buffers) throws IOException {
        try (SendBuffer buffer = buffers.lease()) {
            return buffer.segment().address();
        }
    }

    final FileEnd fileToWrite(String name) throws IOException {
        return keep(sluice.open(directory.resolve(name), WRITE, CREATE));
    }

    final String contents(String name) {
        return new String(stand.read(directory.resolve(name)), UTF_8);
    }

    // The proofs.

    @Test
    void whatWasReadFromOurPipeIsLentAgain() throws Exception {
        SendBuffers buffers = buffers(2 * page());
        Pipe pipe = keep(sluice.pipe());
        long sent = send(buffers, pipe.writer(), 'a', page() + 5);
        assertThat(countUpTo(pipe.reader(), page() + 5)).isEqualTo(page() + 5);
        assertThat(next(buffers)).isEqualTo(sent);
        assertThat(buffers.counts()).isEqualTo(new Counts(1, 1, 0));
    }

    @Test
    void whatVmspliceReadFromOurPipeIsLentAgain() throws Exception {
        SendBuffers buffers = buffers(page());
        Pipe pipe = keep(sluice.pipe());
        long sent = send(buffers, pipe.writer(), 'v', 100);
        assertThat(pipe.reader().vmsplice(List.of(room(60), room(60)))).isEqualTo(100);
        assertThat(next(buffers)).isEqualTo(sent);
    }

    @ParameterizedTest
    @ValueSource(strings = {"SPLICE", "COPY"})
    void whatATransferBroughtFromOurPipeIntoAFileIsLentAgain(TransferPath path) throws Exception {
        SendBuffers buffers = buffers(page());
        Pipe pipe = keep(sluice.pipe());
        long sent = send(buffers, pipe.writer(), 't', 100);
        sluice.transfer(pipe.reader())
                .to(fileToWrite("t"))
                .path(path)
                .limit(100)
                .run();
        assertThat(next(buffers)).isEqualTo(sent);
        assertThat(contents("t")).isEqualTo("t".repeat(100));
    }

    @Test
    void whatWasSentToAFileIsLentAgain() throws Exception {
        SendBuffers buffers = buffers(3 * page());
        FileEnd file = fileToWrite("f");
        for (char letter : new char[] {'a', 'b', 'c'}) {
            send(buffers, file, letter, 2 * page() + 1);
        }
        assertThat(contents("f").chars().filter(c -> c == 'b').count()).isEqualTo(2 * page() + 1);
        assertThat(callsNamed("splice")).as("by reference").isNotEmpty();
        assertThat(buffers.counts()).isEqualTo(new Counts(2, 1, 0));
    }

    /** More than the pipe on the way holds: it goes in several rounds, in order. */
    @Test
    void aBufferLargerThanAnyPipeArrivesWhole() throws Exception {
        int bytes = 5 << 20;
        SendBuffers buffers = buffers(bytes);
        SendBuffer buffer = buffers.lease();
        byte[] expected = new byte[bytes];
        new Random(1).nextBytes(expected);
        MemorySegment.copy(expected, 0, buffer.segment(), JAVA_BYTE, 0, bytes);
        buffer.sendTo(fileToWrite("big"), bytes);
        assertThat(stand.read(directory.resolve("big"))).isEqualTo(expected);
    }

    @Test
    void bytesThatOthersWroteBeforeAndAfterAreNoPartOfTheProof() throws Exception {
        SendBuffers buffers = buffers(page());
        Pipe pipe = keep(sluice.pipe());
        pipe.writer().write(text("before"));
        long sent = send(buffers, pipe.writer(), 'm', 10);
        pipe.writer().write(text("after"));
        assertThat(read(pipe.reader(), 15)).isEqualTo("beforemmmmmmmmm");
        assertThat(next(buffers)).as("a byte is left").isNotEqualTo(sent);
        assertThat(read(pipe.reader(), 1)).isEqualTo("m");
        assertThat(buffers.lease().segment().address()).isNotEqualTo(sent); // the unsent one from before
        assertThat(buffers.lease().segment().address()).isEqualTo(sent);
    }

    @Test
    void whatWasNotSentIsLentAgain() throws Exception {
        SendBuffers buffers = buffers(page());
        long first = next(buffers);
        assertThat(next(buffers)).isEqualTo(first);
        assertThat(buffers.counts()).isEqualTo(new Counts(1, 1, 0));
    }

    // No proof.

    @Test
    void whatIsStillInThePipeDoesNotChangeAndIsGivenUpInTheEnd() throws Exception {
        SendBuffers buffers = buffers(page());
        Pipe pipe = keep(sluice.pipe());
        for (char letter = 'a'; letter < 'k'; letter++) {
            send(buffers, pipe.writer(), letter, 1);
        }
        assertThat(buffers.counts()).isEqualTo(new Counts(0, 10, 10 - KEPT));
        assertThat(read(pipe.reader(), 100)).isEqualTo("abcdefghij");
        send(buffers, pipe.writer(), 'x', 1);
        assertThat(buffers.counts().reused()).isEqualTo(1);
    }

    @Test
    void whatATransferTookElsewhereIsNotLentAgain() throws Exception {
        SendBuffers buffers = buffers(page());
        Pipe pipe = keep(sluice.pipe());
        Pipe elsewhere = keep(sluice.pipe());
        long sent = send(buffers, pipe.writer(), 'e', 100);
        sluice.transfer(pipe.reader()).to(elsewhere.writer()).limit(100).run();
        assertThat(next(buffers)).isNotEqualTo(sent);
        try (SendBuffer other = filled(buffers, 'x')) {
            assertThat(read(elsewhere.reader(), 200)).isEqualTo("e".repeat(100));
            assertThat(other.segment().address()).isNotEqualTo(sent);
        }
    }

    @Test
    void afterBytesHaveEscapedThoseThatAreSentLaterCanBeProvenAgain() throws Exception {
        SendBuffers buffers = buffers(page());
        Pipe pipe = keep(sluice.pipe());
        Pipe elsewhere = keep(sluice.pipe());
        send(buffers, pipe.writer(), 'e', 100);
        sluice.transfer(pipe.reader()).to(elsewhere.writer()).limit(100).run();
        long sent = send(buffers, pipe.writer(), 'f', 100);
        assertThat(read(pipe.reader(), 100)).isEqualTo("f".repeat(100));
        assertThat(next(buffers)).isEqualTo(sent);
    }

    /** [J10]: the mirror's pipes hold the same pages. */
    @Test
    void whatWasDuplicatedForAMirrorIsNotLentAgain() throws Exception {
        SendBuffers buffers = buffers(page());
        Pipe pipe = keep(sluice.pipe());
        Pipe mirror = keep(sluice.pipe());
        long sent = send(buffers, pipe.writer(), 'd', 100);
        sluice.transfer(pipe.reader())
                .to(fileToWrite("d"))
                .mirrorTo(mirror.writer(), WhenFull.BLOCK)
                .limit(100)
                .run();
        try (SendBuffer other = filled(buffers, 'x')) {
            assertThat(other.segment().address()).isNotEqualTo(sent);
            assertThat(read(mirror.reader(), 200)).isEqualTo("d".repeat(100));
        }
    }

    /** A sink over code is a pipe of ours: what waited for room there once counted as read when others' bytes were. */
    @Test
    void whatTheCallersCodeHasNotSeenDoesNotChange() throws Exception {
        Semaphore come = new Semaphore(0);
        Semaphore mayLook = new Semaphore(0);
        StringBuilder seen = new StringBuilder(); // the code's, until it is finished
        CodeSink code = keep(sluice.sink(bytes -> {
            come.release();
            mayLook.acquireUninterruptibly();
            seen.append(UTF_8.decode(bytes.asByteBuffer()));
        }));
        SendBuffers buffers = buffers(page());
        code.write(text("-"));
        come.acquire();
        code.write(text("-".repeat(code.pipeCapacityBytes())));
        SendBuffer sent = filled(buffers, 'x');
        try (Pending<Long> sending = Pending.start(Pending.Kind.VIRTUAL, () -> sent.sendTo(code, page()))) {
            sending.mustWait();
            mayLook.release();
            come.acquire();
            sending.value();
        }
        try (SendBuffer _ = filled(buffers, 'y')) {
            mayLook.release(Integer.MAX_VALUE / 2);
            code.finish();
        }
        assertThat(seen.toString().replace("-", "")).isEqualTo("x".repeat((int) page()));
    }

    @Test
    void whatAnAdoptedPipeTookDoesNotChange() throws Exception {
        SendBuffers buffers = buffers(page());
        int[] fds = inheritedPipe();
        Sink sink = keep(sluice.sink(fds[1]));
        PipeReader reader = keep((PipeReader) sluice.source(fds[0]));
        for (char letter = 'a'; letter < 'h'; letter++) {
            send(buffers, sink, letter, 1);
        }
        assertThat(read(reader, 100)).isEqualTo("abcdefg");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatASocketTookDoesNotChange(boolean tcp) throws Exception {
        SendBuffers buffers = buffers(page());
        SocketEnd[] pair = tcp ? tcp() : unix();
        for (int i = 0; i < 20; i++) {
            send(buffers, pair[0], (char) ('a' + i), 2_000);
        }
        for (int i = 0; i < 20; i++) {
            assertThat(exactly(pair[1], 2_000))
                    .isEqualTo(String.valueOf((char) ('a' + i)).repeat(2_000));
        }
    }

    @Test
    void aSocketThatIsFullIsWaitedFor() throws Exception {
        int bytes = 8 << 20;
        SendBuffers buffers = buffers(bytes);
        SocketEnd[] pair = unix();
        SendBuffer buffer = filled(buffers, 's');
        try (Pending<Long> sending = Pending.start(Pending.Kind.VIRTUAL, () -> buffer.sendTo(pair[0], bytes))) {
            sending.mustWait();
            assertThat(countUpTo(pair[1], bytes)).isEqualTo(bytes);
            assertThat(sending.value()).isEqualTo(bytes);
        }
    }

    // What a buffer allows.

    @Test
    void aBufferThatWasSentIsGone() throws Exception {
        SendBuffers buffers = buffers(page());
        Pipe pipe = keep(sluice.pipe());
        SendBuffer buffer = filled(buffers, 'g');
        buffer.sendTo(pipe.writer(), 1);
        assertThatThrownBy(buffer::segment).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> buffer.sendTo(pipe.writer(), 1)).isInstanceOf(IllegalStateException.class);
        buffer.close();
        assertThat(read(pipe.reader(), 9)).isEqualTo("g");
        assertThat(buffers.counts()).isEqualTo(new Counts(0, 1, 0));
    }

    @Test
    void aSendThatFailsTakesTheBufferToo() throws Exception {
        SendBuffers buffers = buffers(page());
        Pipe pipe = keep(sluice.pipe());
        pipe.reader().close();
        SendBuffer buffer = filled(buffers, 'g');
        long address = buffer.segment().address();
        assertThatThrownBy(() -> buffer.sendTo(pipe.writer(), 1))
                .isInstanceOfSatisfying(
                        ErrnoException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EPIPE));
        assertThatThrownBy(buffer::segment).isInstanceOf(IllegalStateException.class);
        assertThat(next(buffers)).as("nothing was sent").isEqualTo(address);
    }

    @Test
    void anInterruptedSendSaysHowMuchWentAndItsBytesStillArrive() throws Exception {
        SendBuffers buffers = buffers(1 << 20);
        Pipe pipe = keep(sluice.pipe());
        SendBuffer buffer = filled(buffers, 'i');
        try (Pending<Long> sending = Pending.start(() -> buffer.sendTo(pipe.writer(), 1 << 20))) {
            sending.mustWait().interrupt();
            assertThat(sending.failure())
                    .isInstanceOfSatisfying(
                            TransferInterruptedException.class,
                            e -> assertThat(e.bytesMoved()).isEqualTo(64 << 10));
        }
        try (SendBuffer other = filled(buffers, 'x')) {
            assertThat(exactly(pipe.reader(), 64 << 10)).isEqualTo("i".repeat(64 << 10));
            assertThat(other.segment().get(JAVA_BYTE, 0)).isEqualTo((byte) 'x');
        }
        assertThat(buffers.counts().givenUp()).isZero();
    }

    @Test
    void moreThanTheBufferHoldsIsRefusedAndTheBufferKept() throws Exception {
        SendBuffers buffers = buffers(page());
        Pipe pipe = keep(sluice.pipe());
        try (SendBuffer buffer = buffers.lease()) {
            assertThat(buffer.segment().byteSize()).isEqualTo(buffers.bufferBytes());
            assertThatThrownBy(() -> buffer.sendTo(pipe.writer(), page() + 1))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThat(buffer.sendTo(pipe.writer(), 0)).isZero();
        }
    }

    @Test
    void anEndOfAnotherSluiceIsRefused() throws Exception {
        SendBuffers buffers = buffers(page());
        Sluice other = keep(Sluice.on(kernel));
        Pipe pipe = keep(other.pipe());
        try (SendBuffer buffer = buffers.lease()) {
            assertThatThrownBy(() -> buffer.sendTo(pipe.writer(), 1)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void bytesOnTheirWayOutliveTheBuffersAndAClosedOneLendsNoMore() throws Exception {
        SendBuffers buffers = buffers(page());
        Pipe pipe = keep(sluice.pipe());
        SendBuffer late = filled(buffers, 'l');
        send(buffers, pipe.writer(), 'o', 3);
        buffers.close();
        late.sendTo(pipe.writer(), 3);
        assertThat(read(pipe.reader(), 10)).isEqualTo("ooolll");
        assertThatThrownBy(buffers::lease).isInstanceOf(IllegalStateException.class);
        buffers.close();
    }

    // Where bytes must be copied.

    /** Pitfalls 66 and 67. */
    @ParameterizedTest
    @ValueSource(ints = {Errno.EPERM, Errno.ENOSYS, Errno.EOPNOTSUPP})
    void whereVmspliceIsRefusedTheBytesAreCopiedAndTheMemoryIsFreeAtOnce(int errno) throws Exception {
        Sluice restricted = keep(Sluice.on(new ForwardingKernel(kernel) {
            @Override
            protected long around(String name, LongSupplier call, @Nullable Object... arguments) {
                return name.equals("vmsplice") ? -errno : call.getAsLong();
            }

            @Override
            public <T> Optional<T> feature(Class<T> type) {
                return Optional.empty();
            }
        }));
        SendBuffers buffers = keep(restricted.sendBuffers(page(), KEPT));
        Pipe pipe = keep(restricted.pipe());
        FileEnd file = keep(restricted.open(directory.resolve("c"), WRITE, CREATE));
        long sent = send(buffers, pipe.writer(), 'p', 10);
        assertThat(send(buffers, file, 'f', 10)).isEqualTo(sent);
        assertThat(next(buffers)).isEqualTo(sent);
        assertThat(read(pipe.reader(), 20)).isEqualTo("p".repeat(10));
        assertThat(contents("c")).isEqualTo("f".repeat(10));
        assertThat(pipe.reader().vmsplice(List.of())).isZero();
        pipe.writer().write(text("readv"));
        MemorySegment[] parts = {room(2), room(9)};
        assertThat(pipe.reader().vmsplice(List.of(parts))).isEqualTo(5);
        assertThat(parts[1].asSlice(0, 3).toArray(JAVA_BYTE)).isEqualTo("adv".getBytes(UTF_8));
    }

    @Test
    void toAFileForAppendingTheBytesAreWritten() throws Exception {
        SendBuffers buffers = buffers(page());
        stand.write(directory.resolve("log"), "old ".getBytes(UTF_8));
        FileEnd file = keep(sluice.open(directory.resolve("log"), APPEND));
        long sent = send(buffers, file, 'n', 3);
        assertThat(contents("log")).isEqualTo("old nnn");
        assertThat(next(buffers)).isEqualTo(sent);
        assertThat(callsNamed("vmsplice")).isEmpty();
    }

    /** [K06]: O_NONBLOCK does not count, and a virtual thread must not sleep in the call. */
    @Test
    void vmspliceIsNeverCalledWithoutNonblock() throws Exception {
        SendBuffers buffers = buffers(page());
        Pipe pipe = keep(sluice.pipe());
        send(buffers, pipe.writer(), 'a', 3);
        pipe.reader().vmsplice(List.of(room(1)));
        assertThat(callsNamed("vmsplice")).hasSize(2).allMatch(call -> (call.integer(2) & SPLICE_F_NONBLOCK) != 0);
    }

    // Everything at once.

    /**
     * Every byte sent says at which place of the stream it belongs; whatever is read, transferred and sent in between,
     * no reader ever finds another.
     */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void whateverHappensNoReaderSeesAByteChange(long seed) throws Exception {
        Random random = new Random(seed);
        SendBuffers buffers = keep(sluice.sendBuffers(3 * page(), 1 + random.nextInt(4)));
        Pipe pipe = keep(sluice.pipe(256 << 10));
        Pipe elsewhere = keep(sluice.pipe(256 << 10));
        long sent = 0;
        long taken = 0;
        long read = 0;
        for (int i = 0; i < 600; i++) {
            long inPipe = sent - taken;
            switch (random.nextInt(5)) {
                case 0, 1 -> {
                    SendBuffer buffer = buffers.lease();
                    long bytes = 8L * (1 + random.nextInt((int) (3 * page() / 8)));
                    for (long at = 0; at < bytes; at += 8) {
                        buffer.segment().set(JAVA_LONG_UNALIGNED, at, sent + at);
                    }
                    if (inPipe + bytes > 64 << 10) {
                        buffer.close();
                    } else {
                        buffer.sendTo(pipe.writer(), bytes);
                        sent += bytes;
                    }
                }
                case 2 -> {
                    if (inPipe > 0 && taken == read) {
                        long bytes = 8 * (1 + random.nextLong(inPipe / 8));
                        expect(pipe.reader(), taken, bytes, random.nextBoolean());
                        taken += bytes;
                        read = taken;
                    }
                }
                case 3 -> {
                    if (inPipe > 0 && taken - read < 128 << 10) {
                        long bytes = 8 * (1 + random.nextLong(inPipe / 8));
                        sluice.transfer(pipe.reader())
                                .to(elsewhere.writer())
                                .limit(bytes)
                                .run();
                        taken += bytes;
                    }
                }
                default -> {
                    expect(elsewhere.reader(), read, taken - read, random.nextBoolean());
                    read = taken;
                }
            }
        }
        Counts counts = buffers.counts();
        assertThat(counts.reused()).isPositive();
        assertThat(counts.mapped()).isPositive();
    }

    /** Reads exactly that many bytes, each of which must belong at its place. */
    private static void expect(PipeReader reader, long place, long bytes, boolean byVmsplice) throws IOException {
        MemorySegment room = room(Math.max(1, bytes));
        for (long done = 0; done < bytes; ) {
            MemorySegment rest = room.asSlice(done, bytes - done);
            done += byVmsplice ? reader.vmsplice(List.of(rest)) : reader.read(rest);
        }
        for (long at = 0; at < bytes; at += 8) {
            assertThat(room.get(JAVA_LONG_UNALIGNED, at))
                    .as("at %s", place + at)
                    .isEqualTo(place + at);
        }
    }

    private static String exactly(End end, int bytes) throws IOException {
        StringBuilder text = new StringBuilder();
        while (text.length() < bytes) {
            text.append(read(end, bytes - text.length()));
        }
        return text.toString();
    }

    private static long countUpTo(End end, long bytes) throws IOException {
        MemorySegment room = room(1 << 16);
        long total = 0;
        while (total < bytes) {
            total += end.readSome(room.asSlice(0, Math.min(room.byteSize(), bytes - total)));
        }
        return total;
    }
}
