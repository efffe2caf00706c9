// SPDX-License-Identifier: Apache-2.0
package io.sluice.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.channel.unix.FileDescriptor;
import io.sluice.kernel.Errno;
import io.sluice.kernel.TransferPath;
import io.sluice.netty.SpliceResult.Ending;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a channel receives, into a file. */
final class TransferToFileTest extends NettyFixture {
    @TempDir
    private Path directory;

    @Test
    void anUploadOfKnownLengthBecomesAFileAndTheNextRequestReachesTheHandlers() throws Exception {
        Wire wire = wire(0);
        Path file = directory.resolve("upload");
        SpliceFuture splice =
                splicer.transfer(wire.channel(), file, 0).limit(3_000_000).start();
        byte[] bytes = random(3_000_100);
        CompletableFuture<Void> sent = sending(wire, bytes);

        SpliceResult result = done(splice);
        assertThat(result.forward().ending()).isEqualTo(Ending.LIMIT_REACHED);
        assertThat(result.forward().leftoverBytes()).isZero();
        assertThat(result.back()).isNull();
        assertThat(Files.readAllBytes(file)).isEqualTo(Arrays.copyOf(bytes, 3_000_000));
        assertThat(wire.recorder().bytes(100)).isEqualTo(Arrays.copyOfRange(bytes, 3_000_000, 3_000_100));
        done(sent);
    }

    @Test
    void theEndOfTheStreamIsTheEndOfTheFile() throws Exception {
        Wire wire = wire(0);
        Path file = directory.resolve("file");
        SpliceFuture splice = splicer.transfer(wire.channel(), file, 0).start();
        wire.send(random(1000));
        wire.end();

        assertThat(done(splice).forward().ending()).isEqualTo(Ending.SOURCE_ENDED);
        assertThat(Files.readAllBytes(file)).isEqualTo(random(1000));
        assertThat(wire.recorder().saw("inactive")).isTrue();
    }

    @Test
    void aPositionIsObeyedAndWhatLiesAroundItStays() throws Exception {
        Wire wire = wire(0);
        Path file = Files.write(directory.resolve("file"), random(5000));
        SpliceFuture splice =
                splicer.transfer(wire.channel(), file, 1000).limit(2000).start();
        wire.send(random(2000));
        done(splice);

        byte[] expected = random(5000);
        System.arraycopy(random(2000), 0, expected, 1000, 2000);
        assertThat(Files.readAllBytes(file)).isEqualTo(expected);
    }

    @Test
    void anOpenDescriptorOfNettyIsWrittenAtThePositionAndStaysOpen() throws Exception {
        Wire wire = wire(0);
        Path file = Files.write(directory.resolve("file"), random(100));
        FileDescriptor open = FileDescriptor.from(file.toFile());
        SpliceFuture splice =
                splicer.transfer(wire.channel(), open, 200).limit(50).start();
        wire.send(random(50));
        done(splice);

        assertThat(open.isOpen()).isTrue();
        open.close();
        byte[] bytes = Files.readAllBytes(file);
        assertThat(bytes).hasSize(250);
        assertThat(Arrays.copyOfRange(bytes, 200, 250)).isEqualTo(random(50));
    }

    @Test
    void stoppedItHasWrittenAllThatItTook() throws Exception {
        Wire wire = wire(0);
        Path file = directory.resolve("file");
        SpliceFuture splice = splicer.transfer(wire.channel(), file, 0).start();
        byte[] bytes = random(8_000_000);
        CompletableFuture<Void> sent = sending(wire, bytes);
        eventually(() -> splice.movedBytes() > 1_000_000);
        splice.stop();

        SpliceResult result = done(splice);
        int moved = (int) result.forward().bytes();
        assertThat(result.forward().leftoverBytes()).isZero();
        assertThat(Files.readAllBytes(file)).isEqualTo(Arrays.copyOf(bytes, moved));
        assertThat(wire.recorder().bytes(bytes.length - moved))
                .isEqualTo(Arrays.copyOfRange(bytes, moved, bytes.length));
        done(sent);
    }

    @Test
    void aFullDeviceFailsTheSpliceAndLeavesTheChannelOpen() throws Exception {
        Wire wire = wire(0);
        SpliceFuture splice =
                splicer.transfer(wire.channel(), Path.of("/dev/full"), 0).start();
        wire.send(random(1000));
        settled(splice);

        assertThat(splice.cause()).isInstanceOf(SpliceException.class).hasMessageContaining("ENOSPC");
        SpliceException failure = (SpliceException) splice.cause();
        assertThat(failure.errno()).isEqualTo(Errno.ENOSPC);
        assertThat(failure.result().forward().leftoverBytes())
                .as("lost, and counted")
                .isEqualTo(1000);
        done(wire.channel().writeAndFlush(wire.channel().alloc().buffer().writeBytes(random(10))));
        assertThat(wire.receive(10)).as("the peer can be told").isEqualTo(random(10));
    }

    @Test
    void aFileThatCannotBeOpenedFailsTheSpliceAndNoByteIsTaken() throws Exception {
        Wire wire = wire(0);
        SpliceFuture splice = splicer.transfer(wire.channel(), directory.resolve("missing/file"), 0)
                .start();
        settled(splice);

        assertThat(splice.cause()).isInstanceOf(SpliceException.class).hasMessageContaining("ENOENT");
        wire.send(random(10));
        assertThat(wire.recorder().bytes(10)).isEqualTo(random(10));
    }

    @Test
    void bytesAreSplicedIntoTheFile() throws Exception {
        Wire wire = wire(0);
        SpliceFuture splice = splicer.transfer(wire.channel(), directory.resolve("file"), 0)
                .limit(1_000_000)
                .start();
        wire.channel().eventLoop().submit(() -> {}).sync();
        done(sending(wire, random(1_000_000)));

        assertThat(done(splice).forward().bytesByPath()).isEqualTo(Map.of(TransferPath.SPLICE, 1_000_000L));
    }

    @Test
    void aNegativePositionIsRefusedAtOnce() throws Exception {
        Wire wire = wire(0);
        assertThatThrownBy(() -> splicer.transfer(wire.channel(), directory.resolve("file"), -1))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
