// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.testing.NeedsLinux;
import io.sluice.testing.Stand;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

@NeedsLinux
final class LinuxPageMemoryTest extends PageMemoryContract {
    @Override
    Stand newStand() {
        return Stand.onLinux();
    }

    /** Mapped, advised, and only then touched: a page that was touched too early is a small one [K15]. */
    @Test
    void everyPageIsThereAndHugeWhereTheMachineHasThem() throws Exception {
        String setting = Files.readString(Path.of("/sys/kernel/mm/transparent_hugepage/enabled"));
        assumeTrue(!setting.contains("[never]"), "huge pages are switched off here");
        PageMemory memory = keep(sluice.pages(4 << 20, true));
        List<String> map = mapOf(memory.segment().address());
        assertThat(kilobytes(map, "Rss:")).as("touched").isGreaterThanOrEqualTo(4096);
        assertThat(kilobytes(map, "AnonHugePages:")).isPositive();
    }

    private static List<String> mapOf(long address) throws Exception {
        List<String> lines = Files.readAllLines(Path.of("/proc/self/smaps"));
        String begins = Long.toHexString(address) + "-";
        for (int i = 0; i < lines.size(); i++) {
            if (lines.get(i).startsWith(begins)) {
                return lines.subList(i, Math.min(lines.size(), i + 25));
            }
        }
        throw new AssertionError("no mapping begins at " + Long.toHexString(address));
    }

    private static long kilobytes(List<String> map, String name) {
        String line = map.stream().filter(l -> l.startsWith(name)).findFirst().orElseThrow();
        return Long.parseLong(line.replaceAll("\\D", ""));
    }
}
