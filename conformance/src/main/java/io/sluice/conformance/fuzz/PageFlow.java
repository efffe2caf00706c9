// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance.fuzz;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;

/**
 * Where the pages of a program's memories may get by reference, so that no call copies bytes onto the page that they
 * come from: Linux moves them there through two addresses at once, in pieces that are the processor's choice.
 *
 * <p>vmsplice brings a memory's pages into a pipe, splice and tee carry them on through pipes and sockets, and vmsplice
 * out of a pipe copies, so that nothing travels beyond the memory that it fills. A path of flows from a memory back to
 * itself is therefore the mistake, and none is ever admitted. Flows are never forgotten: a call that sleeps may make
 * its own at any later time. Nor does their order count, so a program out of which lines are left is as safe as before.
 */
final class PageFlow {
    private record Flow(String from, String to) {}

    private final Set<String> memories;
    private final Set<Flow> flows = new HashSet<>();

    PageFlow(Set<String> memories) {
        this.memories = memories;
    }

    /**
     * Notes what a call may move between objects, one of which may be a memory.
     *
     * @return false, with nothing noted, when a memory could be copied onto itself then
     */
    boolean admits(String from, String to) {
        Flow flow = new Flow(from, to);
        if (!flows.add(flow) || memories.stream().noneMatch(this::returns)) {
            return true;
        }
        flows.remove(flow);
        return false;
    }

    private boolean returns(String memory) {
        Set<String> reached = new HashSet<>();
        Deque<String> ahead = new ArrayDeque<>(Set.of(memory));
        while (!ahead.isEmpty()) {
            String at = ahead.remove();
            for (Flow flow : flows) {
                if (flow.from.equals(at) && !memories.contains(flow.to) && reached.add(flow.to)) {
                    ahead.add(flow.to);
                }
            }
        }
        return reached.stream().anyMatch(holder -> flows.contains(new Flow(holder, memory)));
    }
}
