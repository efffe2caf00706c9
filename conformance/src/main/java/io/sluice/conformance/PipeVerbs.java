// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import static io.sluice.conformance.Stage.PAGE;
import static io.sluice.kernel.Flags.F_GETFL;
import static io.sluice.kernel.Flags.F_GETPIPE_SZ;
import static io.sluice.kernel.Flags.F_SETFL;
import static io.sluice.kernel.Flags.F_SETPIPE_SZ;
import static io.sluice.kernel.Flags.O_APPEND;
import static io.sluice.kernel.Flags.O_DIRECT;
import static io.sluice.kernel.Flags.O_NONBLOCK;
import static io.sluice.kernel.Flags.POLLIN;
import static io.sluice.kernel.Flags.POLLOUT;

import io.sluice.conformance.Step.Operation;
import io.sluice.conformance.Steps.Verb;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import java.lang.foreign.MemorySegment;
import java.util.Map;

/** Pipes: making, sizing, asking, and the status flags of their ends. */
final class PipeVerbs {
    static final Map<String, Verb> TABLE = Map.of(
            "pipe", PipeVerbs::pipe,
            "setsz", PipeVerbs::setsz,
            "getsz", words -> onDescriptor(words, (kernel, fd) -> Answer.of(kernel.fcntl(fd, F_GETPIPE_SZ, 0))),
            "fionread", words -> onDescriptor(words, (kernel, fd) -> Answer.of(kernel.fionread(fd))),
            "fill", words -> onDescriptor(words, PipeVerbs::fill),
            "poll", words -> onDescriptor(words, (kernel, fd) -> Answer.ofEvents(kernel.poll(fd, POLLIN | POLLOUT, 0))),
            "nonblock", words -> statusFlag(words, O_NONBLOCK),
            "direct", words -> statusFlag(words, O_DIRECT),
            "append", words -> statusFlag(words, O_APPEND));

    /** What F_SETPIPE_SZ can ask for, 2 GiB; a file takes pages for as long as there is room on the disk. */
    private static final int MOST_SLOTS = 1 << 19;

    private PipeVerbs() {}

    /** One call on one descriptor. */
    @FunctionalInterface
    interface DescriptorCall {
        Answer on(Kernel kernel, int fd);
    }

    static Operation onDescriptor(Words words, DescriptorCall call) {
        String name = words.name();
        return stage -> call.on(stage.kernel, stage.fd(name));
    }

    private static Operation pipe(Words words) {
        String name = words.name();
        long slots = 0;
        int flags = 0;
        while (words.more()) {
            if (words.peek().startsWith("slots=")) {
                slots = words.numberAfter("slots=");
                if (slots < 0 || slots > MOST_SLOTS) {
                    throw words.error("no pipe has slots=" + slots);
                }
            } else if (words.taken("DIRECT")) {
                flags |= O_DIRECT;
            } else if (words.taken("NONBLOCK")) {
                flags |= O_NONBLOCK;
            } else {
                throw words.error("'" + words.peek() + "' is not one of slots=N, DIRECT, NONBLOCK");
            }
        }
        int allFlags = flags;
        int size = (int) (slots * PAGE);
        return stage -> {
            int[] ends = new int[2];
            long result = stage.kernel.pipe2(ends, allFlags);
            if (result == 0) {
                stage.named(name + ".r", ends[0]);
                stage.named(name + ".w", ends[1]);
                result = size == 0 ? 0 : stage.kernel.fcntl(ends[1], F_SETPIPE_SZ, size);
            }
            return Answer.of(Math.min(result, 0));
        };
    }

    private static Operation setsz(Words words) {
        String name = words.name();
        // The kernel cuts the argument to 32 bits; the signature does so before it [C02].
        int bytes = (int) words.number("a size in bytes");
        return stage -> Answer.of(stage.kernel.fcntl(stage.fd(name), F_SETPIPE_SZ, bytes));
    }

    private static Operation statusFlag(Words words, int flag) {
        String name = words.name();
        boolean on = words.on();
        return stage -> {
            int fd = stage.fd(name);
            long flags = stage.kernel.fcntl(fd, F_GETFL, 0);
            return Answer.of(
                    flags < 0 ? flags : stage.kernel.fcntl(fd, F_SETFL, on ? (int) flags | flag : (int) flags & ~flag));
        };
    }

    /** Whole pages until EAGAIN: as many as there were free slots. */
    private static Answer fill(Kernel kernel, int fd) {
        long flags = kernel.fcntl(fd, F_GETFL, 0);
        if (flags < 0) {
            return Answer.of(flags);
        }
        kernel.fcntl(fd, F_SETFL, (int) flags | O_NONBLOCK);
        MemorySegment page = Stage.buffer(PAGE);
        long pages = 0;
        long written;
        while ((written = kernel.write(fd, page)) == PAGE && pages < MOST_SLOTS) {
            pages++;
        }
        kernel.fcntl(fd, F_SETFL, (int) flags);
        return Answer.of(written < 0 && written != -Errno.EAGAIN ? written : pages);
    }
}
