// SPDX-License-Identifier: Apache-2.0
package io.sluice;

/**
 * The pipes that the transfers of one {@link Sluice} borrow. Each number is right for itself; they are not taken at one
 * moment.
 *
 * @param made pipes made so far
 * @param borrowed pipes in use now
 * @param idle pipes at rest now, to be borrowed or closed
 * @param refused how often there was none to borrow, so far
 * @param pages pages that all of them can hold now, which is what the kernel counts against its user
 */
public record PipeGauges(long made, int borrowed, int idle, long refused, long pages) {}
