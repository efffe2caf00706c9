// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel;

/** By which system calls bytes travel from a source to a sink. */
public enum TransferPath {
    /** ficlone: the sink shares the source's blocks on disk; nothing is moved. */
    REFLINK("reflink"),
    /** copy_file_range: the kernel copies between two files, or shares blocks. */
    COPY_FILE_RANGE("copy_file_range"),
    /** sendfile: pages of a file go out by reference. */
    SENDFILE("sendfile"),
    /**
     * splice into a pipe of our own and out of it: pages go by reference wherever neither end is a file to be written.
     */
    SPLICE("splice"),
    /** read and write, or recv and send: every byte passes through user space. */
    COPY("copy");

    private final String label;

    TransferPath(String label) {
        this.label = label;
    }

    /** The name that people read and type: {@code "copy_file_range"}. */
    public String label() {
        return label;
    }

    /** Whether the bytes on this path pass through user space. */
    public boolean inUserSpace() {
        return this == COPY;
    }
}
