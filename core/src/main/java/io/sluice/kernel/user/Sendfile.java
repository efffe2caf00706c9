// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Errno.EBADF;
import static io.sluice.kernel.Errno.EINVAL;
import static io.sluice.kernel.Errno.ESPIPE;
import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.Flags.SEEK_CUR;
import static io.sluice.kernel.Flags.SEEK_SET;

import io.sluice.kernel.Offset;
import org.jspecify.annotations.Nullable;

/** sendfile(2): splices into the pipe that the output is [E28], or through a pipe of the call's own. */
final class Sendfile {
    private Sendfile() {}

    /** The checks of the input that come before the output's descriptor is looked up: 0 or -errno. */
    static long checkInput(OpenFile in, @Nullable Offset offset) {
        if (!in.readable()) {
            return -EBADF;
        }
        return offset != null && !in.seekable() ? -ESPIPE : 0;
    }

    static long sendfile(Resources resources, OpenFile out, OpenFile in, @Nullable Offset offset, long count) {
        if (!out.writable()) {
            return -EBADF;
        }
        if (count < 0 || (offset != null && (offset.value() < 0 || offset.value() + count < 0))) {
            return -EINVAL;
        }
        if (!in.splicesOut() || !in.seekable()) {
            return -EINVAL;
        }
        if (out.pipe() != null) {
            return Splice.splice(in, offset, out, null, count, 0);
        }
        if (out.appends()) {
            return -EINVAL;
        }
        return throughPipe(resources, out, in, offset, count);
    }

    /** What the output does not take goes back: the position is set to what was sent. */
    private static long throughPipe(
            Resources resources, OpenFile out, OpenFile in, @Nullable Offset offset, long count) {
        Offset place = offset == null ? new Offset(in.seek(0, SEEK_CUR)) : offset;
        Pipe pipe = Pipe.withBothEnds(resources);
        OpenFile readEnd = new PipeEnd(pipe, O_RDONLY);
        OpenFile writeEnd = new PipeEnd(pipe, O_WRONLY);
        long sent = 0;
        long result = 0;
        try {
            while (sent < count) {
                long start = place.value();
                long read = Splice.splice(in, place, writeEnd, null, count - sent, 0);
                if (read <= 0) {
                    result = read;
                    break;
                }
                long written = Splice.splice(readEnd, null, out, null, read, 0);
                if (written < read) {
                    place.set(start + Math.max(written, 0));
                    result = written;
                    sent += Math.max(written, 0);
                    break;
                }
                sent += written;
            }
        } finally {
            pipe.closeEnd(true, true);
        }
        if (offset == null && sent > 0) {
            in.seek(place.value(), SEEK_SET);
        }
        return sent > 0 ? sent : Math.min(result, 0);
    }
}
