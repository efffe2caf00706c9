// SPDX-License-Identifier: Apache-2.0
package io.sluice.testing;

import java.lang.reflect.Method;

/**
 * What threads allocate, as the JVM counts it. Asked by reflection: the module under test reads no management module.
 */
public final class Allocation {
    private static final Object THREADS;
    private static final Method OF_CURRENT;

    static {
        try {
            THREADS = Class.forName("java.lang.management.ManagementFactory")
                    .getMethod("getThreadMXBean")
                    .invoke(null);
            OF_CURRENT = Class.forName("com.sun.management.ThreadMXBean").getMethod("getCurrentThreadAllocatedBytes");
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("no jdk.management", e);
        }
    }

    private Allocation() {}

    /** Bytes that this thread has allocated so far; the question itself takes a few. */
    public static long ofCurrentThread() {
        try {
            return (long) OF_CURRENT.invoke(THREADS);
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("no count of bytes", e);
        }
    }
}
