// SPDX-License-Identifier: Apache-2.0
package io.sluice.bench;

import org.openjdk.jmh.annotations.Benchmark;

/** What does measuring nothing cost here? The floor under every other figure. */
public class EmptyBenchmark {
    /** Does nothing. */
    @Benchmark
    public void nothing() {}
}
