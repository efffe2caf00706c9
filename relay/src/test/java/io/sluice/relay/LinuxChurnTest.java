// SPDX-License-Identifier: Apache-2.0
package io.sluice.relay;

import io.sluice.kernel.Kernel;
import io.sluice.kernel.linux.LinuxKernel;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** {@link ChurnContract} on the kernel of Linux. */
@NeedsLinux
class LinuxChurnTest extends ChurnContract {
    @Override
    protected Kernel newKernel() {
        return new LinuxKernel();
    }

    @Override
    List<String> descriptors() {
        List<String> open = new ArrayList<>();
        for (String each : new File("/proc/self/fd").list()) {
            try {
                String target =
                        Files.readSymbolicLink(Path.of("/proc/self/fd", each)).toString();
                if (!target.startsWith("/")) { // of files, the JDK opens and closes some at any time
                    open.add(each + " " + target);
                }
            } catch (NoSuchFileException closedMeanwhile) {
                // Such as the one that lists this directory.
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return open.stream().sorted().toList();
    }
}
