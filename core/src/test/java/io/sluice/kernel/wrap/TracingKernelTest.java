// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.wrap;

import static io.sluice.kernel.Flags.*;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.EpollEvents;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Offset;
import io.sluice.kernel.Stat;
import io.sluice.kernel.user.UserKernels;
import io.sluice.testing.NeedsLinux;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The lines that a trace shows, compared with what strace shows of the same calls. */
final class TracingKernelTest {
    private final List<TracingKernel.Call> calls = Collections.synchronizedList(new ArrayList<>());
    private final TracingKernel kernel = new TracingKernel(UserKernels.inMemory(), calls::add);
    private final Arena arena = Arena.ofShared();
    private final int[] pipe = new int[2];

    @BeforeEach
    void openPipe() {
        assertThat(kernel.pipe2(pipe, O_CLOEXEC | O_NONBLOCK)).isZero();
    }

    @AfterEach
    void closeAll() {
        kernel.close(pipe[0]);
        kernel.close(pipe[1]);
        arena.close();
    }

    private String last() {
        return calls.getLast().text();
    }

    @Test
    void aPipeShowsItsDescriptorsAndFlags() {
        assertThat(last()).isEqualTo("pipe2([" + pipe[0] + ", " + pipe[1] + "], O_NONBLOCK|O_CLOEXEC) = 0");
        kernel.pipe2(new int[2], 0x40000000);
        assertThat(last()).isEqualTo("pipe2(..., 0x40000000) = -1 EINVAL (Invalid argument)");
    }

    @Test
    void anOffsetShowsWhereItWasAndWhereItIs() {
        int file = (int) kernel.memfdCreate("payload", MFD_CLOEXEC);
        assertThat(last()).isEqualTo("memfd_create(\"payload\", MFD_CLOEXEC) = " + file);
        kernel.ftruncate(file, 10_000);
        assertThat(last()).isEqualTo("ftruncate(" + file + ", 10000) = 0");
        kernel.splice(file, new Offset(100), pipe[1], null, 4096, SPLICE_F_NONBLOCK | SPLICE_F_MORE);
        assertThat(last())
                .isEqualTo("splice(" + file + ", [100] => [4196], " + pipe[1]
                        + ", NULL, 4096, SPLICE_F_NONBLOCK|SPLICE_F_MORE) = 4096");
        kernel.splice(file, new Offset(20_000), pipe[1], null, 4096, 0);
        assertThat(last()).isEqualTo("splice(" + file + ", [20000], " + pipe[1] + ", NULL, 4096, 0) = 0");
        kernel.copyFileRange(file, new Offset(0), file, new Offset(5000), 10, 0);
        assertThat(last())
                .isEqualTo("copy_file_range(" + file + ", [0] => [10], " + file + ", [5000] => [5010], 10, 0) = 10");
        kernel.sendfile(pipe[1], file, null, 10);
        assertThat(last()).isEqualTo("sendfile(" + pipe[1] + ", " + file + ", NULL, 10) = 10");
        kernel.close(file);
        assertThat(last()).isEqualTo("close(" + file + ") = 0");
    }

    @Test
    void anErrorShowsItsNameAndSentence() {
        kernel.splice(pipe[0], null, 99_999, null, 65536, SPLICE_F_NONBLOCK);
        assertThat(last())
                .isEqualTo("splice(" + pipe[0]
                        + ", NULL, 99999, NULL, 65536, SPLICE_F_NONBLOCK) = -1 EBADF (Bad file descriptor)");
        kernel.tee(pipe[0], pipe[0], 5, 0x40);
        assertThat(last()).isEqualTo("tee(" + pipe[0] + ", " + pipe[0] + ", 5, 0x40) = -1 EINVAL (Invalid argument)");
        kernel.read(pipe[0], arena.allocate(8));
        assertThat(last()).endsWith(", 8) = -1 EAGAIN (Resource temporarily unavailable)");
    }

    @Test
    void aBufferShowsItsFirstBytesThatMoved() {
        MemorySegment text = arena.allocateFrom("two\nlines and \"more\" than 32 bytes, \\ in all");
        kernel.write(pipe[1], text.asSlice(0, 8));
        assertThat(last()).isEqualTo("write(" + pipe[1] + ", \"two\\nline\", 8) = 8");
        kernel.write(pipe[1], text);
        assertThat(last())
                .isEqualTo("write(" + pipe[1] + ", \"two\\nlines and \\\"more\\\" than 32 byt\"..., 45) = 45");
        MemorySegment room = arena.allocate(100);
        kernel.read(pipe[0], room.asSlice(0, 3));
        assertThat(last()).isEqualTo("read(" + pipe[0] + ", \"two\", 3) = 3");
    }

    @Test
    @NeedsLinux // with native access alone a null pointer gets a length
    @SuppressWarnings("restricted")
    void aNullPointerShowsAsSuch() {
        kernel.write(pipe[1], MemorySegment.ofAddress(0).reinterpret(5));
        assertThat(last()).isEqualTo("write(" + pipe[1] + ", NULL, 5) = -1 EFAULT (Bad address)");
    }

    @Test
    void aListShowsItsFirstSegments() {
        MemorySegment[] page = new MemorySegment[1];
        kernel.mmap(4096, false, page);
        String base = "0x" + Long.toHexString(page[0].address());
        assertThat(last())
                .isEqualTo("mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = " + base);
        kernel.vmsplice(pipe[1], List.of(page[0].asSlice(0, 10)), SPLICE_F_GIFT);
        assertThat(last())
                .isEqualTo("vmsplice(" + pipe[1] + ", [{iov_base=" + base + ", iov_len=10}], 1, SPLICE_F_GIFT) = 10");
        kernel.writev(pipe[1], Collections.nCopies(5, page[0].asSlice(0, 1)));
        assertThat(last())
                .isEqualTo("writev(" + pipe[1] + ", [{iov_base=" + base + ", iov_len=1}, {iov_base=" + base
                        + ", iov_len=1}, ...], 5) = 5");
        kernel.munmap(page[0]);
        assertThat(last()).isEqualTo("munmap(" + base + ", 4096) = 0");
    }

    @Test
    void descriptorCommandsShowTheirArgumentsByName() {
        kernel.fcntl(pipe[1], F_SETPIPE_SZ, 8192);
        assertThat(last()).isEqualTo("fcntl(" + pipe[1] + ", F_SETPIPE_SZ, 8192) = 8192");
        kernel.fcntl(pipe[1], F_GETPIPE_SZ, 0);
        assertThat(last()).isEqualTo("fcntl(" + pipe[1] + ", F_GETPIPE_SZ) = 8192");
        kernel.fcntl(pipe[1], F_GETFL, 0);
        assertThat(last()).isEqualTo("fcntl(" + pipe[1] + ", F_GETFL) = 0x801 (flags O_WRONLY|O_NONBLOCK)");
        kernel.fcntl(pipe[1], F_SETFL, O_DIRECT);
        assertThat(last()).isEqualTo("fcntl(" + pipe[1] + ", F_SETFL, O_RDONLY|O_DIRECT) = 0");
        kernel.fcntl(pipe[1], F_SETFD, FD_CLOEXEC);
        assertThat(last()).isEqualTo("fcntl(" + pipe[1] + ", F_SETFD, FD_CLOEXEC) = 0");
        kernel.fionread(pipe[0]);
        assertThat(last()).isEqualTo("ioctl(" + pipe[0] + ", FIONREAD, [0]) = 0");
        kernel.ficlone(pipe[0], pipe[1]);
        assertThat(last()).startsWith("ioctl(" + pipe[0] + ", FICLONE, " + pipe[1] + ") = -1 E");
    }

    @Test
    void filesShowPathsAndModes() {
        String path = "/tmp/file";
        int file = (int) kernel.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
        assertThat(last()).isEqualTo("open(\"" + path + "\", O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0640) = " + file);
        kernel.fallocate(file, FALLOC_FL_KEEP_SIZE, 0, 4096);
        assertThat(last()).isEqualTo("fallocate(" + file + ", FALLOC_FL_KEEP_SIZE, 0, 4096) = 0");
        kernel.pwrite(file, arena.allocateFrom("x"), 6);
        assertThat(last()).isEqualTo("pwrite(" + file + ", \"x\\x00\", 2, 6) = 2");
        kernel.lseek(file, 0, SEEK_END);
        assertThat(last()).isEqualTo("lseek(" + file + ", 0, SEEK_END) = 8");
        kernel.fstat(file, new Stat());
        assertThat(last()).matches("fstat\\(" + file + ", \\{st_mode=S_IFREG\\|06[0-4]0, st_size=8, \\.\\.\\.}\\) = 0");
        kernel.close(file);
        kernel.unlink(path);
        assertThat(last()).isEqualTo("unlink(\"" + path + "\") = 0");
        kernel.mkfifo(path, 0600);
        assertThat(last()).isEqualTo("mkfifo(\"" + path + "\", 0600) = 0");
        kernel.open(path + "/x", O_RDWR | O_SYNC | O_TMPFILE, 0);
        assertThat(last())
                .isEqualTo("open(\"" + path + "/x\", O_RDWR|O_SYNC|O_TMPFILE) = -1 ENOTDIR (Not a directory)");
    }

    @Test
    void socketsShowFamiliesAddressesAndOptions() {
        int socket = (int) kernel.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assertThat(last()).isEqualTo("socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0) = " + socket);
        kernel.setsockopt(socket, SOL_SOCKET, SO_LINGER, 1, 5);
        assertThat(last()).isEqualTo("setsockopt(" + socket + ", SOL_SOCKET, SO_LINGER, [1, 5]) = 0");
        kernel.getsockopt(socket, IPPROTO_TCP, TCP_NODELAY, new int[1]);
        assertThat(last()).isEqualTo("getsockopt(" + socket + ", SOL_TCP, TCP_NODELAY, [0]) = 1");
        kernel.bind(socket, new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        assertThat(last())
                .isEqualTo("bind(" + socket + ", {sa_family=AF_INET, sin_port=htons(0), sin_addr=\"127.0.0.1\"}) = 0");
        kernel.listen(socket, 8);
        SocketAddress[] name = new SocketAddress[1];
        kernel.getsockname(socket, name);
        int port = ((InetSocketAddress) name[0]).getPort();
        assertThat(last())
                .isEqualTo("getsockname(" + socket + ", {sa_family=AF_INET, sin_port=htons(" + port
                        + "), sin_addr=\"127.0.0.1\"}) = 0");
        kernel.accept4(socket, SOCK_CLOEXEC);
        assertThat(last())
                .isEqualTo("accept4(" + socket
                        + ", NULL, NULL, SOCK_CLOEXEC) = -1 EAGAIN (Resource temporarily unavailable)");
        kernel.getpeername(socket, name);
        assertThat(last())
                .isEqualTo("getpeername(" + socket + ", ...) = -1 ENOTCONN (Transport endpoint is not connected)");
        kernel.close(socket);
        int[] pair = new int[2];
        kernel.socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
        assertThat(last()).isEqualTo("socketpair(AF_UNIX, SOCK_STREAM, 0, [" + pair[0] + ", " + pair[1] + "]) = 0");
        kernel.send(pair[0], arena.allocateFrom("hi"), MSG_DONTWAIT | MSG_NOSIGNAL);
        assertThat(last()).isEqualTo("send(" + pair[0] + ", \"hi\\x00\", 3, MSG_DONTWAIT|MSG_NOSIGNAL) = 3");
        kernel.connect(pair[0], UnixDomainSocketAddress.of("/no/such"));
        assertThat(last()).startsWith("connect(" + pair[0] + ", {sa_family=AF_UNIX, sun_path=\"/no/such\"}) = -1 E");
        kernel.shutdown(pair[0], SHUT_WR);
        assertThat(last()).isEqualTo("shutdown(" + pair[0] + ", SHUT_WR) = 0");
        kernel.close(pair[0]);
        kernel.close(pair[1]);
    }

    @Test
    void readinessShowsEventsByName() {
        kernel.poll(pipe[1], POLLIN | POLLOUT, 0);
        assertThat(last())
                .isEqualTo("poll([{fd=" + pipe[1] + ", events=POLLIN|POLLOUT}], 1, 0) = 1 ([{fd=" + pipe[1]
                        + ", revents=POLLOUT}])");
        kernel.poll(pipe[0], POLLIN, 0);
        assertThat(last()).isEqualTo("poll([{fd=" + pipe[0] + ", events=POLLIN}], 1, 0) = 0 (Timeout)");
        int epoll = (int) kernel.epollCreate1(EPOLL_CLOEXEC);
        assertThat(last()).isEqualTo("epoll_create1(EPOLL_CLOEXEC) = " + epoll);
        kernel.epollCtl(epoll, EPOLL_CTL_ADD, pipe[1], EPOLLOUT | EPOLLET, 0xabcL);
        assertThat(last())
                .isEqualTo("epoll_ctl(" + epoll + ", EPOLL_CTL_ADD, " + pipe[1]
                        + ", {events=EPOLLOUT|EPOLLET, data=0xabc}) = 0");
        kernel.epollWait(epoll, new EpollEvents(4), 0);
        assertThat(last()).isEqualTo("epoll_wait(" + epoll + ", [{events=EPOLLOUT, data=0xabc}], 4, 0) = 1");
        kernel.epollWait(epoll, new EpollEvents(4), 0);
        assertThat(last()).isEqualTo("epoll_wait(" + epoll + ", [], 4, 0) = 0");
        kernel.close(epoll);
        int counter = (int) kernel.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        assertThat(last()).isEqualTo("eventfd(0, EFD_NONBLOCK|EFD_CLOEXEC) = " + counter);
        kernel.close(counter);
    }

    @Test
    void aListenerIsGivenTheCallInParts() {
        kernel.tee(pipe[0], pipe[1], 17, SPLICE_F_NONBLOCK);
        TracingKernel.Call call = calls.getLast();
        assertThat(call.name()).isEqualTo("tee");
        assertThat(call.arguments()).containsExactly(pipe[0], pipe[1], 17L, SPLICE_F_NONBLOCK);
        assertThat(call.integer(3)).isEqualTo(SPLICE_F_NONBLOCK);
        assertThat(call.result()).isEqualTo(-Errno.EINVAL);
        assertThat(call.thread()).isSameAs(Thread.currentThread());
        assertThat(call.nanos()).isPositive();
        Offset offset = new Offset(7);
        kernel.splice(pipe[0], offset, pipe[1], null, 1, 0);
        offset.set(8);
        assertThat(calls.getLast().arguments()).containsExactly(pipe[0], 7L, pipe[1], null, 1L, 0);
    }

    @Test
    void linesNameTheirThreadFromTheSecondThreadOn() throws InterruptedException {
        var lines = new ArrayList<String>();
        TracingKernel printing = TracingKernel.printing(UserKernels.inMemory(), lines::add);
        printing.dup(-1);
        Thread other = Thread.ofVirtual().start(() -> printing.dup(-2));
        other.join();
        printing.dup(-3);
        assertThat(lines)
                .containsExactly(
                        "dup(-1) = -1 EBADF (Bad file descriptor)",
                        "[thread " + other.threadId() + "] dup(-2) = -1 EBADF (Bad file descriptor)",
                        "[thread " + Thread.currentThread().threadId() + "] dup(-3) = -1 EBADF (Bad file descriptor)");
    }
}
