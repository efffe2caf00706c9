// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import static java.util.stream.Collectors.joining;

import io.sluice.flow.EndKind;
import io.sluice.flow.Paths;
import io.sluice.kernel.Capabilities;
import io.sluice.kernel.Errno;
import io.sluice.kernel.TransferPath;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What was found out about this system.
 *
 * @param limits each with its value, in the order in which they are told
 */
record Diagnosis(
        String system, String java, Capabilities capabilities, Map<String, Object> limits, List<Route> routes) {

    /**
     * The way from one kind of end to another.
     *
     * @param paths those that are tried, best first
     * @param hindered whether bytes are copied that would be spliced elsewhere
     */
    record Route(EndKind from, EndKind to, List<TransferPath> paths, String reason, boolean hindered) {}

    /** Looks around. */
    static Diagnosis of(Capabilities capabilities) {
        List<Route> routes = new ArrayList<>();
        for (EndKind from : EndKind.values()) {
            for (EndKind to : EndKind.values()) {
                routes.add(route(capabilities, from, to));
            }
        }
        Map<String, Object> limits = new LinkedHashMap<>();
        limits.put("page-size", capabilities.pageSizeBytes());
        limits.put("huge-page-size", capabilities.hugePageSizeBytes());
        limits.put("pipe-max-size", capabilities.pipeMaxSizeBytes());
        limits.put("pipe-user-pages-soft", capabilities.pipeUserPagesSoft());
        addOpenFiles(limits);
        return new Diagnosis(
                System.getProperty("os.name") + " " + System.getProperty("os.version") + " "
                        + System.getProperty("os.arch"),
                System.getProperty("java.vm.name") + " " + System.getProperty("java.runtime.version"),
                capabilities,
                limits,
                List.copyOf(routes));
    }

    private static Route route(Capabilities capabilities, EndKind from, EndKind to) {
        List<TransferPath> paths = new ArrayList<>(Paths.between(from, to, false, false));
        Capabilities.Support splice = capabilities.splice();
        if (!splice.usable() && paths.remove(TransferPath.SPLICE) && paths.getFirst() == TransferPath.COPY) {
            return new Route(
                    from, to, List.copyOf(paths), "splice is refused here: " + Errno.name(splice.errno()), true);
        }
        return new Route(from, to, List.copyOf(paths), reason(from, to, paths.getFirst()), false);
    }

    private static String reason(EndKind from, EndKind to, TransferPath first) {
        return switch (first) {
            case REFLINK -> "blocks are shared where the file system can; else the kernel copies inside itself";
            case COPY_FILE_RANGE -> "the kernel copies inside itself";
            case SENDFILE -> "the file's pages go to the socket by reference, without a pipe between";
            case SPLICE ->
                switch (to) {
                    case FILE -> "pages come by reference; the kernel copies them into the file";
                    case DEVICE -> "pages go to the device by reference, where its driver takes them";
                    default ->
                        from == EndKind.DEVICE
                                ? "the driver fills pages of a pipe, and these go on by reference"
                                : "pages go through a pipe by reference";
                };
            case COPY -> "a terminal's bytes pass its line discipline, which takes no pages";
        };
    }

    /** RLIMIT_NOFILE, soft and hard, as this process has them: the JVM raises its own soft limit. */
    private static void addOpenFiles(Map<String, Object> limits) {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/limits"))) {
                if (line.startsWith("Max open files")) {
                    String[] words = line.split(" +", -1);
                    limits.put("open-files", number(words[3]));
                    limits.put("open-files-hard", number(words[4]));
                }
            }
        } catch (IOException hidden) {
            // Where /proc is hidden the limit cannot be told, and is left out.
        }
    }

    private static Object number(String text) {
        return text.equals("unlimited") ? text : (Object) Long.valueOf(text);
    }

    // For people.

    /**
     * For people to read.
     *
     * @param all whether also the paths are listed that nothing hinders
     */
    String text(boolean all) {
        StringBuilder text = new StringBuilder();
        text.append(verdict())
                .append("\n\n")
                .append(system)
                .append("\n")
                .append(java)
                .append("\n\nCalls\n");
        calls().forEach((call, support) -> line(text, call, 22, meaning(support)));
        text.append("\nLimits\n");
        limits.forEach((name, value) -> line(text, name, 22, withUnit(name, value)));
        List<Route> listed =
                routes.stream().filter(route -> all || route.hindered()).toList();
        text.append(listed.isEmpty() ? "" : "\nPaths, as they are tried\n");
        for (Route route : listed) {
            line(
                    text,
                    route.from().label() + " to " + route.to().label(),
                    22,
                    labels(route.paths(), ", ") + ": " + route.reason());
        }
        if (listed.size() < routes.size()) {
            text.append("\nNothing hinders the paths between the ")
                    .append(listed.isEmpty() ? "" : "other ")
                    .append("kinds of end; --all lists them.");
        }
        text.append(
                "\nA destination that is appended to, or a socket in blocking mode that was inherited, is always copied.");
        return text.toString();
    }

    private String verdict() {
        String worse = calls().entrySet().stream()
                .filter(call -> call.getValue().outcome() != Capabilities.Outcome.SHARES)
                .map(call -> call.getKey()
                        + (call.getValue().usable()
                                ? " copies"
                                : " is refused (" + Errno.name(call.getValue().errno()) + ")"))
                .collect(joining(", "));
        return worse.isEmpty()
                ? "All is well: splice, tee and vmsplice share pages."
                : "Not all is as it could be: " + worse + ".";
    }

    private static void line(StringBuilder text, String name, int column, String value) {
        text.append("  ")
                .append(name)
                .append(" ".repeat(Math.max(1, column - name.length())))
                .append(value)
                .append('\n');
    }

    private Map<String, Capabilities.Support> calls() {
        Map<String, Capabilities.Support> calls = new LinkedHashMap<>();
        calls.put("splice", capabilities.splice());
        calls.put("tee", capabilities.tee());
        calls.put("vmsplice", capabilities.vmsplice());
        return calls;
    }

    private static String meaning(Capabilities.Support support) {
        return switch (support.outcome()) {
            case SHARES -> "shares pages";
            case COPIES -> "works, but copies";
            case REFUSED -> "refused: " + Errno.name(support.errno()) + ", " + Errno.message(support.errno());
        };
    }

    private static String withUnit(String name, Object value) {
        if (!(value instanceof Number number) || name.startsWith("open-files")) {
            return value.toString();
        }
        if (number.longValue() == 0) {
            return name.equals("huge-page-size") ? "none" : "no limit";
        }
        return name.equals("pipe-user-pages-soft")
                ? value + " pages in a user's pipes, beyond which new ones are small"
                : Size.text(number.longValue());
    }

    private static String labels(List<TransferPath> paths, String separator) {
        return paths.stream().map(TransferPath::label).collect(joining(separator));
    }

    // For programs.

    String json() {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("system", system);
        json.put("java", java);
        Map<String, Object> calls = new LinkedHashMap<>();
        calls().forEach((call, support) -> calls.put(call, json(support)));
        json.put("calls", calls);
        json.put("limits", limits);
        json.put("paths", routes.stream().map(Diagnosis::json).toList());
        return Json.of(json);
    }

    private static Map<String, @Nullable Object> json(Capabilities.Support support) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("outcome", support.outcome().name().toLowerCase(Locale.ROOT));
        json.put("errno", support.errno() == 0 ? null : Errno.name(support.errno()));
        return json;
    }

    private static Map<String, Object> json(Route route) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("from", route.from().label());
        json.put("to", route.to().label());
        json.put("paths", route.paths().stream().map(TransferPath::label).toList());
        json.put("reason", route.reason());
        return json;
    }
}
