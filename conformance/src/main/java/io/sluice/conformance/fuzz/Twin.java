// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance.fuzz;

import static io.sluice.kernel.Flags.POLLIN;
import static io.sluice.kernel.Flags.POLLOUT;

import io.sluice.conformance.Answer;
import io.sluice.conformance.Stage;
import io.sluice.conformance.Step;
import io.sluice.conformance.Steps;
import io.sluice.conformance.UserStand;
import io.sluice.kernel.Stat;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One program on both kernels at once: after every step the answers are compared, then what FIONREAD and poll say of
 * every descriptor, at the end all bytes that nobody has read, and what was left behind. Calls that may sleep run in
 * threads ({@link Sleeper}).
 */
final class Twin implements AutoCloseable {
    /** Bytes in a socket above which nothing is added: far below SO_SNDBUF, however Linux counts its overhead. */
    static final int SOCKET_BOUND = 16384;

    private final UserStand userStand;
    private static final Set<String> SETTING = Set.of("pipe", "file", "mem", "unix", "dev");

    /** A name where a step has one; the verbs and flags of the language have other forms. */
    private static final Pattern NAME = Pattern.compile("(?<= )([A-Z]\\.[rwab]|[A-Z]|d\\d+|null|zero)(?=[ @+]|$)");

    private final Stage linux;
    private final Stage user;
    private final boolean blocking;
    private final long patienceNanos;
    private final Set<String> names = new TreeSet<>(); // of open ends
    private final Set<String> files = new TreeSet<>();
    private final Set<String> fromSocket = new HashSet<>(); // pipes that something out of a socket went into
    private final Set<String> made = new HashSet<>(); // names of anything, open or not
    private final List<Sleeper> asleep = new ArrayList<>();
    private final List<String> transcript = new ArrayList<>();
    private final Map<String, String> objects = new HashMap<>(); // by the name of a duplicate
    private int threads;
    private boolean ended;

    Twin(Kernels kernels, boolean blocking, long patienceNanos) {
        this.patienceNanos = patienceNanos;
        this.userStand = kernels.user();
        this.blocking = blocking;
        this.linux = new Stage(kernels.linux());
        this.user = new Stage(userStand);
        kernels.lendMemories(linux, user);
    }

    /** What has been run so far, as lines of a scenario with Linux's answers. */
    List<String> transcript() {
        return transcript;
    }

    /**
     * Runs one line on both.
     *
     * @return how they differ; null when they do not
     */
    @Nullable
    String run(String line) {
        if (!settles(line) && (refersToNothing(line) || overfills(line) || returns(line) || closesUnderSleeper(line))) {
            return null;
        }
        Step step = Steps.parse("fuzz", line.startsWith("mem ") ? asPoke(line) : line);
        String difference = blocking && maySleep(step.verb()) ? inThreads(line, step) : at(line, step);
        if (difference == null && step.verb().equals("unix")) {
            String name = line.substring(line.indexOf(' ') + 1);
            run("nonblock " + name + ".a on"); // here, so that a shorter program cannot do without
            return run("nonblock " + name + ".b on");
        }
        return difference != null ? difference : look();
    }

    /** {@code mem M data}: the memory is there already, so that a program costs no mapping. */
    private static String asPoke(String line) {
        return "poke " + line.charAt(4) + " 0" + line.substring(5);
    }

    private @Nullable String at(String line, Step step) {
        Answer expected = step.operation().on(linux);
        Answer got = step.operation().on(user);
        transcript.add(line.startsWith("mem ") ? line : line + " -> " + expected);
        if (!expected.failed()) {
            remember(line);
        }
        String difference = compare(line, expected, got);
        return difference != null ? difference : settleOthers();
    }

    static @Nullable String compare(String line, Answer expected, Answer got) {
        boolean same = expected.value() == got.value()
                && (expected.failed() || Objects.equals(expected.data(), got.data()))
                && Objects.equals(expected.in(), got.in())
                && Objects.equals(expected.out(), got.out());
        return same ? null : line + "\n    Linux: " + expected + "\n    user:  " + got;
    }

    // Calls that may sleep.

    private static boolean maySleep(String verb) {
        return switch (verb) {
            case "read", "write", "splice", "tee", "vmsplice" -> true;
            default -> false;
        };
    }

    /**
     * Two calls that sleep on one object would be served in an order that Linux leaves open, so the younger one is
     * interrupted, which must answer the same as well.
     */
    private @Nullable String inThreads(String line, Step step) {
        Sleeper call = new Sleeper("t" + threads++, line, step, linux, user, patienceNanos);
        transcript.add("start " + call.name() + ": " + line);
        String difference = call.settle(transcript);
        if (difference == null) {
            difference = settleOthers();
        }
        if (difference == null) {
            difference = look();
        }
        if (difference == null) {
            difference = call.settle(transcript); // those whom it woke may have woken it
        }
        if (difference == null && !call.finished()) {
            boolean shared = asleep.stream().anyMatch(other -> other.sharesObjectWith(call, this));
            if (shared) {
                transcript.add("interrupt " + call.name());
                difference = call.interrupt(transcript);
            } else {
                asleep.add(call);
            }
        }
        return difference != null ? difference : settleOthers();
    }

    private @Nullable String settleOthers() {
        for (Sleeper sleeper : List.copyOf(asleep)) {
            String difference = sleeper.settle(transcript);
            if (difference != null) {
                return difference;
            }
            if (sleeper.finished()) {
                asleep.remove(sleeper);
            }
        }
        return null;
    }

    /** What can be asked of every descriptor at any time. A thread that has just been woken may need a moment. */
    private @Nullable String look() {
        long deadline = System.nanoTime() + (asleep.isEmpty() && !blocking ? 0 : patienceNanos);
        while (true) {
            String difference = lookOnce();
            if (difference == null || System.nanoTime() >= deadline) {
                return difference;
            }
            LockSupport.parkNanos(Sleeper.LOOK_NANOS);
        }
    }

    private @Nullable String lookOnce() {
        for (String name : names) {
            int linuxFd = linux.fd(name);
            int userFd = user.fd(name);
            long expected = linux.kernel().fionread(linuxFd);
            long got = user.kernel().fionread(userFd);
            if (expected != got) {
                return compare("fionread " + name, Answer.of(expected), Answer.of(got));
            }
            expected = linux.kernel().poll(linuxFd, POLLIN | POLLOUT, 0);
            got = user.kernel().poll(userFd, POLLIN | POLLOUT, 0);
            if (expected != got) {
                return compare("poll " + name, Answer.ofEvents(expected), Answer.ofEvents(got));
            }
        }
        return null;
    }

    private static boolean settles(String line) {
        return SETTING.contains(line.substring(0, line.indexOf(' ')));
    }

    /** Whether a name in the line was never made: the call that should have made it failed, or was left out. */
    private boolean refersToNothing(String line) {
        String given = line.contains(" as ") ? line.substring(0, line.indexOf(" as ")) : line;
        return NAME.matcher(given).results().anyMatch(name -> !made.contains(name.group()));
    }

    /**
     * Whether the line would close an end while a call sleeps on its pipe. When that call was the last to hold the end,
     * a later one races with its return; the plain case has a scenario [O08].
     */
    private boolean closesUnderSleeper(String line) {
        if (!line.startsWith("close ")) {
            return false;
        }
        String object = objectOf(line.substring("close ".length()));
        return asleep.stream().anyMatch(sleeper -> sleeper.isOn(object, this));
    }

    /**
     * Whether the line would splice into a socket what came out of one. What a send left in one page of Linux's may be
     * joined there again, as its allocator would have it [H11].
     */
    private boolean returns(String line) {
        if (!line.startsWith("splice ") && !line.startsWith("tee ")) {
            return false;
        }
        String[] words = line.split("[ @]", -1);
        String from = objectOf(words[1]);
        boolean offset = line.contains(words[1] + "@");
        String to = objectOf(words[offset ? 3 : 2]);
        boolean came = from.equals("S") || fromSocket.contains(from);
        if (came && to.equals("S")) {
            return true;
        }
        if (came) {
            fromSocket.add(to);
        }
        return false;
    }

    /** Whether the line would put more into a socket than programs may. */
    private boolean overfills(String line) {
        for (String name : names) {
            boolean adds = (line.startsWith("write ") && line.contains(" " + name + " "))
                    || (line.startsWith("splice ")
                            && line.contains(" " + name + " ")
                            && !line.contains("splice " + name));
            if (adds && objectOf(name).equals("S")) {
                String peer = name.endsWith("a") ? "S.b" : "S.a";
                return user.kernel().fionread(user.fd(peer)) > SOCKET_BOUND;
            }
        }
        return false;
    }

    private void remember(String line) {
        String[] words = line.split(" ", -1);
        switch (words[0]) {
            case "pipe" -> names.addAll(List.of(words[1] + ".r", words[1] + ".w"));
            case "unix" -> names.addAll(List.of(words[1] + ".a", words[1] + ".b"));
            case "file" -> {
                files.add(words[1]);
                made.add(words[1]);
            }
            case "mem", "dev" -> made.add(words[1]);
            case "dup", "reopen" -> {
                names.add(words[3]);
                objects.put(words[3], objectOf(words[1]));
            }
            case "close" -> names.remove(words[1]);
            default -> {}
        }
        made.addAll(names);
    }

    /** The pipe or socket pair that a name belongs to. */
    String objectOf(String name) {
        int dot = name.indexOf('.');
        return objects.getOrDefault(name, dot < 0 ? name : name.substring(0, dot));
    }

    /**
     * Reads what is left in files, pipes and sockets: a write into a page of somebody else's [M01], [J09] is seen
     * there, though no call of the program has looked.
     */
    private @Nullable String readRest() {
        Stat stat = new Stat();
        for (String file : files) {
            String difference = at("size " + file);
            if (difference == null && user.kernel().fstat(user.fd(file), stat) == 0) {
                difference = at("pread " + file + " 0 " + stat.size());
            }
            if (difference != null) {
                return difference;
            }
        }
        for (String name : names) {
            long before = 0;
            long left = user.kernel().fionread(user.fd(name));
            while (left > 0 && left != before) { // it stays as it is at an end that cannot be read
                String difference = at("read " + name + " " + left);
                if (difference != null) {
                    return difference;
                }
                before = left;
                left = user.kernel().fionread(user.fd(name));
            }
        }
        return null;
    }

    private @Nullable String at(String line) {
        return at(line, Steps.parse("fuzz", line));
    }

    /** Ends whatever sleeps, closes everything and looks at what is left. Answers how the kernels differ in that. */
    @Nullable
    String end() {
        for (Sleeper sleeper : asleep) {
            transcript.add("interrupt " + sleeper.name());
            String difference = sleeper.interrupt(transcript);
            if (difference != null) {
                return difference;
            }
        }
        asleep.clear();
        String difference = readRest();
        if (difference != null) {
            return difference;
        }
        ended = true;
        user.close();
        List<String> leftovers = userStand.leftovers();
        return leftovers.isEmpty() ? null : "left behind on the user-space kernel: " + leftovers;
    }

    /** After {@link #end}, or after a difference: takes everything down, whatever state it is in. */
    @Override
    public void close() {
        if (!asleep.isEmpty()) {
            asleep.forEach(Sleeper::abandon);
        }
        if (!ended) {
            user.close();
        }
        linux.close();
    }
}
