// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static io.sluice.kernel.Flags.F_SETFL;
import static io.sluice.kernel.Flags.O_APPEND;
import static io.sluice.kernel.Flags.O_CLOEXEC;
import static io.sluice.kernel.Flags.O_CREAT;
import static io.sluice.kernel.Flags.O_DSYNC;
import static io.sluice.kernel.Flags.O_EXCL;
import static io.sluice.kernel.Flags.O_NOCTTY;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.O_PATH;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_RDWR;
import static io.sluice.kernel.Flags.O_SYNC;
import static io.sluice.kernel.Flags.O_TRUNC;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.Flags.S_IFDIR;
import static io.sluice.kernel.Flags.S_IFIFO;

import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Stat;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** Opens what a path names, without ever blocking the calling thread's carrier. */
final class Opening {
    /** As the shell's redirections: read and write for all, less the umask. */
    private static final int NEW_FILE_MODE = 0666;

    private Opening() {}

    static FileEnd open(Sluice sluice, Path path, OpenOption... options) throws IOException {
        int flags = flags(new HashSet<>(List.of(options))) | O_CLOEXEC | O_NOCTTY;
        String file = path.toString();
        if (!path.getFileSystem().equals(FileSystems.getDefault())) { // outside it the same name is another file's
            throw new ProviderMismatchException(file + " is a path of " + path.getFileSystem());
        }
        long fd = sluice.kernel().open(file, flags | O_NONBLOCK, NEW_FILE_MODE);
        if (fd == -Errno.ENXIO && isFifo(sluice.kernel(), file)) {
            fd = openWhenRead(sluice.kernel(), file, flags);
        }
        Sluice.check("open", fd, file);
        FileEnd end = new FileEnd(sluice, (int) fd, file);
        try {
            if (end.stat().type() == S_IFDIR) {
                throw new ErrnoException("open", Errno.EISDIR, file);
            }
            return end;
        } catch (IOException e) {
            end.close();
            throw e;
        }
    }

    private static int flags(Set<OpenOption> options) {
        boolean append = options.contains(StandardOpenOption.APPEND);
        boolean write = append || options.contains(StandardOpenOption.WRITE);
        boolean read = options.contains(StandardOpenOption.READ) || !write;
        int flags = read && write ? O_RDWR : write ? O_WRONLY : O_RDONLY;
        for (OpenOption option : options) {
            if (!(option instanceof StandardOpenOption standard)) {
                throw new UnsupportedOperationException("open option " + option);
            }
            flags |= switch (standard) {
                case READ, WRITE -> 0;
                case APPEND -> O_APPEND;
                case CREATE -> write ? O_CREAT : 0;
                case CREATE_NEW -> write ? O_CREAT | O_EXCL : 0;
                case TRUNCATE_EXISTING -> write && !append ? O_TRUNC : 0;
                case SYNC -> O_SYNC;
                case DSYNC -> O_DSYNC;
                case SPARSE -> 0;
                case DELETE_ON_CLOSE -> throw new UnsupportedOperationException("open option " + option);
            };
        }
        return flags;
    }

    /** ENXIO also comes from sockets and from devices without a driver; those are not waited for. */
    private static boolean isFifo(Kernel kernel, String file) {
        int fd = (int) kernel.open(file, O_PATH | O_CLOEXEC, 0);
        if (fd < 0) {
            return false;
        }
        Stat stat = new Stat();
        kernel.fstat(fd, stat);
        kernel.close(fd);
        return stat.type() == S_IFIFO;
    }

    /**
     * Opens a FIFO for writing when it gets a reader. Only a blocking open waits for one, so a platform thread of its
     * own does it; an interrupt ends that by opening the other side for a moment.
     */
    private static long openWhenRead(Kernel kernel, String fifo, int flags) throws IOException {
        CompletableFuture<Long> opened = new CompletableFuture<>();
        Thread.ofPlatform()
                .daemon()
                .name("sluice-open " + fifo)
                .start(() -> opened.complete(kernel.open(fifo, flags, NEW_FILE_MODE)));
        try {
            long fd = opened.get();
            if (fd >= 0) {
                // The description is ours alone, so its mode is ours to set.
                kernel.fcntl((int) fd, F_SETFL, (flags & O_APPEND) | O_NONBLOCK);
            }
            return fd;
        } catch (InterruptedException e) {
            release(kernel, fifo, opened);
            throw new TransferInterruptedException(0);
        } catch (ExecutionException e) {
            throw new IOException(e.getCause());
        }
    }

    /** Ends a wait for a reader by being one for a moment. */
    private static void release(Kernel kernel, String fifo, CompletableFuture<Long> opened) {
        long reader = kernel.open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
        CompletableFuture<?> closed = opened.thenAccept(fd -> {
            if (fd >= 0) {
                kernel.close(Math.toIntExact(fd));
            }
        });
        if (reader >= 0) {
            closed.join();
            kernel.close((int) reader);
        }
        // Else the FIFO has lost its name or may not be read: its thread waits on, and closes what it may get.
    }
}
