// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

import static io.sluice.kernel.Flags.O_RDONLY;
import static io.sluice.kernel.Flags.O_WRONLY;
import static io.sluice.kernel.Flags.S_IFCHR;
import static io.sluice.kernel.Flags.S_IFREG;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/** The process's standard streams as descriptors 0, 1 and 2 of a kernel. Closing those leaves the process its own. */
final class StandardStreams {
    private StandardStreams() {}

    @SuppressWarnings("resource") // the process's own
    static void install(Resources resources, DescriptorTable table, HostThreads threads) {
        FileChannel[] channels = {
            new FileInputStream(FileDescriptor.in).getChannel(),
            new FileOutputStream(FileDescriptor.out).getChannel(),
            new FileOutputStream(FileDescriptor.err).getChannel()
        };
        for (int fd = 0; fd < channels.length; fd++) {
            table.install(open(resources, threads, channels[fd], fd), false);
        }
    }

    private static OpenFile open(Resources resources, HostThreads threads, FileChannel channel, int fd) {
        int statusFlags = fd == 0 ? O_RDONLY : O_WRONLY;
        try {
            HostAttributes attributes = HostAttributes.of(Path.of("/proc/self/fd/" + fd), true);
            if (attributes.type() == S_IFREG) {
                return new OpenHostFile(resources, threads, channel, attributes, null, channel.position(), statusFlags);
            }
        } catch (IOException noProcessFiles) {
            // Not a host that tells what its descriptors are: a stream will do for all of them.
        }
        HostAttributes terminal = new HostAttributes(0, 0, S_IFCHR | 0600, 1, 0, 0, 0);
        return new HostStream(resources, threads, channel, false, terminal, statusFlags);
    }
}
