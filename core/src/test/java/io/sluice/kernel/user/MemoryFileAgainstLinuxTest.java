// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Flags.FALLOC_FL_KEEP_SIZE;
import static io.sluice.kernel.Flags.FALLOC_FL_PUNCH_HOLE;
import static io.sluice.kernel.Flags.F_ADD_SEALS;
import static io.sluice.kernel.Flags.MFD_ALLOW_SEALING;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.user.Machine.PAGE;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.Offset;
import io.sluice.kernel.Stat;
import io.sluice.kernel.linux.LinuxKernel;
import io.sluice.testing.NeedsLinux;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random calls on two memfds and a pipe, made on Linux and here: every answer and every byte must be the same. */
@EnabledOnOs(OS.LINUX)
@NeedsLinux
class MemoryFileAgainstLinuxTest {
    private static final int CALLS = 3000;
    private static final int MOST_BYTES = 5 * PAGE;
    private static final long[] FAR = {Long.MAX_VALUE, Long.MAX_VALUE - 1, 1L << 40, (1L << 62) + 5, -1};

    /** One of the two machines, with the same descriptors at the same places. */
    private static final class Side implements AutoCloseable {
        final Kernel kernel;
        final Arena arena = Arena.ofShared();
        final MemorySegment buffer = arena.allocate(MOST_BYTES);
        final int[] files = new int[2];
        final int[] pipe = new int[2];

        Side(Kernel kernel) {
            this.kernel = kernel;
            for (int i = 0; i < files.length; i++) {
                files[i] = (int) kernel.memfdCreate("compared", MFD_ALLOW_SEALING);
            }
            kernel.pipe2(pipe, O_NONBLOCK);
        }

        @Override
        public void close() {
            for (int fd : new int[] {files[0], files[1], pipe[0], pipe[1]}) {
                kernel.close(fd);
            }
            arena.close();
            kernel.close();
        }
    }

    @ParameterizedTest
    @ValueSource(
            longs = {
                1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28,
                29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40
            })
    void answersTheSame(long seed) {
        List<Long> program = new Random(seed).longs(CALLS).boxed().toList();
        if (differences(program).isEmpty()) {
            return;
        }
        List<Long> shrunk = shrunk(program);
        assertThat(differences(shrunk)).as("seed %d, calls %s", seed, shrunk).isEmpty();
    }

    /** Leaves out whatever the difference does not need. */
    private static List<Long> shrunk(List<Long> program) {
        List<Long> left = program;
        for (int piece = left.size() / 2; piece > 0; piece /= 2) {
            for (int at = 0; at < left.size(); ) {
                List<Long> fewer = new ArrayList<>(left.subList(0, at));
                fewer.addAll(left.subList(Math.min(at + piece, left.size()), left.size()));
                if (differences(fewer).isEmpty()) {
                    at += piece;
                } else {
                    left = fewer;
                }
            }
        }
        return left;
    }

    /** Every call up to the first that is answered otherwise, and both answers to that; empty if all are alike. */
    private static List<String> differences(List<Long> program) {
        List<String> story = new ArrayList<>();
        try (Side linux = new Side(new LinuxKernel());
                Side user = new Side(UserKernel.builder().checking(true).build())) {
            for (long call : program) {
                boolean sealing = call % 97 == 0; // seldom: what is sealed stays so
                List<Object> expected = call(linux, new Random(call), sealing);
                List<Object> got = call(user, new Random(call), sealing);
                story.add(expected.toString());
                if (!expected.equals(got)) {
                    story.add("here: " + got);
                    return story;
                }
            }
        }
        return List.of();
    }

    /** One call, drawn from {@code random}; everything that it answers. */
    private static List<Object> call(Side side, Random random, boolean sealing) {
        Kernel kernel = side.kernel;
        int one = side.files[random.nextInt(2)];
        int other = side.files[random.nextInt(2)];
        long at = place(random);
        long to = place(random);
        int count = random.nextInt(3) == 0 ? random.nextInt(3) * PAGE : random.nextInt(MOST_BYTES);
        MemorySegment bytes = side.buffer.asSlice(0, count);
        Offset offset = random.nextBoolean() ? new Offset(at) : null;
        Offset target = random.nextBoolean() ? new Offset(to) : null;
        int fill = random.nextInt(256);
        String name;
        long result;
        switch (sealing ? 13 : random.nextInt(13)) {
            case 0 -> {
                name = "write";
                result = kernel.write(one, bytes.fill((byte) fill));
            }
            case 1 -> {
                name = "pwrite";
                result = kernel.pwrite(one, bytes.fill((byte) fill), at);
            }
            case 2 -> {
                name = "read";
                result = kernel.read(one, bytes.fill((byte) 0));
            }
            case 3 -> {
                name = "pread";
                result = kernel.pread(one, bytes.fill((byte) 0), at);
            }
            case 4 -> {
                name = "lseek";
                result = kernel.lseek(one, at, random.nextInt(5));
            }
            case 5 -> {
                name = "ftruncate";
                result = kernel.ftruncate(one, random.nextBoolean() ? count : at);
            }
            case 6 -> {
                name = "punch";
                result = kernel.fallocate(one, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, count);
            }
            case 7 -> {
                name = "fallocate";
                result = kernel.fallocate(one, random.nextInt(2), random.nextInt(MOST_BYTES), count);
            }
            case 8, 9 -> {
                name = "splice in";
                result = kernel.splice(side.files[0], offset, side.pipe[1], null, count, 0);
            }
            case 10 -> {
                name = "splice out";
                // Never into the file that pages come from: overlaps within a page are unspecified [F10].
                result = kernel.splice(side.pipe[0], null, side.files[1], offset, count, 0);
            }
            case 11 -> {
                name = "pipe read";
                result = kernel.read(side.pipe[0], bytes.fill((byte) 0));
            }
            case 12 -> {
                name = "copy_file_range";
                result = kernel.copyFileRange(one, offset, other, target, count, 0);
            }
            default -> {
                name = "seal";
                result = kernel.fcntl(one, F_ADD_SEALS, 1 << random.nextInt(5));
            }
        }
        Stat stat = new Stat();
        kernel.fstat(one, stat);
        return List.of(
                name + " of file " + (one == side.files[0] ? 0 : 1) + " at " + at + " count " + count,
                result,
                offset == null ? "" : offset.toString(),
                target == null ? "" : target.toString(),
                stat.size(),
                kernel.lseek(one, 0, 1),
                kernel.fionread(side.pipe[0]),
                kernel.fionread(one),
                Arrays.hashCode(bytes.toArray(JAVA_BYTE)));
    }

    private static long place(Random random) {
        return switch (random.nextInt(12)) {
            case 0 -> FAR[random.nextInt(FAR.length)];
            case 1, 2, 3 -> (long) random.nextInt(5) * PAGE;
            default -> random.nextInt(MOST_BYTES);
        };
    }
}
