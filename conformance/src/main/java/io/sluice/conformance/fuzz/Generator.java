// SPDX-License-Identifier: Apache-2.0
package io.sluice.conformance.fuzz;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;

/**
 * Makes random programs: a few pipes of 1 to 32 slots, files, a Unix socket pair and memory, then 1 to 200 calls on
 * them with all flags, odd offsets and lengths.
 *
 * <p>What programs do not contain, and why:
 *
 * <ul>
 *   <li>more than 4096 bytes in one send to a socket: how Linux cuts a longer one into buffers depends on its allocator
 *       ([H11], [H23]);
 *   <li>more than {@link Twin#SOCKET_BOUND} bytes waiting in a socket (a bound at run time): SO_SNDBUF counts Linux's
 *       own overhead;
 *   <li>a splice into a socket of what came out of one (left out at run time): {@link Twin};
 *   <li>a close of an end on whose pipe a call sleeps (left out at run time): {@link Twin};
 *   <li>a splice to F or from G, so that no file is spliced onto the page that it comes from: what overlapping copies
 *       leave there is unspecified [F10];
 *   <li>vmsplice out of a pipe into memory that the pipe may still refer to, for the same reason: {@link PageFlow};
 *   <li>file offsets of more than 64 KiB, so that a program costs no memory; the limits of offsets have scenarios
 *       [D10];
 *   <li>sockets without O_NONBLOCK: a splice that sleeps in one holds the pipe's lock on Linux, and the next look at
 *       the pipe would never come back [H25];
 *   <li>TCP, whose buffers follow segments [H11], and devices that answer at random.
 * </ul>
 */
final class Generator {
    private static final int[] LENGTHS = {
        0, 1, 1, 2, 3, 10, 100, 1000, 2048, 4000, 4095, 4096, 4096, 4097, 5000, 8191, 8192, 8193, 12288, 16384, 20000,
        65536
    };
    private static final int PAGE = 4096;
    private static final int MEMORY_PAGES = 4;

    private final RandomGenerator random;
    private final boolean blocking;
    private final List<String> readEnds = new ArrayList<>();
    private final List<String> writeEnds = new ArrayList<>();
    private final List<String> sockets = new ArrayList<>();
    private final List<String> files = new ArrayList<>();
    private final Map<String, String> objects = new HashMap<>(); // by the name of a duplicate
    private final PageFlow flow = new PageFlow(Set.of("M", "N"));
    private int duplicates;

    /** {@code blocking}: calls may sleep; else every end has O_NONBLOCK all the time. */
    Generator(RandomGenerator random, boolean blocking) {
        this.random = random;
        this.blocking = blocking;
    }

    /** The lines that make what the calls work on. */
    List<String> setting() {
        List<String> lines = new ArrayList<>();
        int pipes = 1 + random.nextInt(3);
        for (int i = 0; i < pipes; i++) {
            String name = String.valueOf((char) ('A' + i));
            lines.add("pipe " + name + " slots=" + (1 << random.nextInt(6)) + (one(8) ? " DIRECT" : "")
                    + (blocking ? "" : " NONBLOCK"));
            readEnds.add(name + ".r");
            writeEnds.add(name + ".w");
        }
        for (String name : List.of("F", "G")) {
            if (one(2)) {
                lines.add("file " + name + " " + (one(8) ? "empty" : bytes(1 + random.nextInt(5 * PAGE))) + mode());
                files.add(name);
            }
        }
        lines.add("mem M " + bytes(MEMORY_PAGES * PAGE));
        lines.add("mem N zero(" + MEMORY_PAGES * PAGE + ")");
        if (one(3)) {
            lines.add("unix S");
            sockets.addAll(List.of("S.a", "S.b"));
        }
        lines.add("dev null null rw");
        lines.add("dev zero zero rw");
        if (blocking) {
            pipeEnds().stream().filter(end -> one(4)).forEach(end -> lines.add("nonblock " + end + " on"));
        }
        return lines;
    }

    private String mode() {
        return one(8) ? " rwa" : one(8) ? " r" : one(8) ? " w" : " rw";
    }

    /** How many calls the program has; short ones are more frequent, since they find the same things sooner. */
    int calls() {
        return 1 + random.nextInt(one(4) ? 200 : 40);
    }

    /** The next call. */
    String call() {
        return switch (random.nextInt(40)) {
            case 0, 1, 2, 3, 4 -> write();
            case 5, 6, 7, 8 -> "read " + (one(30) ? any(files, sockets, writeEnds) : pick(readEnds)) + " " + length();
            case 9, 10, 11, 12, 13, 14, 15, 16 -> splice();
            case 17, 18, 19 -> tee();
            case 20, 21, 22, 23 -> vmsplice(pick(writeEnds));
            case 24 -> vmsplice(pick(readEnds));
            case 25, 26 ->
                (one(4) ? "poke N " : "poke M ") + random.nextInt(MEMORY_PAGES * PAGE - 10) + " "
                        + bytes(1 + random.nextInt(10));
            case 27 -> peek();
            case 28, 29 -> file();
            case 30 -> "setsz " + pick(pipeEnds()) + " " + PAGE * (1 << random.nextInt(6));
            case 31 -> "getsz " + pick(ends());
            case 32 -> "direct " + pick(writeEnds) + onOff();
            case 33 -> "append " + pick(ends()) + onOff();
            case 34 -> blocking ? "nonblock " + pick(pipeEnds()) + onOff() : "fionread " + pick(ends());
            case 35 -> one(3) ? "close " + pick(ends()) : "poll " + pick(ends());
            case 36 -> duplicate();
            case 37 -> one(4) && !sockets.isEmpty() ? "sendshut " + pick(sockets) : "poll " + pick(ends());
            case 38 -> reopen();
            default -> files.isEmpty() ? "poll " + pick(ends()) : "size " + pick(files);
        };
    }

    private String write() {
        if (!sockets.isEmpty() && one(4)) {
            return "write " + pick(sockets) + " " + bytes(1 + random.nextInt(PAGE));
        }
        String sink = !files.isEmpty() && one(6) ? pick(files) : one(20) ? pick(ends()) : pick(writeEnds);
        int length = sockets.contains(sink) ? 1 + random.nextInt(PAGE) : length();
        return "write " + sink + " " + (length == 0 ? "empty" : bytes(length));
    }

    private String splice() {
        String in = random.nextInt(10) < 6 ? pick(readEnds) : one(8) ? "zero" : source("F");
        boolean fromPipe = readEnds.contains(in);
        String out = fromPipe && one(2) ? sink("G") : pipeSink();
        if (!flow.admits(objectOf(in), objectOf(out))) {
            return "poll " + pick(ends());
        }
        int length = sockets.contains(out) ? Math.min(length(), 1 + random.nextInt(PAGE)) : length();
        return "splice " + in + offset(in) + " " + out + offset(out) + " " + length + flags(false);
    }

    private String tee() {
        String in = pipeSource();
        String out = pipeSink();
        return flow.admits(objectOf(in), objectOf(out))
                ? "tee " + in + " " + out + " " + length() + flags(false)
                : "poll " + pick(ends());
    }

    /**
     * Mostly M goes in and N is filled. The other way round, memory changes under a pipe that refers to it by what
     * comes out of another one.
     */
    private String vmsplice(String end) {
        boolean in = writeEnds.contains(end); // also where it can be read from [K20]
        List<String> memories = in == one(6) ? List.of("N", "M") : List.of("M", "N");
        for (String memory : memories) {
            String pipe = objectOf(end);
            if (in ? flow.admits(memory, pipe) : flow.admits(pipe, memory)) {
                return "vmsplice " + end + " " + segments(memory) + flags(!blocking);
            }
        }
        return "fionread " + end;
    }

    private String offset(String end) {
        boolean file = files.contains(end) && one(2);
        return file || one(40) ? "@" + random.nextInt(one(4) ? 16 * PAGE : 3 * PAGE) : "";
    }

    /** vmsplice of memory, mostly of sensible pieces. */
    private String segments(String memory) {
        if (one(30)) {
            return "NOIOV";
        }
        StringBuilder list = new StringBuilder();
        int count = 1 + random.nextInt(3);
        for (int i = 0; i < count; i++) {
            int from = one(2) ? PAGE * random.nextInt(MEMORY_PAGES) : random.nextInt(MEMORY_PAGES * PAGE);
            int length = Math.min(length(), MEMORY_PAGES * PAGE - from);
            int times = one(6) ? 1 + random.nextInt(5) : 1;
            boolean fits = from + times * length <= MEMORY_PAGES * PAGE;
            list.append(i == 0 ? "" : ",");
            list.append(
                    one(60) ? "BAD:100" : memory + "+" + from + ":" + length + (fits && times > 1 ? "x" + times : ""));
        }
        return list.toString();
    }

    private String peek() {
        int from = random.nextInt(MEMORY_PAGES * PAGE - 100);
        return (one(2) ? "peek M " : "peek N ") + from + " 100";
    }

    private String file() {
        if (files.isEmpty()) {
            return "poll " + pick(ends());
        }
        String file = pick(files);
        int offset = random.nextInt(one(6) ? 16 * PAGE : 5 * PAGE);
        return switch (random.nextInt(7)) {
            case 0, 1 -> "pwrite " + file + " " + offset + " " + bytes(1 + random.nextInt(2 * PAGE));
            case 2 -> "pread " + file + " " + offset + " " + length();
            case 3 -> "lseek " + file + " " + offset;
            case 4 -> "ftruncate " + file + " " + offset;
            case 5 -> "punch " + file + " " + offset + " " + (1 + random.nextInt(3 * PAGE));
            default -> "pos " + file;
        };
    }

    private String duplicate() {
        String old = pick(one(2) ? readEnds : writeEnds);
        String name = "d" + duplicates++;
        for (List<String> kind : List.of(readEnds, writeEnds)) {
            if (kind.contains(old)) {
                kind.add(name);
            }
        }
        objects.put(name, objectOf(old));
        return "dup " + old + " as " + name;
    }

    /** Another description of a pipe, without O_NONBLOCK [P03]: for programs whose calls may sleep. */
    private String reopen() {
        if (!blocking || !one(4)) {
            return "fionread " + pick(ends());
        }
        String old = pick(pipeEnds());
        String name = "d" + duplicates++;
        int mode = random.nextInt(3);
        if (mode != 1) {
            readEnds.add(name);
        }
        if (mode != 0) {
            writeEnds.add(name);
        }
        objects.put(name, objectOf(old));
        return "reopen " + old + " as " + name + List.of(" r", " w", " rw").get(mode);
    }

    /** The pipe or socket pair behind a name. */
    String objectOf(String name) {
        int dot = name.indexOf('.');
        return objects.getOrDefault(name, dot < 0 ? name : name.substring(0, dot));
    }

    private String source(String file) {
        return any(
                readEnds, files.contains(file) ? List.of(file) : List.of(), sockets, one(10) ? writeEnds : List.of());
    }

    private String sink(String file) {
        return one(6) ? "null" : any(writeEnds, files.contains(file) ? List.of(file) : List.of(), sockets);
    }

    /** Mostly a read end, now and then something that cannot be one. */
    private String pipeSource() {
        return one(25) ? any(writeEnds, files, sockets) : pick(readEnds);
    }

    private String pipeSink() {
        return one(25) ? any(readEnds, sockets) : pick(writeEnds);
    }

    @SafeVarargs
    private String any(List<String>... kinds) {
        List<String> all = new ArrayList<>();
        for (List<String> kind : kinds) {
            all.addAll(kind);
        }
        return one(60) ? "BADFD" : pick(all);
    }

    private List<String> pipeEnds() {
        List<String> all = new ArrayList<>(readEnds);
        all.addAll(writeEnds);
        return all;
    }

    private List<String> ends() {
        List<String> all = pipeEnds();
        all.addAll(sockets);
        return all;
    }

    private String pick(List<String> names) {
        return names.get(random.nextInt(names.size()));
    }

    private int length() {
        return one(3) ? 1 + random.nextInt(3 * PAGE) : LENGTHS[random.nextInt(LENGTHS.length)];
    }

    private String bytes(int length) {
        return "pat(" + random.nextInt(256) + "," + random.nextInt(PAGE) + "," + length + ")";
    }

    private String flags(boolean nonblock) {
        String flags = nonblock || one(3) ? " NONBLOCK" : "";
        return flags
                + (one(6) ? " MOVE" : "")
                + (one(8) ? " MORE" : "")
                + (one(8) ? " GIFT" : "")
                + (one(80) ? " 0x10" : "");
    }

    private String onOff() {
        return one(2) ? " on" : " off";
    }

    private boolean one(int in) {
        return random.nextInt(in) == 0;
    }
}
