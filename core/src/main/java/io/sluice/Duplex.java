// SPDX-License-Identifier: Apache-2.0
package io.sluice;

/**
 * Two ends that speak for one party: what it says and what it hears. They may be the same end, as with a socket, and
 * stay their owner's to close, but for a sink to which {@link Join} passes the other party's end on.
 *
 * @param source where its bytes come from
 * @param sink where bytes for it go
 */
public record Duplex(Source source, Sink sink) {}
