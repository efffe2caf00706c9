// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EBUSY;
import static io.sluice.kernel.Errno.EINTR;
import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Kernel;
import io.sluice.testing.NoLeaks;
import io.sluice.testing.Pending;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Many threads of both kinds on many pipes, with resizes and interrupts: every byte is accounted for. The machine looks
 * at its end for pages that nobody has any more, the leak check for threads.
 */
@NoLeaks
class UserKernelStressTest {
    private static final int PAGE = Machine.PAGE;
    private static final int STREAMS = 8;
    private static final int STREAM_BYTES = 1_000_001;
    private static final int LARGEST_PIECE = 6 * PAGE;
    private static final int MOST_SLOTS_LOG2 = 5;
    private static final int DISTURBANCES = 3000;
    private static final long SEED = Long.getLong("test.seed", 1);

    private final Machine m = new Machine();
    private final Kernel kernel = m.kernel;
    private final Arena lent = Arena.ofShared(); // what vmsplice refers to stays until all is read
    private final List<Pending<?>> all = new ArrayList<>();
    private final AtomicLong interruptions = new AtomicLong();

    @AfterEach
    void close() {
        all.forEach(Pending::close);
        m.close();
        lent.close();
    }

    /** Every second thread is a virtual one. */
    private <T> Pending<T> start(Callable<T> body) {
        Pending.Kind kind = all.size() % 2 == 0 ? Pending.Kind.PLATFORM : Pending.Kind.VIRTUAL;
        Pending<T> pending = Pending.start(kind, body);
        all.add(pending);
        return pending;
    }

    private interface Call {
        long make();
    }

    /** A call that is made again when it was interrupted. */
    private long retried(Call call) {
        for (; ; ) {
            long result = call.make();
            if (result != -EINTR) {
                assertThat(result).as(Machine.answer(result)).isNotNegative();
                return result;
            }
            interruptions.incrementAndGet();
        }
    }

    private static byte byteAt(int stream, long position) {
        return (byte) (position * 31 + position / 251 + position / PAGE * 7 + stream);
    }

    @Test
    void everyByteOfEveryStreamArrivesOnceAndInOrder() {
        List<Integer> resized = new ArrayList<>();
        List<Pending<?>> workers = new ArrayList<>();
        for (int i = 0; i < STREAMS; i++) {
            int stream = i;
            int[] first = m.pipe();
            int[] second = m.pipe();
            int[] copy = m.pipe();
            for (int end : new int[] {first[1], second[1], copy[1]}) {
                resized.add((int) kernel.dup(end));
            }
            workers.add(start(() -> produce(stream, first[1])));
            workers.add(start(() -> moveAndCopy(stream, first[0], second[1], copy[1])));
            workers.add(start(() -> consume(stream, second[0])));
            workers.add(start(() -> consume(stream, copy[0])));
        }
        assertThat(disturb(resized, workers)).as("resizes that were granted").isPositive();
        resized.forEach(kernel::close);
        workers.forEach(Pending::value);
        assertThat(interruptions).as("calls that were interrupted").hasPositiveValue();
        assertThat(m.pages()).isZero();
    }

    /** By copies and by references, some to memory that is unmapped while slots still refer to it [K16]. */
    private Void produce(int stream, int fd) {
        SplittableRandom random = new SplittableRandom(SEED + stream);
        for (long done = 0; done < STREAM_BYTES; ) {
            long length = Math.min(1 + random.nextInt(LARGEST_PIECE), STREAM_BYTES - done);
            int way = random.nextInt(4);
            MemorySegment[] mapped = new MemorySegment[1];
            if (way == 3) {
                assertThat(kernel.mmap(length, false, mapped)).isZero();
            } else {
                mapped[0] = lent.allocate(length);
            }
            MemorySegment piece = mapped[0].asSlice(0, length);
            for (long i = 0; i < length; i++) {
                piece.set(JAVA_BYTE, i, byteAt(stream, done + i));
            }
            List<MemorySegment> halves = List.of(piece.asSlice(0, length / 2), piece.asSlice(length / 2));
            done += retried(() -> switch (way) {
                case 0 -> kernel.write(fd, piece);
                case 1 -> kernel.writev(fd, halves);
                default -> kernel.vmsplice(fd, halves, 0);
            });
            while (way == 3 && kernel.munmap(mapped[0]) == -EBUSY) {
                Thread.onSpinWait(); // a reader copies from it at this moment
            }
        }
        return close(fd);
    }

    /** Shares what comes with the second sink, then moves exactly that to the first. */
    private Void moveAndCopy(int stream, int from, int to, int copy) {
        SplittableRandom random = new SplittableRandom(SEED - stream);
        for (; ; ) {
            long most = 1L + random.nextInt(LARGEST_PIECE);
            long shared = retried(() -> kernel.tee(from, copy, most, 0));
            if (shared == 0) {
                return close(from, to, copy);
            }
            for (long left = shared; left > 0; ) {
                long rest = left;
                left -= retried(() -> kernel.splice(from, null, to, null, rest, 0));
            }
        }
    }

    private Void consume(int stream, int fd) {
        SplittableRandom random = new SplittableRandom(SEED * 31 + stream);
        long done = 0;
        try (Arena arena = Arena.ofShared()) {
            MemorySegment room = arena.allocate(LARGEST_PIECE);
            for (long count = 1; count > 0; done += count) {
                MemorySegment part = room.asSlice(0, 1 + random.nextInt(LARGEST_PIECE));
                boolean reads = random.nextBoolean();
                count = retried(() -> reads ? kernel.read(fd, part) : kernel.vmsplice(fd, List.of(part), 0));
                for (long i = 0; i < count; i++) {
                    if (part.get(JAVA_BYTE, i) != byteAt(stream, done + i)) {
                        throw new AssertionError("stream " + stream + " is wrong at byte " + (done + i));
                    }
                }
            }
        }
        assertThat(done).isEqualTo(STREAM_BYTES);
        return close(fd);
    }

    private Void close(int... fds) {
        for (int fd : fds) {
            assertThat(kernel.close(fd)).isZero();
        }
        return null;
    }

    /** Resizes pipes to 1 to 32 slots and interrupts threads. Answers how many resizes were granted. */
    private long disturb(List<Integer> ends, List<Pending<?>> workers) {
        SplittableRandom random = new SplittableRandom(SEED ^ 0x5eed);
        long granted = 0;
        for (int i = 0; i < DISTURBANCES; i++) {
            int bytes = PAGE << random.nextInt(MOST_SLOTS_LOG2 + 1);
            long answer = kernel.fcntl(ends.get(random.nextInt(ends.size())), F_SETPIPE_SZ, bytes);
            assertThat(answer).isIn(-(long) EBUSY, (long) bytes);
            granted += answer > 0 ? 1 : 0;
            workers.get(random.nextInt(workers.size())).interrupt();
            LockSupport.parkNanos(20_000);
        }
        return granted;
    }

    // One pipe for all.

    private static final int WRITERS = 6;
    private static final int READERS = 5;
    private static final int RECORDS = 4000;
    private static final int RECORD_BYTES = 16; // divides a page, so that none is torn by a slot's end

    @Test
    void writersAndReadersOfOnePipeLoseNothingAndDoubleNothing() {
        int[] pipe = m.pipe();
        kernel.fcntl(pipe[1], F_SETPIPE_SZ, PAGE);
        List<Pending<Void>> writers = new ArrayList<>();
        List<Pending<int[][]>> readers = new ArrayList<>();
        for (int i = 0; i < WRITERS; i++) {
            int writer = i;
            writers.add(start(() -> writeRecords(writer, pipe[1])));
        }
        for (int i = 0; i < READERS; i++) {
            readers.add(start(() -> readRecords(pipe[0])));
        }
        writers.forEach(Pending::value);
        kernel.close(pipe[1]);
        int[][] times = new int[WRITERS][RECORDS];
        for (Pending<int[][]> reader : readers) {
            int[][] seen = reader.value();
            for (int writer = 0; writer < WRITERS; writer++) {
                for (int record = 0; record < RECORDS; record++) {
                    times[writer][record] += seen[writer][record];
                }
            }
        }
        for (int[] ofOne : times) {
            assertThat(ofOne).containsOnly(1);
        }
    }

    private Void writeRecords(int writer, int fd) {
        MemorySegment record = lent.allocate(RECORD_BYTES);
        for (int i = 0; i < RECORDS; i++) {
            record.set(JAVA_INT, 0, writer);
            record.set(JAVA_INT, 4, i);
            record.set(JAVA_INT, 12, writer ^ i);
            assertThat(retried(() -> kernel.write(fd, record))).isEqualTo(RECORD_BYTES);
        }
        return null;
    }

    /** How often each record came here; those of one writer in its order. */
    private int[][] readRecords(int fd) {
        int[][] seen = new int[WRITERS][RECORDS];
        int[] last = new int[WRITERS];
        MemorySegment record = lent.allocate(RECORD_BYTES);
        while (retried(() -> kernel.read(fd, record)) == RECORD_BYTES) {
            int writer = record.get(JAVA_INT, 0);
            int number = record.get(JAVA_INT, 4);
            assertThat(record.get(JAVA_INT, 12)).isEqualTo(writer ^ number);
            assertThat(number).isGreaterThanOrEqualTo(last[writer]);
            last[writer] = number;
            seen[writer][number]++;
        }
        return seen;
    }
}
