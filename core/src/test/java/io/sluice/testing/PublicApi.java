// SPDX-License-Identifier: Apache-2.0
package io.sluice.testing;

import static java.util.stream.Collectors.joining;

import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
import java.lang.reflect.AnnotatedType;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * The public API of a compiled module as text: for each package that is exported to all, each class that others can
 * name, with the members that they can use, what these throw, and what may be null. What every object has
 * ({@code equals}, {@code hashCode}, {@code toString}) and what a record or an enum has by itself is left out.
 */
public final class PublicApi {
    private static final Set<String> EVERY_OBJECTS = Set.of("equals", "hashCode", "toString");
    private static final int VISIBLE = Modifier.PUBLIC | Modifier.PROTECTED;

    private final StringBuilder text = new StringBuilder();
    private String room = "";

    private PublicApi() {}

    /** Of the module whose classes lie in this directory and can be loaded here. */
    public static String of(Path classes) throws IOException, ClassNotFoundException {
        PublicApi api = new PublicApi();
        for (String room : exported(classes)) {
            api.room = room;
            api.text.append("package ").append(room).append('\n');
            for (Class<?> type : typesOf(classes, room)) {
                api.type(type);
            }
            api.text.append('\n');
        }
        return api.text.toString();
    }

    private static Set<String> exported(Path classes) throws IOException {
        Set<String> packages = new TreeSet<>();
        try (InputStream in = Files.newInputStream(classes.resolve("module-info.class"))) {
            for (ModuleDescriptor.Exports exports : ModuleDescriptor.read(in).exports()) {
                if (!exports.isQualified()) {
                    packages.add(exports.source());
                }
            }
        }
        return packages;
    }

    private static List<Class<?>> typesOf(Path classes, String room) throws IOException, ClassNotFoundException {
        List<String> names;
        try (Stream<Path> files = Files.list(classes.resolve(room.replace('.', '/')))) {
            names = files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".class") && !name.contains("-info"))
                    .map(name -> room + "." + name.substring(0, name.length() - ".class".length()))
                    .sorted()
                    .toList();
        }
        List<Class<?>> types = new ArrayList<>();
        for (String name : names) {
            Class<?> type = Class.forName(name, false, PublicApi.class.getClassLoader());
            if (isVisible(type)) {
                types.add(type);
            }
        }
        return types;
    }

    private static boolean isVisible(Class<?> type) {
        return (type.getModifiers() & VISIBLE) != 0
                && !type.isSynthetic()
                && (type.getEnclosingClass() == null || isVisible(type.getEnclosingClass()));
    }

    // One type.

    private void type(Class<?> type) {
        line("  ", header(type));
        for (Object constant : type.isEnum() ? constants(type) : List.of()) {
            line("    ", constant.toString());
        }
        Stream.of(type.getDeclaredFields())
                .filter(field -> isVisible(field.getModifiers(), field.isSynthetic()) && !field.isEnumConstant())
                .map(PublicApi::member)
                .sorted()
                .forEach(member -> line("    ", member));
        Stream.of(type.getDeclaredConstructors())
                .filter(made -> isVisible(made.getModifiers(), made.isSynthetic()) && !isCanonical(type, made))
                .map(PublicApi::member)
                .sorted()
                .forEach(member -> line("    ", member));
        methods(type).map(PublicApi::member).sorted().distinct().forEach(member -> line("    ", member));
    }

    private static List<String> constants(Class<?> type) {
        return Stream.of(type.getDeclaredFields())
                .filter(Field::isEnumConstant)
                .map(Field::getName)
                .toList();
    }

    private static String header(Class<?> type) {
        StringBuilder header = new StringBuilder(modifiers(type));
        header.append(kind(type)).append(type.getName()).append(variables(type.getTypeParameters()));
        if (type.isRecord()) {
            header.append(Stream.of(type.getRecordComponents())
                    .map(PublicApi::component)
                    .collect(joining(", ", "(", ")")));
        }
        Type parent = type.getGenericSuperclass();
        if (parent != null && parent != Object.class && parent != Record.class && !type.isEnum()) {
            header.append(" extends ").append(parent.getTypeName());
        }
        list(header, type.isInterface() ? " extends " : " implements ", type.getGenericInterfaces());
        if (type.isSealed()) {
            list(header, " permits ", type.getPermittedSubclasses());
        }
        return header.toString();
    }

    private static void list(StringBuilder header, String word, Type[] types) {
        if (types.length > 0) {
            header.append(word)
                    .append(Arrays.stream(types).map(Type::getTypeName).collect(joining(", ")));
        }
    }

    private static String modifiers(Class<?> type) {
        int shown = type.getModifiers() & (VISIBLE | Modifier.ABSTRACT | Modifier.FINAL);
        if (type.isInterface() || type.isEnum()) {
            shown &= ~Modifier.ABSTRACT;
        }
        if (type.isRecord() || type.isEnum()) {
            shown &= ~Modifier.FINAL;
        }
        String words = Modifier.toString(shown);
        return words + (type.isSealed() ? " sealed " : " ");
    }

    private static String kind(Class<?> type) {
        if (type.isAnnotation()) {
            return "@interface ";
        }
        if (type.isInterface()) {
            return "interface ";
        }
        return type.isRecord() ? "record " : type.isEnum() ? "enum " : "class ";
    }

    private static String component(RecordComponent component) {
        return component.getAnnotatedType() + " " + component.getName();
    }

    // Its members.

    private static boolean isVisible(int modifiers, boolean synthetic) {
        return (modifiers & VISIBLE) != 0 && !synthetic;
    }

    private static boolean isCanonical(Class<?> type, Constructor<?> made) {
        return type.isRecord() && made.getParameterCount() == type.getRecordComponents().length;
    }

    /** With those that a class has from a superclass that others cannot name. */
    private static Stream<Method> methods(Class<?> type) {
        Stream<Method> inherited = Stream.of(type.getMethods())
                .filter(method -> method.getDeclaringClass().getModule() == type.getModule()
                        && !isVisible(method.getDeclaringClass()));
        return Stream.concat(Stream.of(type.getDeclaredMethods()), inherited)
                .filter(method -> isVisible(method.getModifiers(), method.isSynthetic()))
                .filter(method -> !EVERY_OBJECTS.contains(method.getName()))
                .filter(method -> !isOfItself(type, method));
    }

    private static boolean isOfItself(Class<?> type, Method method) {
        String name = method.getName();
        if (type.isRecord()) {
            return method.getParameterCount() == 0
                    && Stream.of(type.getRecordComponents())
                            .anyMatch(component -> component.getName().equals(name));
        }
        return type.isEnum() && (name.equals("values") || name.equals("valueOf"));
    }

    private static String member(Field field) {
        return words(field.getModifiers()) + field.getAnnotatedType() + " " + field.getName();
    }

    private static String member(Constructor<?> made) {
        return words(made.getModifiers()) + made.getDeclaringClass().getSimpleName() + signature(made);
    }

    private static String member(Method method) {
        String variables = variables(method.getTypeParameters());
        return words(method.getModifiers() & ~Modifier.FINAL)
                + (method.isDefault() ? "default " : "")
                + (variables.isEmpty() ? "" : variables + " ")
                + method.getAnnotatedReturnType()
                + " "
                + method.getName()
                + signature(method);
    }

    private static String words(int modifiers) {
        String words = Modifier.toString(modifiers & (VISIBLE | Modifier.STATIC | Modifier.FINAL | Modifier.ABSTRACT));
        return words.isEmpty() ? "" : words + " ";
    }

    private static String signature(Executable executable) {
        StringBuilder signature = new StringBuilder(
                Stream.of(executable.getParameters()).map(PublicApi::parameter).collect(joining(", ", "(", ")")));
        AnnotatedType[] thrown = executable.getAnnotatedExceptionTypes();
        if (thrown.length > 0) {
            signature.append(Arrays.stream(thrown).map(Object::toString).collect(joining(", ", " throws ", "")));
        }
        return signature.toString();
    }

    private static String parameter(Parameter parameter) {
        String type = parameter.getAnnotatedType().toString();
        return parameter.isVarArgs() ? type.substring(0, type.length() - "[]".length()) + "..." : type;
    }

    private static String variables(TypeVariable<?>[] variables) {
        return variables.length == 0
                ? ""
                : Arrays.stream(variables).map(TypeVariable::getName).collect(joining(", ", "<", ">"));
    }

    /** Without the packages that go without saying, and with the short form of what may be null. */
    private void line(String indent, String what) {
        text.append(indent)
                .append(what.replaceAll(
                                "((?:[a-z]\\w*\\.)*)@org\\.jspecify\\.annotations\\.Nullable\\(\\) ", "@Nullable $1")
                        .replaceAll("\\bjava\\.lang\\.(?=[A-Z])", "")
                        .replaceAll("\\b" + room.replace(".", "\\.") + "\\.(?=[A-Z])", "")
                        .replace('$', '.'))
                .append('\n');
    }
}
