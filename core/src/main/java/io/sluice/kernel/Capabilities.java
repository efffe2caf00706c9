// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel;

/**
 * What a kernel can do here, found by trying: kernels, containers and security policies differ, and version numbers
 * tell none of it.
 *
 * @param splice file to pipe: whether the pipe shares the file's pages
 * @param tee pipe to pipe: whether both pipes share the pages
 * @param vmsplice memory to pipe: whether the pipe shares the memory
 * @param pipeMaxSizeBytes the largest pipe an unprivileged user may ask for ({@code /proc/sys/fs/pipe-max-size})
 * @param pipeUserPagesSoft pages of pipe buffers per user above which new pipes are small; 0: no limit
 * @param pageSizeBytes bytes in a page, and so in a slot of a pipe
 * @param hugePageSizeBytes bytes in a huge page that {@link Kernel#mmap} can give, or 0 when there are none
 */
public record Capabilities(
        Support splice,
        Support tee,
        Support vmsplice,
        int pipeMaxSizeBytes,
        long pipeUserPagesSoft,
        int pageSizeBytes,
        long hugePageSizeBytes) {

    /** How a call behaves here. */
    public enum Outcome {
        /** It passes references: a later change of the source's page is seen by the reader. */
        SHARES,
        /** It works and copies: a later change is not seen. */
        COPIES,
        /** It is refused with an errno. */
        REFUSED
    }

    /**
     * One call's outcome.
     *
     * @param errno why it is refused; 0 when it is not
     */
    public record Support(Outcome outcome, int errno) {
        /** The call passes references. */
        public static final Support SHARES = new Support(Outcome.SHARES, 0);

        /** The call works by copying. */
        public static final Support COPIES = new Support(Outcome.COPIES, 0);

        /** The call is refused with {@code errno}, a positive number. */
        public static Support refused(int errno) {
            return new Support(Outcome.REFUSED, errno);
        }

        /** Whether the call can be used at all. */
        public boolean usable() {
            return outcome != Outcome.REFUSED;
        }

        @Override
        public String toString() {
            return switch (outcome) {
                case SHARES -> "shares";
                case COPIES -> "copies";
                case REFUSED -> "refused (" + Errno.name(errno) + ")";
            };
        }
    }
}
