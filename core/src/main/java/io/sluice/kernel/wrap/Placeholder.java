// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.wrap;

/** Holds the room open; delete it with the first real class. */
final class Placeholder {
    private Placeholder() {}
}
