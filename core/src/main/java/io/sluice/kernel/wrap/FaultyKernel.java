// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.wrap;

import static io.sluice.kernel.Flags.F_SETFL;
import static io.sluice.kernel.Flags.O_DIRECT;

import io.sluice.kernel.Capabilities;
import io.sluice.kernel.Errno;
import io.sluice.kernel.Kernel;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A kernel that has bad days: before a call it may answer with an error, ask for fewer bytes than the caller did, or
 * linger. A call that is refused is not made. What comes by chance is only what a kernel could have answered to that
 * call: {@code EAGAIN} where the call does not sleep, {@code ENOSYS} and {@code EPERM} for calls that a kernel or a
 * filter may lack, shorter counts where no packet is cut; {@code close} is always let through.
 *
 * <pre>{@code
 * FaultyKernel kernel = FaultyKernel.builder(inner).seed(42)
 *         .often(Errno.EINTR, 0.05).often(Errno.EAGAIN, 0.05).shorter(0.2).build();
 * }</pre>
 *
 * The fate of the nth call depends on the seed and on n, so a run of one thread can be repeated. Who waits for an edge
 * of epoll after {@code EAGAIN} must not be given one: nothing will change there.
 */
public final class FaultyKernel extends ForwardingKernel {

    /** Decides call by call, before chance does; for faults at chosen places. */
    @FunctionalInterface
    public interface Plan {
        /**
         * What to answer instead of a call, {@code -errno} as a rule and any value if need be; null to let it go on.
         *
         * @param name the call's name in the manual; {@code "fionread"} and {@code "ficlone"} for the two ioctls
         * @param nth which of the calls of this name it is since the plan was laid, from 1
         */
        @Nullable
        Long answer(String name, long nth);
    }

    private static final String SHORTENED = "shortened";
    private static final String DELAYED = "delayed";

    private final LegalFaults legal;
    private final long seed;
    private final Map<Integer, Double> rates;
    private final double shorterRate;
    private final double delayRate;
    private final long longestDelayNanos;
    private final Map<String, Integer> lacking;
    private final long failingCall; // 0: none
    private final int failingErrno;
    private final AtomicLong calls = new AtomicLong();
    private final Map<String, LongAdder> injected = new ConcurrentHashMap<>();
    private volatile Laid laid = new Laid((name, nth) -> null);
    private volatile boolean packets; // some pipe may carry packets

    /** A plan and how often each call has been made under it. */
    private record Laid(Plan plan, Map<String, AtomicLong> counts) {
        Laid(Plan plan) {
            this(plan, new ConcurrentHashMap<>());
        }

        @Nullable
        Long answer(String name) {
            return plan.answer(
                    name, counts.computeIfAbsent(name, _ -> new AtomicLong()).incrementAndGet());
        }
    }

    private FaultyKernel(Builder builder) {
        super(builder.inner);
        legal = new LegalFaults(builder.inner);
        seed = builder.seed;
        rates = new LinkedHashMap<>(builder.rates);
        shorterRate = builder.shorterRate;
        delayRate = builder.delayRate;
        longestDelayNanos = builder.longestDelayNanos;
        lacking = Map.copyOf(builder.lacking);
        failingCall = builder.failingCall;
        failingErrno = builder.failingErrno;
    }

    /** A kernel around {@code inner} without a fault; add some. */
    public static Builder builder(Kernel inner) {
        return new Builder(inner);
    }

    /** Replaces the plan; its calls are counted from 1 again. */
    public void follow(Plan plan) {
        laid = new Laid(plan);
    }

    /** No plan any more. */
    public void followNone() {
        follow((name, nth) -> null);
    }

    @Override
    protected long around(String name, LongSupplier call, @Nullable Object... arguments) {
        notePackets(name, arguments);
        long number = calls.incrementAndGet();
        Long planned = laid.answer(name);
        if (planned != null) {
            return count(planned);
        }
        if (name.equals("close")) {
            return call.getAsLong();
        }
        Integer missing = lacking.get(name);
        if (missing != null) {
            return count(-missing);
        }
        if (number == failingCall && legal.allows(name, failingErrno, arguments)) {
            return count(-failingErrno);
        }
        return byChance(new SplittableRandom(seed + number), name, call, arguments);
    }

    private long byChance(SplittableRandom random, String name, LongSupplier call, @Nullable Object[] arguments) {
        for (var entry : rates.entrySet()) {
            if (random.nextDouble() < entry.getValue() && legal.allows(name, entry.getKey(), arguments)) {
                return count(-entry.getKey());
            }
        }
        if (random.nextDouble() < delayRate) {
            count(DELAYED);
            LockSupport.parkNanos(random.nextLong(longestDelayNanos) + 1);
        }
        if (random.nextDouble() < shorterRate) {
            long bytes = CallArguments.bytes(name, arguments);
            if (bytes > 1) {
                long least = legal.least(name, CallArguments.integer(arguments, 0), bytes, packets);
                if (least < bytes) {
                    count(SHORTENED);
                    return CallArguments.callFor(random.nextLong(least, bytes), inner, name, arguments);
                }
            }
        }
        return call.getAsLong();
    }

    private void notePackets(String name, @Nullable Object[] arguments) {
        packets |= switch (name) {
            case "pipe2" -> (CallArguments.integer(arguments, 1) & O_DIRECT) != 0;
            case "fcntl" ->
                CallArguments.integer(arguments, 1) == F_SETFL && (CallArguments.integer(arguments, 2) & O_DIRECT) != 0;
            default -> false;
        };
    }

    /** As those of the kernel inside, less what this one lacks. */
    @Override
    public Capabilities capabilities() {
        Capabilities all = inner.capabilities();
        return new Capabilities(
                support("splice", all.splice()),
                support("tee", all.tee()),
                support("vmsplice", all.vmsplice()),
                all.pipeMaxSizeBytes(),
                all.pipeUserPagesSoft(),
                all.pageSizeBytes(),
                all.hugePageSizeBytes());
    }

    private Capabilities.Support support(String name, Capabilities.Support inside) {
        Integer errno = lacking.get(name);
        return errno == null ? inside : Capabilities.Support.refused(errno);
    }

    private long count(long answer) {
        count(answer < 0 ? Errno.name((int) -answer) : "answered");
        return answer;
    }

    private void count(String what) {
        injected.computeIfAbsent(what, _ -> new LongAdder()).increment();
    }

    /** How many calls there were, refused ones among them. */
    public long calls() {
        return calls.get();
    }

    /** How often {@code -errno} was answered instead of a call, by plan or by chance. */
    public long injected(int errno) {
        return sum(Errno.name(errno));
    }

    /** How many calls were made for fewer bytes. */
    public long shortened() {
        return sum(SHORTENED);
    }

    /** How many calls were made later. */
    public long delayed() {
        return sum(DELAYED);
    }

    private long sum(String what) {
        LongAdder count = injected.get(what);
        return count == null ? 0 : count.sum();
    }

    /** The seed, and what was injected how often, such as {@code seed 42, 310 calls: EINTR 12, shortened 40}. */
    @Override
    public String toString() {
        var text = new StringBuilder("seed " + seed + ", " + calls + " calls:");
        new TreeMap<>(injected)
                .forEach((what, count) -> text.append(text.charAt(text.length() - 1) == ':' ? " " : ", ")
                        .append(what)
                        .append(' ')
                        .append(count));
        return text.toString();
    }

    /** Chooses the faults of a {@link FaultyKernel}. */
    public static final class Builder {
        private final Kernel inner;
        private long seed;
        private final Map<Integer, Double> rates = new LinkedHashMap<>();
        private double shorterRate;
        private double delayRate;
        private long longestDelayNanos = 1;
        private final Map<String, Integer> lacking = new LinkedHashMap<>();
        private long failingCall;
        private int failingErrno;

        private Builder(Kernel inner) {
            this.inner = Objects.requireNonNull(inner);
        }

        /** Draws from {@code newSeed}; 0 if not said. */
        public Builder seed(long newSeed) {
            seed = newSeed;
            return this;
        }

        /**
         * Answers {@code -errno} to this part of the calls that could have met it.
         *
         * @param errno EINTR, EAGAIN, ENOSYS, EPERM, ENOMEM or EMFILE
         * @param rate 0 to 1
         */
        public Builder often(int errno, double rate) {
            rates.put(known(errno), checked(rate));
            return this;
        }

        /** Makes this part of the calls that move bytes for fewer bytes, at least one. */
        public Builder shorter(double rate) {
            shorterRate = checked(rate);
            return this;
        }

        /** Lets this part of the calls wait before they are made, up to {@code longest}. */
        public Builder delays(double rate, Duration longest) {
            delayRate = checked(rate);
            longestDelayNanos = Math.max(1, longest.toNanos());
            return this;
        }

        /** Answers every call of a name with {@code -errno}, as a kernel without it does; capabilities say so too. */
        public Builder lacking(String name, int errno) {
            if (name.equals("close")) {
                throw new IllegalArgumentException("close never fails: its number would be lost");
            }
            lacking.put(name, errno);
            return this;
        }

        /**
         * Answers {@code -errno} to call number {@code number} (from 1, all calls counted) and to no other, if that
         * call could have met it. For runs that fail each call in turn: until {@link FaultyKernel#calls} is less than
         * the number.
         */
        public Builder failing(long number, int errno) {
            failingCall = number;
            failingErrno = known(errno);
            return this;
        }

        /** The kernel. */
        public FaultyKernel build() {
            return new FaultyKernel(this);
        }

        private static int known(int errno) {
            if (!LegalFaults.known(errno)) {
                throw new IllegalArgumentException(
                        Errno.name(errno) + " comes to no call by chance: say where in a plan");
            }
            return errno;
        }

        private static double checked(double rate) {
            if (!(rate >= 0 && rate <= 1)) {
                throw new IllegalArgumentException("a rate is 0 to 1, not " + rate);
            }
            return rate;
        }
    }
}
