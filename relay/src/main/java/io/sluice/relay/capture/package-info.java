// SPDX-License-Identifier: Apache-2.0
/**
 * Reads captures of TCP, pcapng and classic pcap, and puts them together into conversations. Replay calls it, and any
 * program that wants the bytes of a capture; {@link io.sluice.relay.capture.Capture} is the door. Always true: whatever
 * a file claims, memory is bounded, the only exception is an {@link java.io.IOException}, and what could not be used is
 * named and counted in a {@link io.sluice.relay.capture.Notice}.
 */
@NullMarked
package io.sluice.relay.capture;

import org.jspecify.annotations.NullMarked;
