// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel;

/**
 * A feature of kernels whose descriptors are this process's own, as the system's are: what a number refers to there, it
 * refers to for java.io, java.nio and child processes as well. Other kernels count for themselves, and to use one of
 * their numbers outside is to reach a stranger.
 */
public interface ProcessDescriptors {
    /** A path by which this process opens anew what an open descriptor refers to, for as long as that is open. */
    String path(int fd);
}
