// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.user;

/** The answer of a call that makes an open file: the file, with one reference that is the caller's, or an errno. */
sealed interface Opened {
    /** A file without a descriptor yet. */
    record File(OpenFile file) implements Opened {}

    /** No file; {@code errno} is positive. */
    record Failed(int errno) implements Opened {}
}
