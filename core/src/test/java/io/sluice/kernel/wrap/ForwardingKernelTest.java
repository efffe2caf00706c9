// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.wrap;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.kernel.EpollEvents;
import io.sluice.kernel.Kernel;
import io.sluice.kernel.Offset;
import io.sluice.kernel.Stat;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Every method of a wrapper reaches the same method of the kernel inside, with the same arguments and answer. */
final class ForwardingKernelTest {
    private record Seen(Method method, List<Object> arguments) {}

    private final List<Seen> seen = new ArrayList<>();
    private final Kernel inside = (Kernel) Proxy.newProxyInstance(
            Kernel.class.getClassLoader(), new Class<?>[] {Kernel.class}, (proxy, method, arguments) -> {
                seen.add(new Seen(method, arguments == null ? List.of() : Arrays.asList(arguments)));
                return method.getReturnType() == long.class
                        ? 40L + seen.size()
                        : method.getReturnType() == Optional.class ? Optional.of("a feature") : null;
            });

    @TestFactory
    List<DynamicTest> passesEachMethodOn() {
        return Arrays.stream(Kernel.class.getMethods())
                .map(method -> DynamicTest.dynamicTest(method.getName(), () -> passesOn(method)))
                .toList();
    }

    private void passesOn(Method method) throws ReflectiveOperationException {
        seen.clear();
        List<Object> given = new ArrayList<>();
        for (Class<?> type : method.getParameterTypes()) {
            given.add(value(type, given.size()));
        }
        Object answer = method.invoke(new CountingKernel(inside), given.toArray());
        assertThat(seen).containsExactly(new Seen(method, given));
        if (method.getReturnType() == long.class) {
            assertThat(answer).isEqualTo(41L);
        }
        if (method.getName().equals("feature")) {
            assertThat(answer).isEqualTo(Optional.of("a feature"));
        }
    }

    @Test
    void aWrapperThatRefusesACallDoesNotMakeIt() {
        Kernel refusing = new ForwardingKernel(inside) {
            @Override
            protected long around(String name, LongSupplier call, Object... arguments) {
                return -1;
            }
        };
        assertThat(refusing.fsync(3)).isEqualTo(-1);
        assertThat(seen).isEmpty();
    }

    /** Arguments that differ from each other, so that two in the wrong order are noticed. */
    private static Object value(Class<?> type, int index) {
        if (type == int.class) {
            return 100 + index;
        }
        if (type == long.class) {
            return 200L + index;
        }
        if (type == boolean.class) {
            return true;
        }
        return Objects.requireNonNull(
                switch (type.getSimpleName()) {
                    case "int[]" -> new int[2];
                    case "Offset" -> new Offset(index);
                    case "List" -> List.of(MemorySegment.NULL);
                    case "MemorySegment" -> MemorySegment.NULL;
                    case "MemorySegment[]" -> new MemorySegment[1];
                    case "String" -> "name " + index;
                    case "Stat" -> new Stat();
                    case "SocketAddress" -> new InetSocketAddress(index);
                    case "SocketAddress[]" -> new SocketAddress[1];
                    case "EpollEvents" -> new EpollEvents(1);
                    case "Class" -> String.class;
                    default -> throw new AssertionError("no value of " + type);
                });
    }
}
