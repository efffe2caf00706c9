// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel;

import java.util.StringJoiner;

/**
 * A pipe drawn as text:
 *
 * <pre>
 * pipe 3: 2 of 4 slots, 4106 bytes, 1 writer, 1 reader
 * write → [ ][ ][m][#] → read
 *   0  page 7 ×2     0+4096
 *   1  page 8 ×1     0+10  mergeable
 * </pre>
 */
final class PipeDrawing {
    private static final int MOST_BOXES = 64;

    private PipeDrawing() {}

    static String draw(Snapshot.PipeState pipe) {
        var lines = new StringJoiner("\n");
        lines.add("pipe %d: %d of %d slots, %d bytes, %s, %s"
                .formatted(
                        pipe.id(),
                        pipe.slots().size(),
                        pipe.capacitySlots(),
                        pipe.bytes(),
                        count(pipe.writeEnds(), "writer"),
                        count(pipe.readEnds(), "reader")));
        lines.add("write → " + boxes(pipe) + " → read");
        for (int i = 0; i < pipe.slots().size(); i++) {
            Snapshot.SlotState slot = pipe.slots().get(i);
            lines.add("  %-3d %s ×%d  %d+%d%s"
                    .formatted(i, slot.memory(), slot.references(), slot.start(), slot.length(), marks(slot)));
        }
        return lines.toString();
    }

    private static String count(int number, String what) {
        return number + " " + what + (number == 1 ? "" : "s");
    }

    /** The oldest slot stands on the right, next to the reader. */
    private static String boxes(Snapshot.PipeState pipe) {
        if (pipe.capacitySlots() > MOST_BOXES) {
            return "[" + pipe.slots().size() + "/" + pipe.capacitySlots() + "]";
        }
        var boxes = new StringBuilder();
        boxes.append("[ ]".repeat(pipe.capacitySlots() - pipe.slots().size()));
        for (Snapshot.SlotState slot : pipe.slots().reversed()) {
            boxes.append(slot.packet() ? "[p]" : slot.mergeable() ? "[m]" : slot.gift() ? "[g]" : "[#]");
        }
        return boxes.toString();
    }

    private static String marks(Snapshot.SlotState slot) {
        return (slot.mergeable() ? "  mergeable" : "")
                + (slot.packet() ? "  packet" : "")
                + (slot.gift() ? "  gift" : "");
    }
}
