// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static io.sluice.conformance.PipeVerbs.onDescriptor;
import static io.sluice.conformance.Stage.PAGE;
import static io.sluice.conformance.Stage.buffer;
import static io.sluice.kernel.Flags.FALLOC_FL_KEEP_SIZE;
import static io.sluice.kernel.Flags.FALLOC_FL_PUNCH_HOLE;
import static io.sluice.kernel.Flags.O_CREAT;
import static io.sluice.kernel.Flags.O_EXCL;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_RDWR;
import static io.sluice.kernel.Flags.SEEK_CUR;
import static io.sluice.kernel.Flags.SEEK_SET;

import io.sluice.conformance.Step.Operation;
import io.sluice.conformance.Steps.Verb;
import io.sluice.kernel.Stat;
import java.lang.foreign.MemorySegment;
import java.util.Map;

/** Files, devices and FIFOs; reading and writing; descriptors as such. */
final class FileVerbs {
    static final Map<String, Verb> TABLE = Map.ofEntries(
            Map.entry("file", FileVerbs::file),
            Map.entry("dev", FileVerbs::dev),
            Map.entry("fifo", FileVerbs::fifo),
            Map.entry("openfifo", FileVerbs::openfifo),
            Map.entry("dup", FileVerbs::dup),
            Map.entry("reopen", FileVerbs::reopen),
            Map.entry("close", FileVerbs::close),
            Map.entry("write", FileVerbs::write),
            Map.entry("read", FileVerbs::read),
            Map.entry("pwrite", FileVerbs::pwrite),
            Map.entry("pread", FileVerbs::pread),
            Map.entry("lseek", FileVerbs::lseek),
            Map.entry("pos", words -> onDescriptor(words, (kernel, fd) -> Answer.of(kernel.lseek(fd, 0, SEEK_CUR)))),
            Map.entry(
                    "size",
                    words -> onDescriptor(words, (kernel, fd) -> {
                        Stat stat = new Stat();
                        long result = kernel.fstat(fd, stat);
                        return Answer.of(result < 0 ? result : stat.size());
                    })),
            Map.entry("ftruncate", FileVerbs::ftruncate),
            Map.entry("punch", FileVerbs::punch),
            Map.entry("fsizelimit", FileVerbs::fsizelimit));

    private static final int ALL_PERMISSIONS = 0666;

    private FileVerbs() {}

    private static Operation file(Words words) {
        String name = words.name();
        Data content = words.data();
        int mode = words.more() ? words.mode() : O_RDWR;
        return stage -> {
            String path = stage.stand.directory() + "/" + name;
            long made = stage.kernel.open(path, O_CREAT | O_EXCL | O_RDWR, ALL_PERMISSIONS);
            if (made < 0) {
                return Answer.of(made);
            }
            long written = writeByPages(stage, (int) made, content);
            stage.kernel.close((int) made);
            Answer opened = written < 0 ? Answer.of(written) : stage.named(name, stage.kernel.open(path, mode, 0));
            stage.kernel.unlink(path);
            return opened;
        };
    }

    /** One call per page, because a file system may keep what one call wrote in one large folio [E29]. */
    private static long writeByPages(Stage stage, int fd, Data content) {
        MemorySegment all = buffer(content);
        long result = 0;
        for (int at = 0; at < content.length() && result >= 0; at += PAGE) {
            result = stage.kernel.write(fd, all.asSlice(at, Math.min(PAGE, content.length() - at)));
        }
        return result;
    }

    private static Operation dev(Words words) {
        String name = words.name();
        String device = words.name(words.word("a device"));
        int mode = words.mode();
        return stage -> stage.named(name, stage.kernel.open("/dev/" + device, mode, 0));
    }

    private static Operation fifo(Words words) {
        String name = words.name();
        return stage -> Answer.of(stage.kernel.mkfifo(fifoPath(stage, name), ALL_PERMISSIONS));
    }

    private static Operation openfifo(Words words) {
        String fifo = words.name();
        words.literal("as");
        String name = words.name();
        int mode = words.mode() | (words.taken("NONBLOCK") ? O_NONBLOCK : 0);
        return stage -> stage.named(name, stage.kernel.open(fifoPath(stage, fifo), mode, 0));
    }

    private static String fifoPath(Stage stage, String name) {
        return stage.stand.directory() + "/" + name + ".fifo";
    }

    private static Operation dup(Words words) {
        String old = words.name();
        words.literal("as");
        String name = words.name();
        return stage -> stage.named(name, stage.kernel.dup(stage.fd(old)));
    }

    private static Operation reopen(Words words) {
        String old = words.name();
        words.literal("as");
        String name = words.name();
        int mode = words.mode();
        return stage -> stage.named(name, stage.kernel.open("/proc/self/fd/" + stage.fd(old), mode, 0));
    }

    private static Operation close(Words words) {
        String name = words.name();
        return stage -> stage.closed(name);
    }

    private static Operation write(Words words) {
        String name = words.name();
        Data content = words.data();
        return stage -> Answer.of(stage.kernel.write(stage.fd(name), buffer(content)));
    }

    private static Operation read(Words words) {
        String name = words.name();
        int count = words.count("a count");
        return stage -> {
            MemorySegment buffer = buffer(count);
            return taken(stage.kernel.read(stage.fd(name), buffer), buffer);
        };
    }

    private static Operation pwrite(Words words) {
        String name = words.name();
        long offset = words.number("an offset");
        Data content = words.data();
        return stage -> Answer.of(stage.kernel.pwrite(stage.fd(name), buffer(content), offset));
    }

    private static Operation pread(Words words) {
        String name = words.name();
        long offset = words.number("an offset");
        int count = words.count("a count");
        return stage -> {
            MemorySegment buffer = buffer(count);
            return taken(stage.kernel.pread(stage.fd(name), buffer, offset), buffer);
        };
    }

    private static Answer taken(long result, MemorySegment buffer) {
        return Answer.ofData(result, Data.in(buffer.asSlice(0, Math.max(result, 0))));
    }

    private static Operation lseek(Words words) {
        String name = words.name();
        long offset = words.number("an offset");
        return stage -> Answer.of(stage.kernel.lseek(stage.fd(name), offset, SEEK_SET));
    }

    private static Operation ftruncate(Words words) {
        String name = words.name();
        long length = words.number("a length");
        return stage -> Answer.of(stage.kernel.ftruncate(stage.fd(name), length));
    }

    private static Operation punch(Words words) {
        String name = words.name();
        long offset = words.number("an offset");
        long length = words.number("a length");
        int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
        return stage -> Answer.of(stage.kernel.fallocate(stage.fd(name), mode, offset, length));
    }

    private static Operation fsizelimit(Words words) {
        long bytes = words.number("a limit");
        return stage -> {
            stage.stand.limitFileSize(bytes);
            return Answer.of(0);
        };
    }
}
