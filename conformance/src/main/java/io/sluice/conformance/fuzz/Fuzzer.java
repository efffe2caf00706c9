// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance.fuzz;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.jspecify.annotations.Nullable;

/** Runs one random program after the other until it is told to stop, and keeps count. For one thread. */
public final class Fuzzer implements AutoCloseable {
    /** One program in so many has calls that may sleep: each of those costs two threads. */
    private static final int BLOCKING_ONE_IN = 50;

    /** How long the kernels may disagree before it counts: a thread that was woken has to get a processor first. */
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(2);

    private static final String ALGORITHM = "L64X128MixRandom";

    private final Kernels kernels = new Kernels();
    private long programs;
    private long calls;

    /** How many programs have been run. */
    public long programs() {
        return programs;
    }

    /** How many calls have been compared, settings not counted. */
    public long calls() {
        return calls;
    }

    /**
     * Runs the program of that seed.
     *
     * @return the difference, shrunk; null when the kernels agree
     */
    public @Nullable Difference run(long seed) {
        RandomGenerator random = RandomGeneratorFactory.of(ALGORITHM).create(seed);
        boolean blocking = random.nextInt(BLOCKING_ONE_IN) == 0;
        Generator generator = new Generator(random, blocking);
        List<String> lines = new ArrayList<>(generator.setting());
        for (int left = generator.calls(); left > 0; left--) {
            lines.add(generator.call());
            calls++;
        }
        programs++;
        kernels.beginProgram();
        Difference found = play(seed, lines, blocking, PATIENCE_NANOS);
        if (found == null) {
            return null;
        }
        Difference shrunk = new Shrinker(shorter -> {
                    kernels.renew();
                    return play(seed, shorter, blocking, PATIENCE_NANOS / 10);
                })
                .shrink(found);
        kernels.renew(); // whatever the difference left behind is not the next program's
        return shrunk;
    }

    /** Runs lines on both kernels; a fresh setting each time. */
    private @Nullable Difference play(long seed, List<String> lines, boolean blocking, long patienceNanos) {
        try (Twin twin = new Twin(kernels, blocking, patienceNanos)) {
            int ran = 0;
            for (String line : lines) {
                String difference = twin.run(line);
                ran++;
                if (difference != null) {
                    return new Difference(seed, lines.subList(0, ran), difference, twin.transcript());
                }
            }
            String difference = twin.end();
            return difference == null ? null : new Difference(seed, lines, difference, twin.transcript());
        }
    }

    @Override
    public void close() {
        kernels.close();
    }
}
