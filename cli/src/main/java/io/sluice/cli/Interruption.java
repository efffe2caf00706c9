// SPDX-License-Identifier: Apache-2.0
package io.sluice.cli;

import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Has the end of the process (Ctrl-C, SIGTERM, SIGHUP) interrupt the thread that works, and wait until it has said how
 * far it came. The JVM ends with 128 and the signal's number by itself.
 */
final class Interruption implements AutoCloseable {
    /** A thread that hangs on a dead disk cannot be interrupted; nobody wants to press Ctrl-C for ever. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final Duration patience;
    private final Thread worker = Thread.currentThread();
    private final CountDownLatch finished = new CountDownLatch(1);
    private boolean halts;
    private final Thread hook = new Thread(this::interrupt, "sluice-interruption");

    Interruption() {
        this(PATIENCE);
    }

    /** With so much time for what is left to do. */
    Interruption(Duration patience) {
        this.patience = patience;
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /**
     * Has Ctrl-C do nothing to this process from now on. By reflection, for the compiler warns of every mention of the
     * JDK's class for signals, and there is no other way.
     */
    static void ignoreCtrlC() {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            Object interrupt = signal.getConstructor(String.class).newInstance("INT");
            signal.getMethod("handle", signal, handler)
                    .invoke(null, interrupt, handler.getField("SIG_IGN").get(null));
        } catch (ReflectiveOperationException e) {
            throw new UnsupportedOperationException("this Java cannot ignore Ctrl-C", e);
        }
    }

    /** Has {@code task} run, in a thread of its own, whenever SIGHUP comes; by reflection for the same reason. */
    static void onHangUp(Runnable task) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            Object runs = Proxy.newProxyInstance(
                    handler.getClassLoader(), new Class<?>[] {handler}, (proxy, method, arguments) -> {
                        if (method.getName().equals("handle")) {
                            task.run();
                        }
                        return null;
                    });
            Object hangUp = signal.getConstructor(String.class).newInstance("HUP");
            signal.getMethod("handle", signal, handler).invoke(null, hangUp, runs);
        } catch (ReflectiveOperationException e) {
            throw new UnsupportedOperationException("this Java tells nobody of SIGHUP", e);
        }
    }

    private void interrupt() {
        worker.interrupt();
        try {
            if (!finished.await(patience.toNanos(), TimeUnit.NANOSECONDS)) {
                System.err.println("sluice: ended in the middle of a system call that does not return");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The process is going to halt with a code of its own: until then its end by the signal is held up. */
    void halts() {
        halts = true;
    }

    /** The work is done and reported. */
    @Override
    public void close() {
        if (halts) {
            return;
        }
        finished.countDown();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException endingAlready) {
            // Then the hook is what waits for us.
        }
    }
}
