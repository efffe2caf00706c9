// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static io.sluice.conformance.Rig.assertErrno;
import static io.sluice.conformance.Rig.bytes;
import static io.sluice.conformance.Rig.room;
import static io.sluice.conformance.Rig.text;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.conformance.Rig.PipeEnds;
import io.sluice.kernel.Errno;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** vmsplice against the page tables of a real process. */
class LinuxMemoryTest {
    /** Belongs to the kernel on x86-64 and aarch64 alike. */
    private static final long OUTSIDE_USER_SPACE = 0xffff_8000_0000_0000L;

    @OnLinux
    @Holds("K10")
    @SuppressWarnings("restricted") // no call may reach it, and Java never does
    void anAddressOutsideUserSpaceAnywhereInTheArrayAddsNothing(Rig rig) {
        PipeEnds pipe = rig.pipe();
        MemorySegment outside = MemorySegment.ofAddress(OUTSIDE_USER_SPACE).reinterpret(10);

        assertErrno(rig.kernel().vmsplice(pipe.w(), List.of(rig.memory("abc"), outside), 0), Errno.EFAULT);

        assertThat(rig.kernel().fionread(pipe.r())).isZero();
    }

    @OnLinux
    @Holds("K15")
    void memoryNeverWrittenToGivesTheZeroPageAndLaterStoresAreNotSeen(Rig rig) {
        rig.assumeVmspliceShares();
        PipeEnds pipe = rig.pipe();
        MemorySegment untouched = map(rig);
        assertThat(rig.kernel().vmsplice(pipe.w(), List.of(untouched), 0)).isEqualTo(4096);

        untouched.fill((byte) 'x');

        MemorySegment read = room(4096);
        assertThat(rig.kernel().read(pipe.r(), read)).isEqualTo(4096);
        assertThat(read.mismatch(room(4096)))
                .as("the first byte that is not zero")
                .isEqualTo(-1);
        assertThat(rig.kernel().munmap(untouched)).isZero();
    }

    @OnLinux
    @Holds("K16")
    void afterMunmapThePipeKeepsTheOldBytesWhateverIsMappedThereNext(Rig rig) {
        PipeEnds pipe = rig.pipe();
        MemorySegment old = map(rig).fill((byte) 'a');
        assertThat(rig.kernel().vmsplice(pipe.w(), List.of(old.asSlice(0, 3)), 0))
                .isEqualTo(3);
        assertThat(rig.kernel().munmap(old)).isZero();

        MemorySegment next = map(rig).fill((byte) 'b');

        assertThat(rig.read(pipe.r())).isEqualTo("aaa");
        assertThat(rig.kernel().munmap(next)).isZero();
    }

    private static MemorySegment map(Rig rig) {
        MemorySegment[] page = new MemorySegment[1];
        assertThat(rig.kernel().mmap(4096, false, page)).isZero();
        return page[0];
    }

    @OnLinux
    @Holds("K17")
    void aSharedMappingsPageShowsLaterWritesToTheFile(Rig rig) throws IOException {
        rig.assumeVmspliceShares();
        PipeEnds pipe = rig.pipe();
        Path file = Files.writeString(Path.of(rig.path()), "abcdef");
        try (Arena arena = Arena.ofConfined();
                FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            MemorySegment mapping = channel.map(MapMode.READ_WRITE, 0, 6, arena);
            assertThat(rig.kernel().vmsplice(pipe.w(), List.of(mapping), 0)).isEqualTo(6);

            assertThat(channel.write(bytes("ZY").asByteBuffer(), 1)).isEqualTo(2);

            assertThat(rig.read(pipe.r())).isEqualTo("aZYdef");
        }
    }

    @OnLinux
    @Holds("K17")
    void aPrivateMappingsFirstStoreAfterVmspliceIsNotSeenAndTheNextRoundsIs(Rig rig) throws IOException {
        rig.assumeVmspliceShares();
        PipeEnds pipe = rig.pipe();
        Path file = Files.writeString(Path.of(rig.path()), "abcdef");
        try (Arena arena = Arena.ofConfined();
                FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            MemorySegment mapping = channel.map(MapMode.PRIVATE, 0, 6, arena);
            assertThat(rig.kernel().vmsplice(pipe.w(), List.of(mapping), 0)).isEqualTo(6);
            mapping.set(JAVA_BYTE, 0, (byte) 'P');
            assertThat(channel.write(bytes("Z").asByteBuffer(), 1)).isEqualTo(1);
            assertThat(rig.read(pipe.r())).as("the page cache's page").isEqualTo("aZcdef");

            assertThat(rig.kernel().vmsplice(pipe.w(), List.of(mapping), 0)).isEqualTo(6);
            mapping.set(JAVA_BYTE, 2, (byte) 'Q');
            assertThat(rig.read(pipe.r()))
                    .as("the mapping's own page")
                    .startsWith("P")
                    .contains("Q");
        }
        assertThat(Files.readString(file)).isEqualTo("aZcdef");
    }

    @OnLinux
    @Holds("K18")
    void aReadOnlyMappingIsAValidSource(Rig rig) throws IOException {
        PipeEnds pipe = rig.pipe();
        Path file = Files.writeString(Path.of(rig.path()), "abcdef");
        try (Arena arena = Arena.ofConfined();
                FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            MemorySegment mapping = channel.map(MapMode.READ_ONLY, 0, 6, arena);

            assertThat(rig.kernel().vmsplice(pipe.w(), List.of(mapping), 0)).isEqualTo(6);
        }
        assertThat(rig.read(pipe.r())).isEqualTo("abcdef");
    }

    /** A sparse file's mapping: three GiB of addresses that need no memory. */
    @OnLinux
    @Holds("K21")
    void moreThanTwoGiBInOneCallIsClampedNotRefused(Rig rig) throws IOException {
        PipeEnds pipe = rig.pipe();
        long threeGiB = 3L << 30;
        Path file = Files.writeString(Path.of(rig.path()), "abc");
        try (Arena arena = Arena.ofConfined();
                FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            assertThat(channel.write(bytes("end").asByteBuffer(), threeGiB - 3)).isEqualTo(3);
            MemorySegment mapping = channel.map(MapMode.READ_ONLY, 0, threeGiB, arena);

            assertThat(rig.kernel().vmsplice(pipe.w(), List.of(mapping), 0)).isEqualTo(65536);
        }
        MemorySegment read = room(65536);
        assertThat(rig.kernel().read(pipe.r(), read)).isEqualTo(65536);
        assertThat(text(read, 4)).isEqualTo("abc\0");
    }
}
