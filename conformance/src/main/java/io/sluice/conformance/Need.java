// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance;

import io.sluice.kernel.Capabilities;
import io.sluice.kernel.Capabilities.Outcome;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Flags;
import io.sluice.kernel.Kernel;
import java.util.Optional;

/**
 * What a scenario asks of a kernel beyond the language, where kernels differ by version or policy; written outside the
 * scenario's block as {@code needs: vmsplice-shares}.
 */
public enum Need {
    /** A file's pages pass into pipes by reference. */
    SPLICE_SHARES("splice-shares"),
    /** Memory passes into pipes by reference; on its way out in kernels after 6.18. */
    VMSPLICE_SHARES("vmsplice-shares"),
    /** {@code /dev/zero} and {@code /dev/full} can be spliced from; not so in Linux 6.5 and 6.6 [I01]. */
    ZERO_SPLICES("zero-splices");

    private final String word;

    Need(String word) {
        this.word = word;
    }

    /** Why the kernel does not meet this need; empty when it does. */
    Optional<String> lack(Kernel kernel) {
        return switch (this) {
            case SPLICE_SHARES -> shares("splice", kernel.capabilities().splice());
            case VMSPLICE_SHARES -> shares("vmsplice", kernel.capabilities().vmsplice());
            case ZERO_SPLICES -> zeroSplices(kernel);
        };
    }

    static Optional<Need> of(String word) {
        for (Need need : values()) {
            if (need.word.equals(word)) {
                return Optional.of(need);
            }
        }
        return Optional.empty();
    }

    private static Optional<String> shares(String call, Capabilities.Support support) {
        return support.outcome() == Outcome.SHARES
                ? Optional.empty()
                : Optional.of(call + " does not pass references here: it " + support);
    }

    private static Optional<String> zeroSplices(Kernel kernel) {
        int[] pipe = new int[2];
        long made = kernel.pipe2(pipe, 0);
        if (made < 0) {
            return Optional.of("no pipe to try /dev/zero with: " + Errno.name((int) made));
        }
        int zero = (int) kernel.open("/dev/zero", Flags.O_RDONLY, 0);
        long spliced = kernel.splice(zero, null, pipe[1], null, 1, 0);
        for (int fd : new int[] {zero, pipe[0], pipe[1]}) {
            kernel.close(fd);
        }
        return spliced == 1
                ? Optional.empty()
                : Optional.of("/dev/zero cannot be spliced from here: " + Errno.name((int) spliced));
    }

    @Override
    public String toString() {
        return word;
    }
}
