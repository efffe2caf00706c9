// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Flags.O_CREAT;
import static io.sluice.kernel.Flags.O_DIRECTORY;
import static io.sluice.kernel.Flags.O_EXCL;
import static io.sluice.kernel.Flags.O_NOFOLLOW;
import static io.sluice.kernel.Flags.O_PATH;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_RDWR;
import static io.sluice.kernel.Flags.O_TRUNC;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.Flags.S_IFIFO;
import static io.sluice.kernel.Flags.S_IFREG;
import static io.sluice.kernel.user.Machine.answer;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.Stat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Paths: each answer here is one that Linux gave to the same call. */
class TreeTest {
    private final Machine m = new Machine();

    @BeforeEach
    void makeAFile() {
        m.write(m.open("/tmp/xx", O_CREAT | O_RDWR), "content");
    }

    @AfterEach
    void close() {
        m.kernel.unlink("/tmp/xx");
        m.close();
    }

    private String open(String path, int flags) {
        return answer(m.kernel.open(path, flags, 0666));
    }

    @Test
    void opensNothingWhereNothingIs() {
        assertThat(open("", 0)).isEqualTo("ENOENT");
        assertThat(open("/nonesuch", O_RDWR)).isEqualTo("ENOENT");
        assertThat(open("/nonesuch/y", O_CREAT)).isEqualTo("ENOENT");
        assertThat(open("/proc/self/fd/99", 0)).isEqualTo("ENOENT");
        assertThat(open("/proc/self/fd/x", 0)).isEqualTo("ENOENT");
        assertThat(open("/proc/self/fd/new", O_CREAT | O_RDWR)).isEqualTo("ENOENT");
    }

    @Test
    void tellsFilesFromDirectories() {
        assertThat(open("/tmp/xx/", 0)).isEqualTo("ENOTDIR");
        assertThat(open("/tmp/xx/y", 0)).isEqualTo("ENOTDIR");
        assertThat(open("/tmp/xx/..", 0)).isEqualTo("ENOTDIR");
        assertThat(open("/tmp/xx/.", O_CREAT)).isEqualTo("ENOTDIR");
        assertThat(open("/tmp/xx", O_DIRECTORY)).isEqualTo("ENOTDIR");
        assertThat(open("/tmp", O_RDWR)).isEqualTo("EISDIR");
        assertThat(open("/tmp", O_CREAT)).isEqualTo("EISDIR");
        assertThat(open("/tmp", O_TRUNC)).isEqualTo("EISDIR");
        assertThat(open("/tmp/..", O_CREAT)).isEqualTo("EISDIR");
        assertThat(open("/tmp/new/", O_CREAT | O_RDWR)).isEqualTo("EISDIR");
        assertThat(open("/tmp", O_DIRECTORY | O_CREAT)).isEqualTo("EINVAL");
    }

    @Test
    void makesANewFileOnlyOnce() {
        assertThat(open("/tmp/xx", O_CREAT | O_EXCL)).isEqualTo("EEXIST");
        assertThat(open("/tmp", O_CREAT | O_EXCL)).isEqualTo("EEXIST");
        assertThat(open("/", O_CREAT | O_EXCL)).isEqualTo("EEXIST");
        int again = m.open("/tmp/xx", O_CREAT | O_RDWR);
        assertThat(m.read(again, 99)).isEqualTo("content");
        assertThat(m.read(m.open("tmp/../tmp/./xx", O_RDONLY | O_TRUNC), 99)).isEmpty();
    }

    @Test
    void refusesNamesThatAreTooLong() {
        assertThat(open("/tmp/" + "q".repeat(255), 0)).isEqualTo("ENOENT");
        assertThat(open("/tmp/" + "q".repeat(256), O_CREAT)).isEqualTo("ENAMETOOLONG");
        assertThat(open("/tmp/".repeat(1000), 0)).isEqualTo("ENAMETOOLONG");
    }

    @Test
    void leadsThroughDescriptorsToTheirFiles() {
        int file = m.open("/tmp/xx", O_RDONLY);
        String link = "/proc/self/fd/" + file;
        m.read(file, 3);
        assertThat(m.read(m.open(link, O_RDONLY), 99)).isEqualTo("content"); // a position of its own
        assertThat(m.write(m.open("/dev/fd/" + file, O_WRONLY), "C")).isEqualTo(1);
        assertThat(open(link, O_NOFOLLOW)).isEqualTo("ELOOP");
        assertThat(open(link, O_CREAT | O_EXCL)).isEqualTo("EEXIST");
        assertThat(open("/dev/stdin", O_NOFOLLOW)).isEqualTo("ELOOP");
        int directory = m.open("/tmp", O_RDONLY);
        assertThat(m.read(m.open("/proc/self/fd/" + directory + "/xx", O_RDONLY), 99))
                .isEqualTo("Content");
    }

    @Test
    void opensAPathOnlyToBeDescribed() {
        int path = m.open("/tmp/xx", O_PATH);
        Stat stat = new Stat();
        assertThat(m.kernel.fstat(path, stat)).isZero();
        assertThat(stat.type()).isEqualTo(S_IFREG);
        assertThat(stat.size()).isEqualTo(7);
        assertThat(m.read(path, 1)).isEqualTo("EBADF");
        assertThat(m.read(m.open("/proc/self/fd/" + path, O_RDONLY), 99)).isEqualTo("content");
    }

    @Test
    void removesNamesOfFilesAlone() {
        assertThat(answer(m.kernel.unlink("/tmp/xx/"))).isEqualTo("ENOTDIR");
        assertThat(answer(m.kernel.unlink("/tmp/xx/y"))).isEqualTo("ENOTDIR");
        assertThat(answer(m.kernel.unlink("/tmp/"))).isEqualTo("EISDIR");
        assertThat(answer(m.kernel.unlink("/tmp/."))).isEqualTo("EISDIR");
        assertThat(answer(m.kernel.unlink("/"))).isEqualTo("EISDIR");
        assertThat(answer(m.kernel.unlink(""))).isEqualTo("ENOENT");
        assertThat(answer(m.kernel.unlink("/nonesuch"))).isEqualTo("ENOENT");
        assertThat(answer(m.kernel.unlink("/proc/self/fd/0"))).isIn("EPERM", "ENOENT");
        assertThat(m.kernel.unlink("/tmp/xx")).isZero();
        assertThat(answer(m.kernel.unlink("/tmp/xx"))).isEqualTo("ENOENT");
    }

    @Test
    void makesFifosWhereNothingIs() {
        assertThat(answer(m.kernel.mkfifo("/tmp/xx", 0666))).isEqualTo("EEXIST");
        assertThat(answer(m.kernel.mkfifo("/tmp/xx/", 0666))).isEqualTo("EEXIST");
        assertThat(answer(m.kernel.mkfifo("/tmp/xx/y", 0666))).isEqualTo("ENOTDIR");
        assertThat(answer(m.kernel.mkfifo("/tmp/new/", 0666))).isEqualTo("ENOENT");
        assertThat(answer(m.kernel.mkfifo("/", 0666))).isEqualTo("EEXIST");
        assertThat(answer(m.kernel.mkfifo("", 0666))).isEqualTo("ENOENT");
        assertThat(m.kernel.mkfifo("/tmp/fifo", 0666)).isZero();
        Stat stat = new Stat();
        m.kernel.fstat(m.open("/tmp/fifo", O_PATH), stat);
        assertThat(stat.mode()).isEqualTo(S_IFIFO | 0644);
        assertThat(m.kernel.unlink("/tmp/fifo")).isZero();
    }

    @Test
    void keepsItsDevicesApart() {
        int zero = m.open("/dev/zero", O_RDWR);
        assertThat(m.read(zero, 3)).isEqualTo("\0\0\0");
        assertThat(m.write(zero, "abc")).isEqualTo(3);
        assertThat(m.kernel.lseek(zero, 5, 0)).isZero();
        assertThat(m.read(m.open("/dev/null", O_RDWR), 3)).isEmpty();
        int full = m.open("/dev/full", O_RDWR);
        assertThat(answer(m.write(full, "abc"))).isEqualTo("ENOSPC");
        assertThat(m.read(full, 1)).isEqualTo("\0");
        Stat stat = new Stat();
        m.kernel.fstat(full, stat);
        assertThat(stat.rdev()).isEqualTo((1L << 32) | 7);
    }
}
