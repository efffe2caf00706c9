// SPDX-License-Identifier: Apache-2.0
package io.sluice;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.Utf8Entry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/**
 * The arrows between the rooms of this module run one way only. Each line of the tables is a rule; a room that a line
 * does not grant is forbidden.
 */
class RoomsTest {
    static final List<Room> ROOMS = List.of(
            room("io.sluice.kernel").mayUse(),
            room("io.sluice.kernel.linux").mayUse("io.sluice.kernel"),
            room("io.sluice.kernel.user").mayUse("io.sluice.kernel"),
            room("io.sluice.kernel.wrap").mayUse("io.sluice.kernel"),
            room("io.sluice.flow").mayUse("io.sluice.kernel"),
            room("io.sluice").mayUse("io.sluice.kernel", "io.sluice.flow"));

    /** The door opens kernels, so it alone among the classes of its room sees any. */
    static final List<Door> DOORS = List.of(
            new Door("io.sluice.Sluice", "io.sluice.kernel.linux"),
            new Door("io.sluice.Sluice", "io.sluice.kernel.user"));

    /** Who keeps what for himself; nobody here may print or end the process, only the command line may. */
    static final List<Reserved> RESERVED = List.of(
            reserve("java.lang.foreign.Linker").to("io.sluice.kernel.linux"),
            reserve("java.lang.System.out").to("io.sluice.cli"),
            reserve("java.lang.System.err").to("io.sluice.cli"),
            reserve("java.lang.System.exit").to("io.sluice.cli"),
            reserve("java.lang.Runtime.exit").to("io.sluice.cli"),
            reserve("java.lang.Runtime.halt").to("io.sluice.cli"));

    private static final List<Compiled> CORE = new ArrayList<>();

    @BeforeAll
    static void readTheModuleAsItWasCompiled() throws IOException {
        try (Stream<Path> files = Files.walk(Path.of("target", "classes"))) {
            for (Path file : (Iterable<Path>) files::iterator) {
                String name = file.getFileName().toString();
                if (name.endsWith(".class") && !name.equals("module-info.class")) {
                    CORE.add(Compiled.read(file));
                }
            }
        }
    }

    @ParameterizedTest
    @FieldSource("ROOMS")
    void usesNoRoomButThese(Room room) {
        assertThat(CORE.stream()
                        .filter(type -> type.room().equals(room.name))
                        .flatMap(type -> type.names.stream()
                                .filter(named -> room.forbids(type, named))
                                .map(named -> type.name + " uses " + named)))
                .as(room.toString())
                .isEmpty();
    }

    @ParameterizedTest
    @FieldSource("RESERVED")
    void isUsedNowhereElse(Reserved reserved) {
        assertThat(CORE.stream()
                        .filter(type -> !type.room().equals(reserved.room) && type.names.contains(reserved.what))
                        .map(Compiled::name))
                .as(reserved.toString())
                .isEmpty();
    }

    @Test
    void everyRoomIsInTheTable() {
        assertThat(CORE.stream().map(Compiled::room).distinct())
                .containsExactlyInAnyOrderElementsOf(
                        ROOMS.stream().map(Room::name).toList());
    }

    @Test
    void theKeeperOfTheLinkerIsSeenUsingIt() {
        assertThat(CORE.stream()
                        .filter(type -> type.names.contains("java.lang.foreign.Linker"))
                        .map(Compiled::room))
                .as("without this, a reader that misses everything would pass")
                .contains("io.sluice.kernel.linux");
    }

    record Room(String name, Set<String> usable) {
        Room mayUse(String... others) {
            return new Room(name, Set.of(others));
        }

        boolean forbids(Compiled from, String named) {
            String to = roomOf(named);
            return to.startsWith("io.sluice")
                    && !to.equals(name)
                    && !usable.contains(to)
                    && DOORS.stream().noneMatch(door -> door.leads(from, to));
        }

        @Override
        public String toString() {
            return usable.isEmpty()
                    ? name + " uses no other room"
                    : name + " uses only " + usable.stream().sorted().collect(joining(" and "));
        }
    }

    private static Room room(String name) {
        return new Room(name, Set.of());
    }

    /** One class, with those nested in it, that may use a room its own room may not. */
    record Door(String type, String room) {
        boolean leads(Compiled from, String to) {
            return to.equals(room) && (from.name.equals(type) || from.name.startsWith(type + "$"));
        }
    }

    /** A class, or a member written as {@code class.member}, that one room keeps for itself. */
    record Reserved(String what, String room) {
        Reserved to(String owner) {
            return new Reserved(what, owner);
        }

        @Override
        public String toString() {
            return what + " is kept for " + room;
        }
    }

    private static Reserved reserve(String what) {
        return new Reserved(what, "");
    }

    /** A class and everything it names, as {@code class} or {@code class.member}. */
    record Compiled(String name, Set<String> names) {
        private static final Pattern CLASS_IN_DESCRIPTOR = Pattern.compile("L([\\w/$]+)[;<]");

        /** The constant pool knows every class and member, whatever instruction or signature mentions it. */
        static Compiled read(Path file) throws IOException {
            ClassModel type = ClassFile.of().parse(file);
            Set<String> names = new TreeSet<>();
            for (PoolEntry entry : type.constantPool()) {
                switch (entry) {
                    case MemberRefEntry member ->
                        names.add(dotted(member.owner().asInternalName() + "." + member.name()));
                    case ClassEntry named -> names.add(dotted(named.asInternalName()));
                    case Utf8Entry text ->
                        CLASS_IN_DESCRIPTOR
                                .matcher(text.stringValue())
                                .results()
                                .map((MatchResult found) -> dotted(found.group(1)))
                                .forEach(names::add);
                    default -> {}
                }
            }
            return new Compiled(dotted(type.thisClass().asInternalName()), names);
        }

        String room() {
            return roomOf(name);
        }
    }

    /** The package of a class or of its member: what stands before the first capital. */
    private static String roomOf(String name) {
        return name.replaceFirst("\\.[A-Z].*|\\.package-info$", "");
    }

    private static String dotted(String internalName) {
        return internalName.replace('/', '.');
    }
}
