// SPDX-License-Identifier: Apache-2.0
package io.sluice;

/**
 * Two ends that speak for one party: what it says and what it hears.
 *
 * @param source where its bytes come from
 * @param sink where bytes for it go
 */
public record Duplex(Source source, Sink sink) {}
