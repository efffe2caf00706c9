// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static io.sluice.conformance.Rig.bytes;
import static io.sluice.conformance.Rig.room;
import static io.sluice.conformance.Rig.text;
import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_RDWR;
import static io.sluice.kernel.Flags.SPLICE_F_GIFT;
import static io.sluice.kernel.Flags.SPLICE_F_NONBLOCK;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.sluice.conformance.Rig.PipeEnds;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Offset;
import io.sluice.kernel.Snapshot;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import java.util.random.RandomGenerator;

/**
 * Rules whose breach has been a hole in a kernel, under random calls that try to breach them: no write to a pipe ever
 * reaches a file, a twin made by tee or memory that was lent, whatever passed through the pipe before, and memory that
 * was given back shows nowhere.
 *
 * <p>Pages are passed on, but nobody here changes one that is under way. So plain strings tell what each pipe holds: a
 * kernel that copied everything would answer the same, and one that merged a write into a page of somebody else's could
 * not. File, memory and writes have letters of their own.
 */
class PageSafetyUnderFuzzTest {
    private static final long SEED =
            Long.getLong("fuzz.seed", ThreadLocalRandom.current().nextLong(1L << 48));
    private static final int PROGRAMS = 100;
    private static final int CALLS = 150;
    private static final int PAGE = 4096;
    private static final int MEMORY_BYTES = 2 * PAGE;

    @OnEachKernel
    @Holds({"J08", "J09", "J18", "K16", "K19", "M01", "M03"})
    void noWriteReachesAPageOfSomebodyElses(Rig rig) {
        String content = letters(new Random(SEED), 'a', 3 * PAGE);
        int file = rig.file(content, O_RDONLY);
        int sink = rig.file("", O_RDWR);
        for (long seed = SEED; seed < SEED + PROGRAMS; seed++) {
            RandomGenerator random = new Random(seed);
            assertThatCode(() -> new Program(rig, random, file, content, sink).run())
                    .as("the program of -Dfuzz.seed=%d", seed)
                    .doesNotThrowAnyException();
        }
    }

    /** Ten letters from {@code first} on. */
    private static String letters(RandomGenerator random, char first, int count) {
        StringBuilder letters = new StringBuilder(count);
        for (int i = 0; i < count; i++) {
            letters.append((char) (first + random.nextInt(10)));
        }
        return letters.toString();
    }

    /** A pipe, and what it must hold. */
    private record Held(PipeEnds ends, StringBuilder bytes) {}

    private static final class Program {
        private final Rig rig;
        private final Kernel kernel;
        private final RandomGenerator random;
        private final int file;
        private final String content;
        private final int sink;
        private final List<Held> pipes = new ArrayList<>();
        private MemorySegment memory;
        private String stored;

        Program(Rig rig, RandomGenerator random, int file, String content, int sink) {
            this.rig = rig;
            this.kernel = rig.kernel();
            this.random = random;
            this.file = file;
            this.content = content;
            this.sink = sink;
            memory = MemorySegment.NULL; // until map
            stored = "";
        }

        void run() {
            long pagesBefore = pagesInUse();
            for (int i = 0; i < 3; i++) {
                pipes.add(pipe());
            }
            map();
            for (int i = 0; i < CALLS; i++) {
                call();
            }
            for (Held pipe : pipes) {
                while (!pipe.bytes.isEmpty()) {
                    read(pipe, 5 * PAGE);
                }
            }
            pipes.forEach(this::close);
            assertThat(kernel.munmap(memory)).isZero();
            assertThat(kernel.ftruncate(sink, 0)).isZero();
            assertThat(pagesInUse()).as("pages").isEqualTo(pagesBefore);
        }

        /** Those that the kernel can tell of. */
        private long pagesInUse() {
            return kernel.feature(Snapshot.class).map(Snapshot::pagesInUse).orElse(0L);
        }

        private Held pipe() {
            PipeEnds ends = rig.pipe(O_NONBLOCK);
            assertThat(kernel.fcntl(ends.w(), F_SETPIPE_SZ, PAGE << random.nextInt(4)))
                    .isPositive();
            return new Held(ends, new StringBuilder());
        }

        private void close(Held pipe) {
            rig.close(pipe.ends.r());
            rig.close(pipe.ends.w());
        }

        /** Memory anew, perhaps at the same address: of what was there nothing may be seen. */
        private void map() {
            MemorySegment[] out = new MemorySegment[1];
            assertThat(kernel.mmap(MEMORY_BYTES, false, out)).isZero();
            memory = out[0];
            assertThat(memory.mismatch(room(MEMORY_BYTES))).as("stale byte").isEqualTo(-1);
            stored = letters(random, '0', MEMORY_BYTES);
            memory.copyFrom(bytes(stored));
        }

        private void call() {
            int at = random.nextInt(pipes.size());
            Held pipe = pipes.get(at);
            Held other = pipes.get((at + 1 + random.nextInt(pipes.size() - 1)) % pipes.size());
            switch (random.nextInt(20)) {
                case 0, 1, 2, 3 -> fromFile(pipe);
                case 4, 5 -> fromMemory(pipe);
                case 6, 7, 8 -> tee(pipe, other);
                case 9, 10, 11 -> splice(pipe, other);
                case 12, 13, 14 -> write(pipe);
                case 15, 16 -> read(pipe, length());
                case 17 -> toFile(pipe);
                case 18 -> {
                    assertThat(kernel.munmap(memory)).isZero();
                    map();
                }
                default -> {
                    close(pipe);
                    pipes.set(at, pipe());
                }
            }
        }

        /** Mostly a part of a page, which leaves room behind it that a write could be merged into. */
        private int length() {
            return 1 + random.nextInt(random.nextInt(4) == 0 ? 2 * PAGE : 100);
        }

        private void fromFile(Held to) {
            int from = random.nextInt(content.length());
            long moved = kernel.splice(file, new Offset(from), to.ends.w(), null, length(), SPLICE_F_NONBLOCK);
            added(to, content.substring(from), moved);
        }

        private void fromMemory(Held to) {
            int from = random.nextInt(MEMORY_BYTES);
            int count = Math.min(length(), MEMORY_BYTES - from);
            int gift = random.nextBoolean() ? SPLICE_F_GIFT : 0;
            long moved = kernel.vmsplice(to.ends.w(), List.of(memory.asSlice(from, count)), SPLICE_F_NONBLOCK | gift);
            added(to, stored.substring(from), moved);
        }

        private void tee(Held from, Held to) {
            added(to, from.bytes.toString(), kernel.tee(from.ends.r(), to.ends.w(), length(), SPLICE_F_NONBLOCK));
        }

        private void splice(Held from, Held to) {
            long moved = kernel.splice(from.ends.r(), null, to.ends.w(), null, length(), SPLICE_F_NONBLOCK);
            added(to, from.bytes.toString(), moved);
            from.bytes.delete(0, (int) Math.max(moved, 0));
        }

        /** {@code to} has got the first {@code count} of these; then a write tries what it must not do. */
        private void added(Held to, String bytes, long count) {
            assertThat(count).as("moved").matches(n -> n >= 0 || n == -Errno.EAGAIN);
            to.bytes.append(bytes, 0, (int) Math.max(count, 0));
            if (random.nextBoolean()) {
                write(to);
            }
        }

        private void write(Held to) {
            String bytes = letters(random, 'A', length());
            long written = kernel.write(to.ends.w(), bytes(bytes));
            assertThat(written).as("written").matches(n -> n > 0 || n == -Errno.EAGAIN);
            to.bytes.append(bytes, 0, (int) Math.max(written, 0));

            MemorySegment now = room(content.length());
            assertThat(kernel.pread(file, now, 0)).isEqualTo(content.length());
            assertThat(text(now, content.length())).as("the file").isEqualTo(content);
            assertThat(text(memory, MEMORY_BYTES)).as("the memory").isEqualTo(stored);
        }

        private void read(Held from, int count) {
            MemorySegment buffer = room(count);
            long taken = random.nextBoolean()
                    ? kernel.read(from.ends.r(), buffer)
                    : kernel.vmsplice(from.ends.r(), List.of(buffer), SPLICE_F_NONBLOCK);
            taken(from, buffer, taken);
        }

        /** The sink's pages are its own: what is written there later shows in no twin. */
        private void toFile(Held from) {
            long moved = kernel.splice(from.ends.r(), null, sink, new Offset(0), length(), SPLICE_F_NONBLOCK);
            MemorySegment buffer = room(Math.max(moved, 1));
            if (moved > 0) {
                assertThat(kernel.pread(sink, buffer, 0)).isEqualTo(moved);
            }
            taken(from, buffer, moved);
            assertThat(kernel.pwrite(sink, bytes("#".repeat(PAGE)), 0)).isEqualTo(PAGE);
        }

        private void taken(Held from, MemorySegment buffer, long count) {
            if (from.bytes.isEmpty()) {
                assertThat(count).as("from an empty pipe").isEqualTo(-Errno.EAGAIN);
                return;
            }
            assertThat(count).as("taken").isPositive();
            assertThat(text(buffer, count)).as("bytes").isEqualTo(from.bytes.substring(0, (int) count));
            from.bytes.delete(0, (int) count);
        }
    }
}
