// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EAGAIN;
import static io.sluice.kernel.Errno.EFAULT;
import static io.sluice.kernel.Errno.EINTR;
import static io.sluice.kernel.Errno.ENOMEM;
import static io.sluice.kernel.Errno.EPIPE;
import static io.sluice.kernel.Flags.*;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.SignalCounts;
import io.sluice.kernel.Snapshot;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Sleeping calls, references and accounts of sockets in memory. */
class SocketsInMemoryTest {
    private final UserKernel kernel =
            UserKernel.builder().checking(true).pages(4096).build();
    private final Arena arena = Arena.ofShared();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    @AfterEach
    void nothingIsLeft() {
        Snapshot snapshot = kernel.feature(Snapshot.class).orElseThrow();
        snapshot.descriptors().forEach(kernel::close);
        assertThat(snapshot.pagesInUse()).as("pages left").isZero();
        threads.close();
        kernel.close();
        arena.close();
    }

    private int[] pair(int type) {
        int[] fds = new int[2];
        assertThat(kernel.socketpair(AF_UNIX, type, 0, fds)).isZero();
        return fds;
    }

    private int[] tcp() {
        int listener = (int) kernel.socket(AF_INET, SOCK_STREAM, 0);
        assertThat(kernel.bind(listener, new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0)))
                .isZero();
        assertThat(kernel.listen(listener, 1)).isZero();
        int client = (int) kernel.socket(AF_INET, SOCK_STREAM, 0);
        assertThat(kernel.connect(client, name(listener))).isZero();
        int server = (int) kernel.accept4(listener, 0);
        assertThat(kernel.close(listener)).isZero();
        return new int[] {client, server};
    }

    private SocketAddress name(int fd) {
        SocketAddress[] out = new SocketAddress[1];
        assertThat(kernel.getsockname(fd, out)).isZero();
        return out[0];
    }

    private int[] pipe() {
        int[] fds = new int[2];
        assertThat(kernel.pipe2(fds, 0)).isZero();
        return fds;
    }

    /** A call on a thread of its own that has fallen asleep. */
    private CompletableFuture<Long> asleep(LongSupplier call, AtomicReference<Thread> caller) {
        CompletableFuture<Long> answer = CompletableFuture.supplyAsync(
                () -> {
                    caller.set(Thread.currentThread());
                    return call.getAsLong();
                },
                threads);
        while (caller.get() == null || caller.get().getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        return answer;
    }

    private CompletableFuture<Long> asleep(LongSupplier call) {
        return asleep(call, new AtomicReference<>());
    }

    private static byte[] pattern(int count) {
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++) {
            bytes[i] = (byte) (i * 31 + (i >> 8));
        }
        return bytes;
    }

    private MemorySegment bytes(byte[] bytes) {
        MemorySegment segment = arena.allocate(bytes.length);
        MemorySegment.copy(MemorySegment.ofArray(bytes), 0, segment, 0, bytes.length);
        return segment;
    }

    /** Each send of memory that was gone was charged to the bytes before it, until there was no room for any. */
    @Test
    void aSendThatFaultsTakesNoRoom() {
        int[] pair = pair(SOCK_STREAM);
        MemorySegment one = arena.allocate(1);
        MemorySegment gone;
        try (Arena closed = Arena.ofShared()) {
            gone = closed.allocate(1);
        }
        assertThat(kernel.send(pair[0], one, 0)).isEqualTo(1);
        for (int i = 0; i < 1000; i++) {
            assertThat(kernel.send(pair[0], gone, MSG_DONTWAIT)).isEqualTo(-EFAULT);
        }
        assertThat(kernel.send(pair[0], one, MSG_DONTWAIT)).isEqualTo(1);
    }

    @Test
    void aBlockingSendReturnsWhenAllIsStored() {
        for (int[] s : new int[][] {pair(SOCK_STREAM), tcp()}) {
            byte[] sent = pattern(6 << 20);
            MemorySegment all = bytes(sent);
            CompletableFuture<Long> send = asleep(() -> kernel.send(s[0], all, 0));
            MemorySegment room = arena.allocate(sent.length);
            assertThat(kernel.recv(s[1], room, MSG_WAITALL)).isEqualTo(sent.length);
            assertThat(send.join()).isEqualTo(sent.length);
            assertThat(room.toArray(JAVA_BYTE)).isEqualTo(sent);
            assertThat(kernel.recv(s[1], room, MSG_DONTWAIT)).isEqualTo(-EAGAIN);
            assertThat(kernel.close(s[0])).isZero();
            assertThat(kernel.close(s[1])).isZero();
        }
    }

    @Test
    void anInterruptedCallAnswersWhatItDidOrEintr() {
        int[] s = pair(SOCK_STREAM);
        AtomicReference<Thread> receiver = new AtomicReference<>();
        CompletableFuture<Long> recv = asleep(() -> kernel.recv(s[1], arena.allocate(1), 0), receiver);
        receiver.get().interrupt();
        assertThat(recv.join()).isEqualTo(-EINTR);

        AtomicReference<Thread> sender = new AtomicReference<>();
        CompletableFuture<Long> send = asleep(() -> kernel.send(s[0], arena.allocate(1 << 20), 0), sender);
        sender.get().interrupt();
        long stored = send.join();
        assertThat(stored).isBetween(200_000L, 300_000L);
        assertThat(kernel.fionread(s[1])).isEqualTo(stored);
    }

    @Test
    void aSleepingReceiveEndsWithThePeersCloseOrShutdown() {
        for (int[] s : new int[][] {pair(SOCK_STREAM), pair(SOCK_SEQPACKET), tcp()}) {
            CompletableFuture<Long> recv = asleep(() -> kernel.recv(s[1], arena.allocate(1), 0));
            assertThat(kernel.shutdown(s[0], SHUT_WR)).isZero();
            assertThat(recv.join()).isZero();
            CompletableFuture<Long> back = asleep(() -> kernel.recv(s[0], arena.allocate(1), 0));
            assertThat(kernel.close(s[1])).isZero();
            assertThat(back.join()).isZero();
        }
    }

    @Test
    void aSleepingAcceptAndAConnectFullOfPatienceMeet() {
        int listener = (int) kernel.socket(AF_INET, SOCK_STREAM, 0);
        assertThat(kernel.listen(listener, 0)).isZero();
        CompletableFuture<Long> accept = asleep(() -> kernel.accept4(listener, 0));
        int first = (int) kernel.socket(AF_INET, SOCK_STREAM, 0);
        assertThat(kernel.connect(first, name(listener))).isZero();
        assertThat(accept.join()).isPositive();

        int second = (int) kernel.socket(AF_INET, SOCK_STREAM, 0);
        assertThat(kernel.connect(second, name(listener))).isZero();
        int third = (int) kernel.socket(AF_INET, SOCK_STREAM, 0);
        CompletableFuture<Long> waits = asleep(() -> kernel.connect(third, name(listener)));
        assertThat(kernel.accept4(listener, 0)).isPositive();
        assertThat(waits.join()).isZero();
        int served = (int) kernel.accept4(listener, 0);
        assertThat(kernel.send(third, bytes(new byte[] {7}), 0)).isEqualTo(1);
        assertThat(kernel.recv(served, arena.allocate(9), 0)).isEqualTo(1);
    }

    @Test
    void pagesGoThroughPipesAndSocketsByReference() {
        for (int[] s : new int[][] {pair(SOCK_STREAM), tcp()}) {
            int[] in = pipe();
            int[] out = pipe();
            MemorySegment memory = arena.allocate(2 * 4096, 4096).fill((byte) 'a');
            long before = kernel.feature(Snapshot.class).orElseThrow().pagesInUse();
            assertThat(kernel.vmsplice(in[1], List.of(memory), 0)).isEqualTo(8192);
            assertThat(kernel.splice(in[0], null, s[0], null, 8192, 0)).isEqualTo(8192);
            assertThat(kernel.splice(s[1], null, out[1], null, 8192, 0)).isEqualTo(8192);
            assertThat(kernel.feature(Snapshot.class).orElseThrow().pagesInUse())
                    .as("no page was made for a copy")
                    .isEqualTo(before);
            memory.fill((byte) 'b');
            MemorySegment room = arena.allocate(8192);
            assertThat(kernel.read(out[0], room)).isEqualTo(8192);
            assertThat(room.mismatch(memory)).isEqualTo(-1);
        }
    }

    @Test
    void aSignalIsCountedUnlessTheCallForbidsIt() {
        int[] s = pair(SOCK_STREAM);
        assertThat(kernel.close(s[1])).isZero();
        assertThat(kernel.send(s[0], arena.allocate(1), MSG_NOSIGNAL)).isEqualTo(-EPIPE);
        SignalCounts counts = kernel.feature(SignalCounts.class).orElseThrow();
        assertThat(counts.sigpipes()).isZero();
        assertThat(kernel.send(s[0], arena.allocate(1), 0)).isEqualTo(-EPIPE);
        assertThat(kernel.write(s[0], arena.allocate(1))).isEqualTo(-EPIPE);
        assertThat(counts.sigpipes()).isEqualTo(2);
    }

    @Test
    void aSendWithoutMemoryStoresWhatItCan() {
        MemorySegment[] mapped = new MemorySegment[1];
        assertThat(kernel.mmap(4090 * 4096L, false, mapped)).isZero();
        int[] s = tcp();
        assertThat(kernel.send(s[0], arena.allocate(8 * 4096), 0)).isEqualTo(6 * 4096);
        assertThat(kernel.send(s[0], arena.allocate(8 * 4096), 0)).isEqualTo(-ENOMEM);
        assertThat(kernel.munmap(mapped[0])).isZero();
    }

    @Test
    void whatIsQueuedInConnectionsThatNobodyAcceptsIsReleasedWithTheListener() {
        int listener = (int) kernel.socket(AF_INET, SOCK_STREAM, 0);
        assertThat(kernel.listen(listener, 4)).isZero();
        int client = (int) kernel.socket(AF_INET, SOCK_STREAM, 0);
        assertThat(kernel.connect(client, name(listener))).isZero();
        assertThat(kernel.send(client, arena.allocate(10_000), 0)).isEqualTo(10_000);
        assertThat(kernel.feature(Snapshot.class).orElseThrow().pagesInUse()).isPositive();
        assertThat(kernel.close(listener)).isZero();
        assertThat(kernel.feature(Snapshot.class).orElseThrow().pagesInUse()).isZero();
    }

    @Test
    void heldBytesAreSeenAtLastWithoutFurtherCalls() {
        int[] s = tcp();
        assertThat(kernel.send(s[0], bytes(new byte[] {1, 2, 3}), MSG_MORE)).isEqualTo(3);
        assertThat(kernel.recv(s[1], arena.allocate(9), 0)).isEqualTo(3);
    }

    @Test
    void aCorkHoldsBytesUntilItIsPulled() {
        int[] s = tcp();
        assertThat(kernel.setsockopt(s[0], IPPROTO_TCP, TCP_CORK, 1)).isZero();
        assertThat(kernel.send(s[0], bytes(new byte[] {1, 2}), 0)).isEqualTo(2);
        assertThat(kernel.setsockopt(s[0], IPPROTO_TCP, TCP_CORK, 0)).isZero();
        assertThat(kernel.recv(s[1], arena.allocate(9), MSG_DONTWAIT)).isEqualTo(2);
    }

    @Test
    void aCloseOfTheKernelWakesSleepers() {
        UserKernel other = UserKernel.builder().build();
        int[] fds = new int[2];
        assertThat(other.socketpair(AF_UNIX, SOCK_STREAM, 0, fds)).isZero();
        CompletableFuture<Long> recv = asleep(() -> other.recv(fds[0], arena.allocate(1), 0));
        other.close();
        assertThat(recv.join()).isNegative();
    }

    @Test
    void manySendersAndReceiversLoseNothing() {
        for (int[] s : new int[][] {pair(SOCK_STREAM), tcp()}) {
            int each = 300_000;
            var sends = threads.submit(() -> {
                var all = new CompletableFuture<?>[4];
                for (int i = 0; i < all.length; i++) {
                    all[i] = CompletableFuture.runAsync(
                            () -> assertThat(kernel.send(s[0], arena.allocate(each), 0))
                                    .isEqualTo(each),
                            threads);
                }
                CompletableFuture.allOf(all).join();
                return kernel.shutdown(s[0], SHUT_WR);
            });
            int[] through = pipe();
            CompletableFuture<Long> spliced = CompletableFuture.supplyAsync(
                    () -> {
                        long total = 0;
                        for (long moved = 1; moved > 0; total += moved) {
                            moved = kernel.splice(s[1], null, through[1], null, 50_000, 0);
                        }
                        kernel.close(through[1]);
                        return total;
                    },
                    threads);
            long read = 0;
            MemorySegment room = arena.allocate(7777);
            for (long count = 1; count > 0; read += count) {
                count = kernel.read(through[0], room);
            }
            assertThat(read).isEqualTo(4L * each).isEqualTo(spliced.join());
            assertThat(sends).succeedsWithin(java.time.Duration.ofSeconds(20)).isEqualTo(0L);
        }
    }
}
