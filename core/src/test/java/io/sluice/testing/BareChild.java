// SPDX-License-Identifier: Apache-2.0
package io.sluice.testing;

import io.sluice.FileEnd;
import io.sluice.Pipe;
import io.sluice.PipeLimits;
import io.sluice.Sluice;
import io.sluice.Transfer;
import io.sluice.WhenFull;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A program for a run-time image of few modules: does everything that there is an event for. That is a transfer, a
 * mirror given up because nobody reads it, and a path given up because there is no pipe.
 */
public final class BareChild {
    private BareChild() {}

    /** Prints the modules that it sees, and then what it has done. */
    public static void main(String[] arguments) throws IOException {
        TreeSet<String> modules = new TreeSet<>();
        ModuleLayer.boot().modules().forEach(module -> modules.add(module.getName()));
        System.out.println("with " + String.join(" and ", modules));
        try (Sluice sluice = Sluice.open();
                Pipe mirror = sluice.pipe(4096)) {
            move(sluice, mirror);
            System.out.println("gave up mirrors: " + sluice.counters().branchesDetached());
            try (Sluice poor = Sluice.on(sluice.kernel(), PipeLimits.DEFAULTS.withPipes(0))) {
                move(poor, null);
                System.out.println("gave up paths: " + poor.counters().fallbacks() + ", missed pipes: "
                        + poor.counters().poolMisses());
            }
        }
    }

    private static void move(Sluice sluice, @Nullable Pipe mirror) throws IOException {
        try (FileEnd zeros = sluice.open(Path.of("/dev/zero"));
                FileEnd nowhere = sluice.open(Path.of("/dev/null"), StandardOpenOption.WRITE)) {
            Transfer transfer = sluice.transfer(zeros)
                    .to(nowhere)
                    .limit(1 << 20)
                    .pipeSize(4096)
                    .queue(4096);
            if (mirror != null) {
                transfer.mirrorTo(mirror.writer(), WhenFull.DETACH);
            }
            System.out.println("moved bytes: " + transfer.run().bytes());
        }
    }
}
